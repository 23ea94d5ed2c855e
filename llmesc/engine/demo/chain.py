"""The chain of the demonstration: five places that exist nowhere, from a small model on this machine to a frontier model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from llmesc.config.defaults import TIMEOUTS
from llmesc.config.model import Config, InstanceConfig, ModelConfig, PriceParts, ProviderConfig
from llmesc.engine.demo.story import Asked, Story
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits
from llmesc.escalation.resolution import DEFAULT_INSTANCE, CircuitKey, Tier

CHAINS: Mapping[str, tuple[str, ...]] = {
    "default": ("embedded/smollm2-135m", "lab/qwen3-32b", "openai/gpt-5-mini", "claude/claude-sonnet-4-6"),
    "code": ("lab/qwen3-32b", "openai/gpt-5-mini", "claude/claude-sonnet-4-6"),
    "support": ("openai/gpt-5-mini", "claude/claude-sonnet-4-6"),
    "writing": ("claude/claude-sonnet-4-6", "openai/gpt-5-mini"),
}

COOLDOWN_SECONDS = 20.0
"""A third of the usual, so that an outage and its end fit into a minute."""

TOKENS_TOGETHER = 4
"""Arrive at once, as from a service that is busy: still as many pieces a second as the dashboard draws frames, and a third of the
work that one for each token would make.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A provider as it would behave."""

    name: str
    tier: Tier
    model: str
    window: int
    tokens_per_second: float
    """Of four characters."""
    first_seconds: float
    """Until the first token."""
    instances: tuple[str, ...] = (DEFAULT_INSTANCE,)
    price: tuple[str, str] = ("0", "0")
    """US dollars for a million tokens in, and out."""
    thinks: bool = False


PLACES = (
    _Place(name="embedded", tier=Tier.LOCAL, model="smollm2-135m", window=8_192, tokens_per_second=60, first_seconds=0.2),
    _Place(
        name="lab",
        tier=Tier.VLLM,
        model="qwen3-32b",
        window=32_768,
        tokens_per_second=45,
        first_seconds=0.4,
        instances=("gpu1", "gpu2"),
    ),
    _Place(
        name="openai",
        tier=Tier.CLOUD,
        model="gpt-5-mini",
        window=400_000,
        tokens_per_second=65,
        first_seconds=0.5,
        instances=("team-a",),
        price=("0.25", "2.00"),
    ),
    _Place(
        name="claude",
        tier=Tier.FRONTIER,
        model="claude-sonnet-4-6",
        window=200_000,
        tokens_per_second=38,
        first_seconds=0.8,
        instances=("team-a",),
        price=("3.00", "15.00"),
        thinks=True,
    ),
)


def demo_config(story: Story) -> Config:
    """A configuration without a key, an address or a file, whose every candidate plays its part of `story`."""
    return Config(
        limits=Limits(max_attempts=4),
        circuit=CircuitPolicy(cooldown_seconds=COOLDOWN_SECONDS, jitter=0.0),
        providers=tuple(_provider(place, story) for place in PLACES),
        chains=CHAINS,
        state="memory:",
    )


def _provider(place: _Place, story: Story) -> ProviderConfig:
    price = PriceParts(input_per_million=Decimal(place.price[0]), output_per_million=Decimal(place.price[1]))
    model = ModelConfig(name=place.model, context_window=place.window, price=price)
    return ProviderConfig(
        name=place.name,
        api="simulated",
        tier=place.tier,
        timeouts=TIMEOUTS[place.tier],
        instances=tuple(
            InstanceConfig(name=name, models=(model,), options={"script": list(_script(place, name, story))})
            for name in place.instances
        ),
        private=place.tier.self_hosted,
    )


def _script(place: _Place, instance: str, story: Story) -> Iterator[Mapping[str, Any]]:
    """The weather first, whatever is asked; then what the story asks; then what nobody foresaw, which gets a canned answer."""
    pace = {
        "chunk": 4 * TOKENS_TOGETHER,
        "tokens_per_second": place.tokens_per_second / TOKENS_TOGETHER,
        "delay_seconds": place.first_seconds,
    }
    here = CircuitKey(place.name, instance)
    yield from ({**pace, **weather.step} for weather in story.weather if weather.instance == here)
    yield from ({**pace, **_answered(place, asked)} for asked in story.requests)
    yield pace


def _answered(place: _Place, asked: Asked) -> Mapping[str, Any]:
    thinking = {"thinking": asked.thinking} if place.thinks else {}
    return {"about": asked.prompt, "text": asked.answer, **thinking, **asked.instead.get(place.name, {})}
