"""What operators do with the state: look, reset, force, deny, allow, read the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llmesc.escalation.circuits import Circuit
from llmesc.escalation.events import Event
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, Resolution
from llmesc.state.store import AttemptRow, RunFilter, RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitLine:
    """One row of `circuits list`: every configured instance, and every circuit the store knows."""

    key: CircuitKey
    state: str
    """Effective: `closed`, `open`, `half_open`."""
    circuit: Circuit
    configured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `doctor`."""

    name: str
    """`config`, `state`, `provider:openai@team-a`, `model:…`, `versions` …"""
    status: Literal["ok", "warning", "failed", "skipped"]
    detail: str
    hint: str = ""
    """The next command to run, where something is wrong."""


class Operations:
    """Made by `Engine`; every method talks to the state store itself and raises `StateError` where it cannot be had."""

    async def circuits(self) -> Sequence[CircuitLine]:
        """All circuits, in configuration order, then the unknown ones by name."""
        raise NotImplementedError

    async def match_circuits(self, targets: Sequence[str]) -> Sequence[CircuitKey]:
        """The keys that `provider`, `provider@instance` or globs mean; `provider` means all its instances.
        Raises `UnknownName` for a target that matches nothing.
        """
        raise NotImplementedError

    async def reset(self, keys: Sequence[CircuitKey], *, who: str, why: str = "") -> Sequence[CircuitLine]:
        """Closes and clears; the rows after."""
        raise NotImplementedError

    async def force(
        self,
        keys: Sequence[CircuitKey],
        state: Literal["open", "closed"],
        *,
        for_seconds: float | None,
        who: str,
        why: str = "",
    ) -> Sequence[CircuitLine]:
        """Forces circuits open (drain) or closed until taken back or for so long; the rows after."""
        raise NotImplementedError

    async def models(self) -> Sequence[tuple[Resolution, Denial | None]]:
        """Every offering with the denial in force, if any."""
        raise NotImplementedError

    async def denials(self) -> Sequence[Denial]:
        """Those in force, also of models no longer configured."""
        raise NotImplementedError

    async def deny(self, pattern: str, *, for_seconds: float | None, who: str, why: str = "") -> Denial:
        """Denies a reference or glob (`openai/*`). Raises `UnknownName` for a reference without a glob that nothing offers."""
        raise NotImplementedError

    async def allow(self, pattern: str) -> Sequence[Denial]:
        """Takes denials back; those removed."""
        raise NotImplementedError

    async def history(self, where: RunFilter) -> Sequence[RunSummary]:
        """Past and running requests, newest first."""
        raise NotImplementedError

    async def find_run(self, prefix: str) -> str:
        """The one run id that begins so. Raises `UnknownName` with candidates where none or several do."""
        raise NotImplementedError

    async def run_events(self, run_id: str) -> Sequence[Event]:
        """The recorded events of a run."""
        raise NotImplementedError

    async def run_attempts(self, run_id: str) -> Sequence[AttemptRow]:
        """Its attempts; one whose process was killed says `interrupted`."""
        raise NotImplementedError

    async def doctor(self) -> Sequence[Check]:
        """Each endpoint reachable, key present and accepted, model listed, store writable, versions. Calls no model."""
        raise NotImplementedError
