"""`Engine`: ask, start, plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from llmesc.config.model import Config
from llmesc.engine.operations import Operations
from llmesc.escalation.circuits import Circuit
from llmesc.escalation.events import Answer, Chain, Move, RunOutcome, SkipReason
from llmesc.escalation.fold import RunView
from llmesc.escalation.messages import Request
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.run import Run
from llmesc.escalation.times import Clock, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOptions:
    """What one call may set; None takes the configuration's value."""

    chain: str | None = None
    model: str | None = None
    """A reference: pins the primary; the rest of the chain stays behind it."""
    tier: str | None = None
    """Only candidates of this tier and above."""
    max_attempts: int | None = None
    quality_threshold: int | None = None
    deadline_seconds: float | None = None
    max_cost: Decimal | None = None
    escalation: bool | None = None
    privacy: bool | None = None
    command: str = "library"
    """Who asks, for the record: `ask`, `dashboard`, `library`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One candidate of a plan, as `chain show` and `--dry-run` list it."""

    resolution: Resolution
    move: Move
    circuit: Circuit
    circuit_state: str
    """`closed`, `open`, `half_open`; overrides and ended cooldowns counted."""
    skip: SkipReason | None
    """Why it would be skipped now; None: it would be called."""
    detail: str = ""
    retry_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a request would do, without a call."""

    chain: Chain
    candidates: tuple[Planned, ...]
    estimated_tokens: int
    max_attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An accepted answer, and how it came about."""

    text: str
    answer: Answer
    outcome: RunOutcome
    run_id: str
    view: RunView


class Engine:
    """See the package. Use `Engine.open()`."""

    config: Config
    operations: Operations
    """What operators do: circuits, models, history, doctor."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        config: Config | None = None,
        config_file: Path | None = None,
        state: str | None = None,
        clock: Clock | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> AsyncIterator[Engine]:
        """An engine over `config`, or what `config_file`, `$LLMESC_CONFIG`, the user's file, or discovery says.

        `state` overrides the store's URL. Warnings (a store that is away, a broken consumer) go to `on_warning`, or to the
        `warnings` module. Raises `ConfigError` with every mistake.
        """
        raise NotImplementedError
        yield

    def start(self, request: Request | str, options: AskOptions | None = None) -> Run:
        """A handle on a run that begins when it is entered; see `Run`. Raises `UnknownName` for a chain or model nobody knows."""
        raise NotImplementedError

    async def ask(self, request: Request | str, options: AskOptions | None = None) -> Reply:
        """The accepted answer. Raises a `RunError` that carries every attempt where there is none."""
        raise NotImplementedError

    async def plan(self, request: Request | str | None = None, options: AskOptions | None = None) -> Plan:
        """What `start` would do now, without a call; None plans for any request."""
        raise NotImplementedError

    def references(self) -> Sequence[str]:
        """Every offering's reference, for completion and nearest names."""
        raise NotImplementedError
