"""What answers would have cost at the top of their chain: the yardstick that lower tiers are measured by. Pure.

The yardstick of a chain is the first candidate with a known price in the highest tier that has one: who would have been called
there. It is today's chain and today's price, for an old price says nothing of what to do next. The answer's own tokens are
priced there, none of them as cached, and what the answer did cost is taken off. That another model would have written more or
less is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from llmesc.config.model import Config
from llmesc.escalation.chain import ChainRequest, build_chain
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.pricing import rates
from llmesc.escalation.resolution import Price, Resolution, Tier
from llmesc.state.usage import Used


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """The top of one chain."""

    tier: Tier
    ref: str
    price: Price | None
    """None: nobody knows it, or nobody sends a bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What the answers of lower tiers came to."""

    answers: int = 0
    """Those of a tier below their chain's top of which both costs are known."""
    cost: Decimal = Decimal(0)
    """US dollars, of these."""
    at_the_top: Decimal = Decimal(0)
    """US dollars that they would have cost there."""
    unknown: int = 0
    """Answers of which it cannot be told: no price there, no count of tokens, no known cost, or a chain that is no more."""

    @property
    def dollars(self) -> Decimal:
        """The difference; below 0 where the lower tier was dearer."""
        return self.at_the_top - self.cost


def yardsticks(config: Config, offerings: Sequence[Resolution], default_chain: str) -> Mapping[str, Yardstick]:
    """Of every chain that there is today and that has a candidate; `offerings` with the prices that are known."""
    names = dict.fromkeys((default_chain, *config.chains))
    chains = {
        name: build_chain(offerings, ChainRequest(name=name, references=config.chains.get(name))).candidates for name in names
    }
    return {name: _top(candidates) for name, candidates in chains.items() if candidates}


def _top(candidates: Sequence[Resolution]) -> Yardstick:
    highest = max(candidate.tier for candidate in candidates)
    priced = [candidate for candidate in candidates if candidate.offering.price is not None]
    # Above one's own machines there is always a bill. Where nobody knows how high it is, the highest that is known stands for it.
    tier = max((candidate.tier for candidate in priced), default=highest)
    first = next(candidate for candidate in priced or candidates if candidate.tier == tier)
    return Yardstick(tier=first.tier, ref=first.ref, price=first.offering.price)


def prompt_lengths(tops: Iterable[Yardstick]) -> tuple[int, ...]:
    """Tokens above which one of their prices changes, rising."""
    return tuple(sorted({tier.above_input_tokens for top in tops if top.price is not None for tier in top.price.tiers}))


def saved(cells: Iterable[Used], tops: Mapping[str, Yardstick], lengths: Sequence[int]) -> Saved:
    """What `cells` saved, told apart by chain and by these `lengths` of prompts."""
    answers, cost, at_the_top, unknown = 0, Decimal(0), Decimal(0), 0
    for cell in cells:
        top = tops.get(cell.chain)
        if cell.fate != "answer" or (top is not None and Tier.parse(cell.tier) >= top.tier):
            continue
        instead = None if top is None else _instead(cell, top, lengths)
        if instead is None or cell.cost is None:
            unknown += cell.calls
            continue
        answers += cell.calls
        cost += cell.cost
        at_the_top += instead
    return Saved(answers=answers, cost=cost, at_the_top=at_the_top, unknown=unknown)


def _instead(cell: Used, top: Yardstick, lengths: Sequence[int]) -> Decimal | None:
    if top.price is None:
        return Decimal(0) if top.tier.self_hosted else None
    if cell.longer_than is None:
        return None
    longest_of_shorter = lengths[cell.longer_than - 1] if cell.longer_than else 0
    rate = rates(top.price, longest_of_shorter + 1)
    tokens = rate.input_per_million * cell.input_tokens + rate.output_per_million * cell.output_tokens
    return tokens / 1_000_000 + top.price.per_request * cell.calls
