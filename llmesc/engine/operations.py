"""What operators do with the state: look, reset, force, deny, allow, read the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from llmesc.config.model import Config
from llmesc.config.offers import DEFAULT_CHAIN
from llmesc.engine.assemble import Wires
from llmesc.engine.budgets import BudgetLine, budget_lines
from llmesc.engine.captures import Captures
from llmesc.engine.outbox import Outbox
from llmesc.engine.pricing import Pricing
from llmesc.engine.savings import prompt_lengths, yardsticks
from llmesc.engine.used import By, Usage, apart, day_lines, grouped_lines, line
from llmesc.escalation.chain import offerings_named
from llmesc.escalation.circuits import Circuit, Overridden, Override, Reset, Signal, effective_state
from llmesc.escalation.denials import DenialIndex
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.events import Event
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import DEFAULT_INSTANCE, CircuitKey, ModelKey, Reference, Resolution
from llmesc.escalation.times import Clock, Timestamp
from llmesc.state.activity import ModelUsage, ProviderActivity, Window
from llmesc.state.resilient import ResilientStore
from llmesc.state.store import AttemptRow, DayTotals, RunFilter, RunSummary
from llmesc.state.usage import UsageQuery, Used, models_of

if TYPE_CHECKING:
    from llmesc.engine.doctor import Check
    from llmesc.engine.recordings import Imported
    from llmesc.engine.simulation.what_if import OnProgress, Question, Simulation

_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitLine:
    """One row of `circuits list`: every configured instance, and every circuit the store knows."""

    key: CircuitKey
    state: str
    """Effective: `closed`, `open`, `half_open`."""
    circuit: Circuit
    configured: bool


class Operations:
    """Made by `Engine`. Every method raises `StateUnavailable` where the store cannot be had: an operator's word must not be
    lost in a memory that dies with the command.
    """

    def __init__(
        self,
        config: Config,
        offerings: Sequence[Resolution],
        pricing: Pricing,
        captures: Captures,
        store: ResilientStore,
        wires: Wires,
        clock: Clock,
        outbox: Outbox,
    ) -> None:
        self._config = config
        self._offerings = offerings
        self._pricing = pricing
        self._captures = captures
        self._store = store
        self._wires = wires
        self._clock = clock
        self._outbox = outbox
        self._configured = tuple(dict.fromkeys(offering.circuit_key for offering in offerings))

    async def circuits(self) -> Sequence[CircuitLine]:
        """All circuits, in configuration order, then the unknown ones by name."""
        return await self._lines(None)

    async def match_circuits(self, targets: Sequence[str]) -> Sequence[CircuitKey]:
        """The keys that `provider`, `provider@instance` or globs mean; `provider` means all its instances.

        Raises `UnknownName` for a target that matches nothing.
        """
        known = [line.key for line in await self.circuits()]
        found: dict[CircuitKey, None] = {}
        for target in targets:
            keys = [key for key in known if _means(target, key)]
            if not keys:
                raise UnknownName("circuit", target, tuple(get_close_matches(target, map(str, known))))
            found.update(dict.fromkeys(keys))
        return tuple(found)

    async def reset(self, keys: Sequence[CircuitKey], *, who: str, why: str = "") -> Sequence[CircuitLine]:
        """Closes and clears; the rows after."""
        return await self._signal(keys, Reset(who=who, why=why))

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
        now = self._clock.now()
        override = Override(state=state, who=who, why=why, set_at=now, until=_after(now, for_seconds))
        return await self._signal(keys, Overridden(override=override))

    async def budgets(self) -> Sequence[BudgetLine]:
        """All budgets, with what is spent in the present day or month."""
        return budget_lines(self._config, await (await self._store.direct()).spending(), self._clock.now())

    async def models(self) -> Sequence[tuple[Resolution, Denial | None]]:
        """Every offering, with its price where that is known, and the denial in force, if any."""
        index = DenialIndex(await (await self._store.direct()).denials())
        await self._pricing.load()
        return [(offering, index.of(offering.model_key)) for offering in self._pricing.priced(self._offerings)]

    async def denials(self) -> Sequence[Denial]:
        """Those in force, also of models no longer configured."""
        return await (await self._store.direct()).denials()

    async def deny(self, pattern: str, *, for_seconds: float | None, who: str, why: str = "") -> Sequence[Denial]:
        """Denies a reference (at all its instances, where it names none) or a glob (`openai/*`).

        Raises `UnknownName` for a reference without a glob that nothing offers, ValueError for what is no reference.
        """
        now = self._clock.now()
        reference = Reference.parse(pattern)
        if _GLOB & set(pattern):
            keys = [ModelKey(reference.provider, reference.instance or "*", reference.model)]
        else:
            keys = [offering.model_key for offering in offerings_named(self._offerings, [pattern])]
        denials = [Denial(key=key, why=why, who=who, set_at=now, until=_after(now, for_seconds)) for key in keys]
        store = await self._store.direct()
        for denial in denials:
            await store.deny(denial)
        return denials

    async def allow(self, pattern: str) -> Sequence[Denial]:
        """Takes denials back; those removed. A reference without an instance means all its instances."""
        store = await self._store.direct()
        removed = list(await store.allow(pattern))
        reference = Reference.parse(pattern) if "/" in pattern else None
        if reference is not None and reference.instance is None:
            removed += await store.allow(f"{reference.provider}@*/{reference.model}")
        return removed

    async def history(self, where: RunFilter) -> Sequence[RunSummary]:
        """Past and running requests, newest first."""
        return await (await self._store.direct()).runs(where)

    async def find_run(self, prefix: str) -> str:
        """The one run id that begins so. Raises `UnknownName` with candidates where none or several do."""
        found = await (await self._store.direct()).find_runs(prefix)
        if len(found) != 1 and prefix not in found:
            raise UnknownName("run", prefix, tuple(found[:5]))
        return prefix if prefix in found else found[0]

    async def run_events(self, run_id: str, after_seq: int = -1, limit: int | None = None) -> Sequence[Event]:
        """The recorded events of a run with a larger seq; see `Store.events` for `limit`. What was encrypted is opened where the
        key is configured.
        """
        return await self._captures.opened(await (await self._store.direct()).events(run_id, after_seq, limit))

    async def news(self, after: str, seconds: float) -> str:
        """Waits until anything was written after the mark `after`; see `Store.news`."""
        return await (await self._store.direct()).news(after, seconds)

    async def take_recordings(self, lines: Iterable[str]) -> Imported:
        """Takes the runs of a file of events into the store. Raises `UnusableRecording`, and then has taken nothing."""
        from llmesc.engine.recordings import read_lines, runs_of, take

        runs, passed_over = runs_of(read_lines(lines))
        return replace(await take(await self._store.direct(), runs, self._captures.opened), unknown_events=passed_over)

    async def totals(self, since: Timestamp) -> DayTotals:
        """Sums over the requests since then."""
        return await (await self._store.direct()).totals(since)

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        """How the calls of that time ended, by provider instance."""
        return await (await self._store.direct()).activity(window)

    async def usage(self, since: Timestamp, until: Timestamp) -> Sequence[ModelUsage]:
        """What the requests that began in between used, by candidate."""
        return models_of(await (await self._store.direct()).usage(UsageQuery(since=since, until=until)))

    async def usage_by(self, by: By, moments: Sequence[Timestamp]) -> Usage:
        """What the requests used that began between the first and the last of `moments`, which rise; by day, each stretch between
        two of them is one. Savings are reckoned with the chains and prices of today, see `savings`.
        """
        store = await self._store.direct()
        await self._pricing.load()
        tops = yardsticks(self._config, self._pricing.priced(self._offerings), DEFAULT_CHAIN)
        lengths = prompt_lengths(tops.values())
        stretches = list(pairwise(moments)) if by == "day" else [(moments[0], moments[-1])]
        days: list[tuple[Timestamp, Sequence[Used]]] = []
        for since, until in stretches:
            query = UsageQuery(since=since, until=until, apart=apart(by), prompt_lengths=lengths)
            days.append((since, await store.usage(query)))
        cells = [cell for _, of_day in days for cell in of_day]
        lines = day_lines(days, tops, lengths) if by == "day" else grouped_lines(cells, by, tops, lengths)
        total = line(cells, tops, lengths)
        return Usage(by=by, since=moments[0], until=moments[-1], lines=tuple(lines), total=total, tops=tops)

    async def what_if(self, question: Question, on_progress: OnProgress | None = None) -> Simulation:
        """Past runs, played under another policy."""
        from llmesc.engine.simulation.what_if import simulate

        return await simulate(question, self._config, await self._store.direct(), self._clock, on_progress)

    async def run_attempts(self, run_id: str) -> Sequence[AttemptRow]:
        """Its attempts; one whose process was killed says `interrupted`."""
        return await (await self._store.direct()).attempts(run_id)

    async def doctor(self) -> Sequence[Check]:
        """Each endpoint reachable, key present and accepted, model listed, store writable, versions. Calls no model."""
        from llmesc.engine.doctor import examine

        return await examine(self._config, self._store, self._wires, self._outbox)

    async def _signal(self, keys: Sequence[CircuitKey], signal: Signal) -> Sequence[CircuitLine]:
        store = await self._store.direct()
        for key in keys:
            await store.signal(key, signal)
        return await self._lines(keys)

    async def _lines(self, keys: Sequence[CircuitKey] | None) -> Sequence[CircuitLine]:
        known = await (await self._store.direct()).circuits(keys)
        wanted = keys if keys is not None else (*self._configured, *sorted(set(known) - set(self._configured)))
        now = self._clock.now()
        return [
            CircuitLine(
                key=key,
                state=effective_state(circuit, now).value,
                circuit=circuit,
                configured=key in self._configured,
            )
            for key in wanted
            for circuit in [known.get(key, Circuit())]
        ]


def _means(target: str, key: CircuitKey) -> bool:
    if _GLOB & set(target):
        return fnmatchcase(str(key), target) or fnmatchcase(f"{key.provider}@{key.instance}", target)
    provider, at, instance = target.partition("@")
    return key.provider == provider and (not at or key.instance == (instance or DEFAULT_INSTANCE))


def _after(now: Timestamp, seconds: float | None) -> Timestamp | None:
    return None if seconds is None else Timestamp(now + seconds)
