"""Two calls at the same time over real sockets, on every wire: who is first, what becomes of the other, what is on record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.events import AttemptFinished, AttemptStarted, Event, ProviderFailed, ProviderSwitched
from llmesc.escalation.latency import LEARNED_FROM_CALLS
from llmesc.escalation.run import Run
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.behaviours import ANSWER, Behaviour, answer, status
from llmesc.providers.faults.exchange import Exchange

pytestmark = pytest.mark.anyio

WIRES = ("openai", "openai-responses", "anthropic", "gemini", "ollama")
SILENT = ("hang", "hang_after_headers", "role_then_hang", "keep_alives")
"""All but content."""
WITHIN_SECONDS = 20.0
"""What a loaded machine may take for what takes no time."""


class When:
    """A behaviour that begins when the test says so: no test here depends on how fast the machine is."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.now = asyncio.Event()
        self._behaviour = behaviour

    async def __call__(self, x: Exchange) -> None:
        await self.now.wait()
        await self._behaviour(x)


def configured(folder: Path, first: FaultServer, second: FaultServer, api: str = "openai") -> Path:
    def provider(name: str, tier: str, server: FaultServer, models: Sequence[str]) -> str:
        at = server.origin if api == "ollama" else server.base_url
        quoted = ", ".join(f'"{model}"' for model in models)
        return f'[providers.{name}]\napi = "{api}"\ntier = "{tier}"\nbase_url = "{at}"\nmodels = [{quoted}]\n'

    chains = "".join(f'{name} = ["first/{name}", "second/m"]\n' for name in (*SILENT, "m"))
    path = folder / "config.toml"
    path.write_text(
        f'state = "sqlite://{folder}/state.db"\n[timeouts]\nfirst_token = "{WITHIN_SECONDS}s"\n'
        + provider("first", "vllm", first, (*SILENT, "m"))
        + provider("second", "cloud", second, ("m",))
        + f"[chains]\n{chains}"
    )
    return path


def told(events: Sequence[Event]) -> list[str]:
    """Who began, who failed, who took over, and how each ended."""
    lines = []
    for event in events:
        match event:
            case AttemptStarted():
                lines.append(f"{event.resolution.ref}{f' beside {event.hedges}' if event.hedges else ''}")
            case ProviderSwitched():
                lines.append(f"to {event.to_resolution.ref}: {event.because}")
            case AttemptFinished():
                lines.append(f"{event.attempt} {event.outcome}{f' for {event.lost_to}' if event.lost_to else ''}")
            case _:
                pass
    return lines


async def until(run: Run, kind: type[Event], seen: list[Event], number: int = 1) -> None:
    """Reads on to the event of that kind of attempt `number`."""
    async with asyncio.timeout(WITHIN_SECONDS):
        async for event in run:
            seen.append(event)
            if isinstance(event, kind) and getattr(event, "attempt", number) == number:
                return


@pytest.mark.parametrize("api", WIRES)
async def test_whoever_is_silent_is_outrun_and_let_go_at_once(tmp_path: Path, api: str) -> None:
    async with FaultServer() as first, FaultServer() as second:
        async with Engine.open(config=load(configured(tmp_path, first, second, api), {})) as engine:
            for fault in SILENT:
                events: list[Event] = []
                async with engine.start("What is Raft?", AskOptions(chain=fault, hedge_after=0.1)) as run:
                    events += [event async for event in run]
                assert (fault, told(events)) == (
                    fault,
                    [f"first/{fault}", "second/m beside 1", "1 cancelled for 2", "to second/m: hedge", "2 success"],
                )
                [asked] = first.calls(fault)
                await asyncio.wait_for(asked.left.wait(), WITHIN_SECONDS)
                rows = await engine.operations.run_attempts(run.run_id)
                assert [(row.outcome, row.kind) for row in rows] == [("cancelled", "hedged_away"), ("success", None)]
            circuits = {str(line.key): line.circuit for line in await engine.operations.circuits()}
        assert [len(circuits[name].recent) for name in ("first", "second")] == [0, len(SILENT)], "nobody is blamed"
        assert second.count("m") == len(SILENT)


@pytest.mark.parametrize("api", WIRES)
async def test_an_error_frame_never_wins(tmp_path: Path, api: str) -> None:
    async with FaultServer() as first, FaultServer({"m": "error_first"}) as second:
        slow = When(answer())
        first.script["m"] = slow
        async with Engine.open(config=load(configured(tmp_path, first, second, api), {})) as engine:
            events: list[Event] = []
            async with engine.start("hi", AskOptions(chain="m", hedge_after=0.1)) as run:
                await until(run, AttemptFinished, events, number=2)
                slow.now.set()
                events += [event async for event in run]

        answered = events[-1].answer  # type: ignore[union-attr] - the last event is the run's end
        assert (answered.text, told(events)) == (ANSWER, ["first/m", "second/m beside 1", "2 rate_limited", "1 success"])


async def test_where_the_first_is_refused_meanwhile_the_hedge_goes_on(tmp_path: Path) -> None:
    async with FaultServer() as first, FaultServer() as second:
        refused, slow = When(status(503)), When(answer())
        first.script["m"], second.script["m"] = refused, slow
        async with Engine.open(config=load(configured(tmp_path, first, second), {})) as engine:
            events: list[Event] = []
            async with engine.start("hi", AskOptions(chain="m", hedge_after=0.1)) as run:
                await until(run, AttemptStarted, events, number=2)
                refused.now.set()
                await until(run, ProviderFailed, events)
                slow.now.set()
                events += [event async for event in run]

        assert told(events) == ["first/m", "second/m beside 1", "1 error", "to second/m: overloaded", "2 success"]
        assert (first.count("m"), second.count("m")) == (1, 1)


async def test_a_cancel_in_a_race_hangs_up_on_both_and_both_are_on_record(tmp_path: Path) -> None:
    async with FaultServer({"m": "hang"}) as first, FaultServer({"m": "hang_after_headers"}) as second:
        async with Engine.open(config=load(configured(tmp_path, first, second), {})) as engine:
            events: list[Event] = []
            async with engine.start("hi", AskOptions(chain="m", hedge_after=0.1)) as run:
                await until(run, AttemptStarted, events, number=2)
                while not second.count("m"):
                    await asyncio.sleep(0.01)
                run.cancel()
                events += [event async for event in run]
            rows = await engine.operations.run_attempts(run.run_id)
            assert [(row.outcome, row.kind) for row in rows] == [("cancelled", None), ("cancelled", None)]
        assert told(events)[2:] == ["1 cancelled", "2 cancelled"]
        for server in (first, second):
            [asked] = server.calls("m")
            await asyncio.wait_for(asked.left.wait(), WITHIN_SECONDS)


async def test_how_long_is_too_long_is_learned_from_the_models_own_calls(tmp_path: Path) -> None:
    async with FaultServer({"m": "ok"}) as first, FaultServer() as second:
        async with Engine.open(config=load(configured(tmp_path, first, second), {})) as engine:
            learning = AskOptions(chain="m", hedge_after="p95")
            for _ in range(LEARNED_FROM_CALLS):
                # A call that is slower than all before it may be hedged only when there are enough of them.
                assert (await engine.ask("hi", learning)).view.attempts[0].lost_to is None
            first.script["m"] = "hang"
            reply = await engine.ask("hi", learning)

        assert [(attempt.hedges, attempt.lost_to) for attempt in reply.view.attempts] == [(None, 2), (1, None)]
