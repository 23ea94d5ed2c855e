"""The configuration as typed values. `load` makes it from TOML, `discover` from the machine; nothing here reads anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from llmesc.config.secrets import SecretRef
from llmesc.escalation.budget import Budget
from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.quality import QualitySettings
from llmesc.escalation.resolution import DEFAULT_INSTANCE, Price, Tier

Api = Literal["openai", "openai-responses", "anthropic", "gemini", "ollama", "llamacpp", "fleet", "simulated"]
"""The wire APIs this version speaks."""

SinkKind = Literal["jsonl", "webhook", "otel"]
"""Where recorded events may be handed on to: a file, an HTTP endpoint, an OpenTelemetry collector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceParts:
    """What the operator says of a price, in US dollars for a million tokens; None: not said, so the price list counts."""

    input_per_million: Decimal | None = None
    output_per_million: Decimal | None = None
    cached_input_per_million: Decimal | None = None
    reasoning_per_million: Decimal | None = None
    per_request: Decimal | None = None

    @property
    def amounts(self) -> Mapping[str, Decimal | None]:
        """Each by its key."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def whole(self) -> Price | None:
        """A price of its own, where it says what comes in and what goes out: then no list is asked for the rest."""
        if self.input_per_million is None or self.output_per_million is None:
            return None
        return Price(
            input_per_million=self.input_per_million,
            output_per_million=self.output_per_million,
            cached_input_per_million=self.cached_input_per_million,
            reasoning_per_million=self.reasoning_per_million,
            per_request=self.per_request or Decimal(0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A model as a provider offers it; on the provider or on one instance."""

    name: str
    offering_id: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] | None = None
    price: PriceParts | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    timeouts: Timeouts | None = None
    """Already merged over the provider's and the tier's."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of one wire: `file` (a GGUF) and `sha256` for llamacpp; `script` for simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceConfig:
    """One account or endpoint, with what the provider said filled in."""

    name: str = DEFAULT_INSTANCE
    base_url: str | None = None
    api_key: SecretRef | None = None
    headers: Mapping[str, str | SecretRef] = field(default_factory=dict)
    models: tuple[ModelConfig, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of one wire: `context_window` (always there: what has to be served), `threads` for llamacpp; `script` for simulated;
    `key_header`, `stream_options`, `tool_id_length`, `logprobs` and `thinking` for wires over HTTP, each where it has a
    meaning.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """A named service that speaks one wire API."""

    name: str
    api: Api
    tier: Tier
    timeouts: Timeouts
    instances: tuple[InstanceConfig, ...]
    private: bool
    """Whether prompts stay on the operator's machines; default: the tier is self-hosted."""
    capture: CaptureMode = "full"
    """The most that is kept of what is said to it and by it."""
    service: str | None = None
    """The preset it is: a service that is known by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityCommand:
    """`[[quality.commands]]`: a program of the operator's that checks answers."""

    name: str
    run: tuple[str, ...]
    """The program and its arguments; no shell reads them."""
    weight: int = 60
    """Points it takes when it fires; 0 switches it off."""
    timeout_seconds: float = 10.0
    directory: Path | None = None
    """Where it runs: the configuration's directory; None: the working directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityJudge:
    """`[quality.judge]`: a model that scores the answers of the others."""

    model: str
    """A reference."""
    weight: int = 60
    """Points a low score takes; 0 switches it off."""
    timeout_seconds: float = 30.0
    instructions: str | None = None
    """What to look at, in the operator's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardConfig:
    """`[dashboard]`: how it looks and which keys it listens to. That the names mean something is for the dashboard to say."""

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    """By the id of a command (`circuit.reset`): the key that has it instead, or several parted by commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkConfig:
    """`[[records.sinks]]`: somebody who gets what is recorded, each event at least once."""

    name: str
    """Its place in the record goes by it: another name is another sink."""
    kind: SinkKind
    path: Path | None = None
    """Of `jsonl`: absolute, or below the configuration's directory."""
    url: str | None = None
    """Of `webhook`; of `otel` without `/v1/traces`."""
    secret: SecretRef | None = None
    """Of `webhook`: signs what is sent."""
    headers: Mapping[str, str | SecretRef] = field(default_factory=dict)
    timeout_seconds: float = 10.0
    """For one batch."""
    batch: int = 100
    """Events, at most, of one request."""
    max_age_seconds: float = 7 * 86_400.0
    """What waits for longer is dropped, and counted."""
    max_size_bytes: int = 64_000_000
    """Of what waits; the oldest beyond it is dropped, and counted."""
    rotate_bytes: int = 16_000_000
    """Of `jsonl`: a file that would grow larger is put aside first."""
    keep_files: int = 5
    """Of `jsonl`: so many that were put aside are kept."""
    content: bool = False
    """Of `otel`: whether messages and answers go along, as far as they were captured."""
    service: str = "llmesc"
    """Of `otel`: the resource's `service.name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSettings:
    """`[records]`: what is kept of a run, and who gets it."""

    capture: CaptureMode = "full"
    key: SecretRef | None = None
    """For `encrypted`: 32 bytes as base64 or hexadecimal digits."""
    keep_seconds: float | None = None
    """Runs that began earlier go by themselves; None: for ever, or what a Redis URL says."""
    max_bytes: int | None = None
    """Of a state in a file; the oldest runs go by themselves while it is larger."""
    sinks: tuple[SinkConfig, ...] = ()
    exit_wait_seconds: float = 0.5
    """How long a command that has answered goes on delivering; the rest is for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """`[fleet]`: where workers and those who ask them meet."""

    url: str | None = None
    """A Redis, without a password in it. None: that of the state."""
    key: SecretRef | None = None
    """Shared by all of the fleet: what is not signed with it is refused. None: whoever can write to the Redis is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything; `Config()` is one without providers. `origins` tells where each value came from, keyed by its dotted path."""

    limits: Limits = field(default_factory=Limits)
    circuit: CircuitPolicy = field(default_factory=CircuitPolicy)
    quality: QualitySettings = field(default_factory=QualitySettings)
    quality_commands: tuple[QualityCommand, ...] = ()
    quality_judge: QualityJudge | None = None
    providers: tuple[ProviderConfig, ...] = ()
    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name to references; without one named `default`, that chain is every offering in tier order."""
    budgets: tuple[Budget, ...] = ()
    """No two for the same calls."""
    records: RecordSettings = field(default_factory=RecordSettings)
    state: str = field(default="memory:", repr=False)
    """`sqlite:///absolute/path.db`, `redis://…`, `rediss://…` or `memory:`. May hold a password: shown as `redacted` has it."""
    allowed_models: tuple[str, ...] = ()
    """Globs over references; empty: all. What is not allowed ends a run that asks for it."""
    fleet: FleetSettings = field(default_factory=FleetSettings)
    dashboard: DashboardConfig = field(default_factory=DashboardConfig)
    window_headroom: float = 0.1
    """This part of a context window is kept free for the answer when a prompt is fitted to it."""
    origins: Mapping[str, str] = field(default_factory=dict)
    discovered: bool = False
    """No file was found; this is what the machine offers."""
