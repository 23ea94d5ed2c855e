"""Who can be asked: tiers, provider instances, models, and the references people write for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal, NamedTuple

from llmesc.escalation.light_dataclass import dataclass

DEFAULT_INSTANCE = "default"
"""The name of a provider's only instance, never written out."""


class Tier(IntEnum):
    """The order in which cost and capability rise."""

    LOCAL = 0
    FLEET = 1
    VLLM = 2
    CLOUD = 3
    FRONTIER = 4

    @property
    def label(self) -> str:
        """The word of the configuration and of every screen: `local`, `fleet`, …"""
        return self.name.lower()

    @property
    def self_hosted(self) -> bool:
        """Whether the operator runs it: local, fleet and vllm are, cloud and frontier are not."""
        return self <= _LAST_SELF_HOSTED

    @classmethod
    def parse(cls, text: str) -> Tier:
        """The tier named `text`. Raises ValueError that lists the allowed names."""
        try:
            return cls[text.strip().upper()]
        except KeyError:
            raise ValueError(f"no tier {text!r}; tiers are {', '.join(tier.label for tier in cls)}") from None


_LAST_SELF_HOSTED = Tier.VLLM  # looked up once: each look takes 50 ns, and it is asked of every candidate


class CircuitKey(NamedTuple):
    """What a circuit breaker guards: one account or endpoint of a provider. Written `openai@team-a`."""

    provider: str
    instance: str = DEFAULT_INSTANCE

    def __str__(self) -> str:
        return self.provider if self.instance == DEFAULT_INSTANCE else f"{self.provider}@{self.instance}"

    @classmethod
    def parse(cls, text: str) -> CircuitKey:
        """`provider` or `provider@instance`. Raises ValueError when a part is empty or it holds a `/`."""
        provider, at, instance = text.partition("@")
        if not provider or "/" in text or (at and not instance):
            raise ValueError(f"{text!r} is no provider or provider@instance")
        return cls(provider, instance or DEFAULT_INSTANCE)


class ModelKey(NamedTuple):
    """What a denial names: a model on one instance. Written `openai@team-a/gpt-5`."""

    provider: str
    instance: str
    model: str

    def __str__(self) -> str:
        return f"{CircuitKey(self.provider, self.instance)}/{self.model}"


class Reference(NamedTuple):
    """How a person writes a candidate. `instance` None stands for all instances of the provider, in order."""

    provider: str
    instance: str | None
    model: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """`provider/model` or `provider@instance/model`; only the first `/` splits. Raises ValueError."""
        who, slash, model = text.partition("/")
        provider, at, instance = who.partition("@")
        if not slash or not provider or not model or (at and not instance):
            raise ValueError(f"{text!r} is no reference; write provider/model or provider@instance/model")
        return cls(provider, instance or None, model)

    def __str__(self) -> str:
        who = self.provider if self.instance is None else f"{self.provider}@{self.instance}"
        return f"{who}/{self.model}"


CONFIGURED = "configuration"
"""The source of a price that an operator wrote down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTier:
    """What holds instead where the prompt is longer than `above_input_tokens`: for all of its tokens, not only for the rest."""

    above_input_tokens: int
    input_per_million: Decimal
    output_per_million: Decimal
    cached_input_per_million: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens. `pricing` reckons with it."""

    input_per_million: Decimal
    output_per_million: Decimal
    cached_input_per_million: Decimal | None = None
    """None: as all input."""
    reasoning_per_million: Decimal | None = None
    """None: as all output."""
    per_request: Decimal = Decimal(0)
    """For each request, whatever its length."""
    tiers: tuple[PriceTier, ...] = ()
    """For longer prompts, the shortest first."""
    source: str = CONFIGURED
    """Who says so: `configuration`, or the price list and its version, or both."""


Capability = Literal["tools", "json", "schema", "images", "thinking", "streaming"]
"""What a request may need of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """A model as one provider instance offers it, with what is known of it. Unknown is None, never a guess."""

    offering_id: str
    """Carried through to audit and metering; `provider@instance/model` unless configured."""
    context_window: int | None = None
    """Tokens of prompt and answer together."""
    max_output_tokens: int | None = None
    capabilities: frozenset[str] | None = None
    """Confirmed capabilities; None: nobody said yet, which is not the same as none."""
    price: Price | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The operator's own words about it, carried through untouched."""


@dataclass(frozen=True, slots=False, kw_only=True)  # without slots, it can keep the keys that are made of it
class Resolution:
    """One candidate of a chain: a model, at an instance of a provider, in a tier. Its keys are made once, for they are asked for
    some ten times in each run that passes it.
    """

    tier: Tier
    provider: str
    instance: str = DEFAULT_INSTANCE
    model: str
    offering: Offering
    endpoint: str = ""
    """Scheme, host and port that are called (`http://gpu1:8000`). Candidates that share one fail together when it
    cannot be reached. Empty: an endpoint of its own."""
    private: bool = True
    """Whether prompts stay on machines the operator runs; privacy mode allows only these."""
    simulated: bool = False

    @cached_property
    def circuit_key(self) -> CircuitKey:
        """The circuit that guards it."""
        return CircuitKey(self.provider, self.instance)

    @cached_property
    def model_key(self) -> ModelKey:
        """The key of a denial of exactly this candidate."""
        return ModelKey(self.provider, self.instance, self.model)

    @cached_property
    def ref(self) -> str:
        """`provider/model` or `provider@instance/model`, as shown everywhere."""
        return str(self.model_key)
