"""What a call costs: a price applied to tokens. Pure; all money is US dollars."""

from __future__ import annotations

from decimal import Decimal

from llmesc.escalation.messages import Usage
from llmesc.escalation.resolution import Price, PriceTier, Resolution


def rates(price: Price, prompt_tokens: int) -> Price | PriceTier:
    """What holds for a prompt of that length."""
    fitting = [tier for tier in price.tiers if prompt_tokens > tier.above_input_tokens]
    return fitting[-1] if fitting else price


def cost(price: Price, usage: Usage) -> Decimal | None:
    """What `usage` cost; None where its tokens are not known."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    rate = rates(price, usage.input_tokens)
    cached = min(usage.cached_tokens or 0, usage.input_tokens)
    reasoning = min(usage.reasoning_tokens or 0, usage.output_tokens)
    cached_rate = rate.input_per_million if rate.cached_input_per_million is None else rate.cached_input_per_million
    reasoning_rate = rate.output_per_million if price.reasoning_per_million is None else price.reasoning_per_million
    return (
        rate.input_per_million * (usage.input_tokens - cached)
        + cached_rate * cached
        + rate.output_per_million * (usage.output_tokens - reasoning)
        + reasoning_rate * reasoning
    ) / 1_000_000 + price.per_request


def estimated(price: Price, prompt_tokens: int, output_tokens: int) -> Decimal:
    """What a call would cost."""
    rate = rates(price, prompt_tokens)
    tokens = rate.input_per_million * prompt_tokens + rate.output_per_million * output_tokens
    return tokens / 1_000_000 + price.per_request


def at_most(price: Price, prompt_tokens: int, output_tokens: int) -> Decimal:
    """What a call would cost whose answer is as long and as dear as it can be: all of it thought, where thinking costs more."""
    rate = rates(price, prompt_tokens)
    dearest = max(rate.output_per_million, price.reasoning_per_million or Decimal(0))
    return (rate.input_per_million * prompt_tokens + dearest * output_tokens) / 1_000_000 + price.per_request


def affordable_tokens(price: Price, prompt_tokens: int, dollars: Decimal) -> int | None:
    """The longest answer that `dollars` pay for behind the prompt; None where answers cost nothing."""
    rate = rates(price, prompt_tokens)
    if not rate.output_per_million:
        return None
    left = (dollars - price.per_request) * 1_000_000 - rate.input_per_million * prompt_tokens
    return max(0, int(left / rate.output_per_million))


def cost_of(resolution: Resolution, usage: Usage) -> Decimal | None:
    """What `usage` cost there; None where price or tokens are not known. An own machine without a price sends no bill."""
    price = resolution.offering.price
    if price is None:
        return Decimal(0) if resolution.tier.self_hosted else None
    return cost(price, usage)
