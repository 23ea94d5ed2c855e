"""Plays a scenario: the engine as it is, over a scratch state, with stations where faults or everything is played."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from llmesc.config.find import find_config
from llmesc.config.model import Config, InstanceConfig, ProviderConfig
from llmesc.config.paths import config_path, state_dir
from llmesc.engine.assemble import offerings, timeouts
from llmesc.engine.clock import SystemClock
from llmesc.engine.drills.example import example_chain
from llmesc.engine.drills.scenario import Scenario, meant
from llmesc.engine.drills.score import Score, Totals, problems, score
from llmesc.engine.drills.stations import DrillWires, Station, without_keys
from llmesc.engine.drills.watch import Watch
from llmesc.engine.engine import Engine
from llmesc.escalation.events import AttemptStarted, Event, RunStarted
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.messages import ask_for
from llmesc.escalation.resolution import ModelKey, Resolution
from llmesc.state.open import resilient_store

OnEvent = Callable[[Event, RunView], Awaitable[None]]
"""Gets every event of every request as it comes, and the run so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What came of a drill."""

    scenario: Scenario
    chain: str
    candidates: tuple[Resolution, ...]
    """Of the first request's chain, in order."""
    scores: tuple[Score, ...]
    """Of each request."""
    totals: Totals
    added_seconds: float | None
    """The longest time from the moment when a fault could be known to the next step; None: no candidate that was called failed by
    a played fault.
    """
    problems: tuple[str, ...]
    """What is not as expected; none: all is right."""

    @property
    def right(self) -> bool:
        """Whether everything came as expected."""
        return not self.problems

    @property
    def struck_nobody(self) -> tuple[str, ...]:
        """The faults whose candidates were never called: of those nothing was proved."""
        called = [each for each in self.candidates if self.totals.calls.get(each.ref)]
        faults = self.scenario.injections
        return tuple(f"{each.target}={each.fault}" for each in faults if not any(map(each.hits, called)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDrill:
    """A drill whose stations listen. Use `open_drill`."""

    scenario: Scenario
    engine: Engine
    """Its own, over the scratch state: what becomes of circuits and requests can be seen there."""
    stations: Mapping[ModelKey, Station]

    async def play(self, on_event: OnEvent | None = None) -> Drilled:
        """Asks what the scenario asks, once. Raises what `Engine.start` raises."""
        return await _play(self.scenario, self.engine, self.stations, on_event)


def configured(config_file: Path | None, environ: Mapping[str, str], *, simulate: bool) -> tuple[Config, Path]:
    """What a drill is over, and the folder that its files are named from: the user's configuration, or what the machine offers.
    Where no file says anything and everything is played: a chain of three that exist nowhere. Raises `ConfigError`.
    """
    path = config_path(config_file, environ)
    if simulate and not path.exists() and config_file is None:
        return example_chain(), path.parent
    return find_config(config_file, environ), path.parent


async def candidates(
    scenario: Scenario, config: Config, *, environ: Mapping[str, str], base_dir: Path, warn: Callable[[str], None]
) -> tuple[Resolution, ...]:
    """The chain that `scenario` would walk without its faults. Raises what `Engine.plan` raises."""
    if scenario.simulate:
        config = without_keys(config, frozenset(each.model_key for each in offerings(config)))
    async with _engine(config, DrillWires(config, environ, base_dir, {}), "memory:", environ, warn) as engine:
        return (await engine.plan(scenario.prompt, scenario.options)).chain.candidates


async def drill(
    scenario: Scenario,
    config: Config,
    *,
    environ: Mapping[str, str],
    base_dir: Path,
    state: str = "memory:",
    warn: Callable[[str], None],
    on_event: OnEvent | None = None,
) -> Drilled:
    """Plays `scenario` over the chain of `config`. Whoever is not played is really called, and may cost money.

    Raises `UnknownName` for a target that means nobody, before anybody is called, and what `Engine.start` raises.
    """
    async with open_drill(scenario, config, environ=environ, base_dir=base_dir, state=state, warn=warn) as opened:
        return await opened.play(on_event)


@asynccontextmanager
async def open_drill(
    scenario: Scenario,
    config: Config,
    *,
    environ: Mapping[str, str],
    base_dir: Path,
    state: str = "memory:",
    warn: Callable[[str], None],
) -> AsyncIterator[OpenDrill]:
    """As `drill`, for who looks at its engine meanwhile; nothing is left of it where it is left, also in the middle.

    Raises `UnknownName` for a target that means nobody.
    """
    config = _prepared(scenario, config)
    known = offerings(config)
    for injection in scenario.injections:
        meant(injection.target, known)
    loop = asyncio.get_running_loop()
    began = loop.time()
    stations = {
        candidate.model_key: Station(candidate, hits, lambda: loop.time() - began, scenario.pace_seconds)
        for candidate in known
        if (hits := [each for each in scenario.injections if each.hits(candidate)]) or scenario.simulate
    }
    config = without_keys(config, frozenset(stations))
    wires = DrillWires(config, environ, base_dir, stations)
    async with _engine(config, wires, state, environ, warn) as engine:
        await wires.start()
        yield OpenDrill(scenario=scenario, engine=engine, stations=stations)


@asynccontextmanager
async def _engine(
    config: Config, wires: DrillWires, state: str, environ: Mapping[str, str], warn: Callable[[str], None]
) -> AsyncIterator[Engine]:
    clock = SystemClock()
    store = resilient_store(state, clock=clock, policy=config.circuit, spool_directory=state_dir(environ) / "spool", warn=warn)
    try:
        yield Engine(config, store=store, wires=wires, clock=clock, environ=environ, on_warning=warn)
    finally:
        await wires.aclose()
        await store.aclose()


def _prepared(scenario: Scenario, config: Config) -> Config:
    """`config` with the scenario's timeouts. What is simulated is judged by our own checks alone: a judge would be a real model,
    and an operator's command would judge an answer that nobody gave. And it costs nothing that a budget could hold.
    """

    def timed(usual: Timeouts) -> Timeouts:
        return replace(usual, **dict(scenario.timeouts))

    def instances(provider: ProviderConfig) -> tuple[InstanceConfig, ...]:
        return tuple(
            replace(
                instance,
                models=tuple(replace(model, timeouts=model.timeouts and timed(model.timeouts)) for model in instance.models),
            )
            for instance in provider.instances
        )

    if scenario.timeouts:
        providers = tuple(
            replace(provider, timeouts=timed(provider.timeouts), instances=instances(provider)) for provider in config.providers
        )
        config = replace(config, providers=providers)
    return replace(config, quality_judge=None, quality_commands=(), budgets=()) if scenario.simulate else config


async def _play(scenario: Scenario, engine: Engine, stations: Mapping[ModelKey, Station], on_event: OnEvent | None) -> Drilled:
    loop = asyncio.get_running_loop()
    began = loop.time()
    runs: list[Sequence[Event]] = []
    added: list[float] = []
    for number in range(scenario.asks):
        await asyncio.sleep(max(0.0, began + number * scenario.every_seconds - loop.time()))
        watch = Watch(stations, timeouts(engine.config), stream=scenario.stream)
        runs.append(await _ask(scenario, engine, watch, on_event))
        added += watch.added
    scores = tuple(map(score, runs))
    first = runs[0][0]
    assert isinstance(first, RunStarted), "a run begins with run_started"
    asked = first.chain.candidates
    totals = await _totals(engine, scores, runs, asked, stations)
    longest = max(added, default=None)
    return Drilled(
        scenario=scenario,
        chain=first.chain.name,
        candidates=asked,
        scores=scores,
        totals=totals,
        added_seconds=longest,
        problems=tuple(problems(scenario.expected, scores, totals, asked, longest)),
    )


async def _ask(scenario: Scenario, engine: Engine, watch: Watch, on_event: OnEvent | None) -> Sequence[Event]:
    """The events of one request."""
    events: list[Event] = []
    view = RunView()
    request = replace(ask_for(scenario.prompt), stream=scenario.stream)
    async with engine.start(request, replace(scenario.options, command="drill")) as run:
        async for event in run:
            watch.see(event)
            events.append(event)
            if on_event is not None:
                view = fold(view, event)
                await on_event(event, view)
    return events


async def _totals(
    engine: Engine,
    scores: Sequence[Score],
    runs: Sequence[Sequence[Event]],
    candidates: Sequence[Resolution],
    stations: Mapping[ModelKey, Station],
) -> Totals:
    attempts = Counter(event.resolution.ref for events in runs for event in events if isinstance(event, AttemptStarted))
    calls = {
        candidate.ref: stations[candidate.model_key].calls if candidate.model_key in stations else attempts[candidate.ref]
        for candidate in candidates
    }
    circuits = await engine.operations.circuits()
    costs = [each.cost for each in scores if each.cost is not None]
    return Totals(
        calls=calls,
        circuits={line.key: line.state for line in circuits},
        weights={line.key: sum(failure.weight for failure in line.circuit.failures) for line in circuits},
        cost=sum(costs, Decimal(0)) if len(costs) == len(scores) else None,
    )
