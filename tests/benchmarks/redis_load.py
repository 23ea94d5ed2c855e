"""What one Redis bears: its own processor time and its traffic for an answer, a batch of tokens, a circuit read, a look of a
dashboard and an answer that goes over the fleet, each driven by several processes until the server can do no more.

    python -m tests.benchmarks.redis_load [--seconds 4] [--processes 2]

A server of the test extra on loopback, on this machine. What is sent is what a real engine sends (see `wire`); how much a second
one server bears follows from its own account of the processor time that it used (INFO cpu), for one thread does all that it does.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.resolution import CircuitKey
from llmesc.state.open import open_store
from llmesc.state.redis_scripts import script
from llmesc.state.store import RunFilter
from tests.benchmarks.wire import Counted, Part, Said, speak, tapped, written
from tests.redis_server import RedisServer

TOKENS = 500
TOKENS_PER_SECOND = 50
BRIEF_TOKENS = 10
CONNECTIONS = 32
"""Of each process."""

LONG_RUN = "c" * 12

FLEET_ANSWERS = 20
"""At once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the server used since it began."""

    cpu_seconds: float
    commands: int
    """Those inside scripts included."""
    bytes_moved: int
    """In and out."""
    at_seconds: float


def used(server: RedisServer) -> Usage:
    """As it says itself."""
    told = server.ask("INFO", "everything", wait_for_all=True)

    def number(name: str) -> float:
        found = re.search(rf"^{name}:([0-9.]+)", told, re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    return Usage(
        cpu_seconds=number("used_cpu_user") + number("used_cpu_sys"),
        commands=sum(int(count) for count in re.findall(r"cmdstat_[^:]+:calls=(\d+)", told)),
        bytes_moved=int(number("total_net_input_bytes") + number("total_net_output_bytes")),
        at_seconds=time.perf_counter(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one of what was driven."""

    cpu_us: float
    """Of the server's thread."""
    trips: float
    commands: float
    """Inside the server, those of scripts included."""
    bytes_moved: float
    busy: float = 0.0
    """The part of one core that the server used meanwhile: 1.0 is its limit."""

    @property
    def bears(self) -> float:
        """How many a second keep the server busy."""
        return 1e6 / self.cpu_us

    def less(self, other: Cost, count: float) -> Cost:
        """One of `count` by which this has more than `other`."""
        return Cost(
            cpu_us=(self.cpu_us - other.cpu_us) / count,
            trips=(self.trips - other.trips) / count,
            commands=(self.commands - other.commands) / count,
            bytes_moved=(self.bytes_moved - other.bytes_moved) / count,
            busy=self.busy,
        )


def cost(before: Usage, after: Usage, count: float, trips: float) -> Cost:
    """Of one of `count`."""
    cpu_seconds = after.cpu_seconds - before.cpu_seconds
    return Cost(
        cpu_us=cpu_seconds * 1e6 / count,
        trips=trips / count,
        commands=(after.commands - before.commands) / count,
        bytes_moved=(after.bytes_moved - before.bytes_moved) / count,
        busy=cpu_seconds / (after.at_seconds - before.at_seconds),
    )


@contextmanager
def a_server(folder: Path) -> Iterator[RedisServer]:
    """Of one's own, empty."""
    server = RedisServer(folder, "--maxclients", "20000").start()
    try:
        yield server
    finally:
        server.stop()


# -- what is said ---------------------------------------------------------------------------------------------------------------

APPEND, SWAP = script("append").sha.encode(), script("swap").sha.encode()
FIELD_MARK = b"count-0001"
"""Each speaker has an account of its own: a circuit that all of them change at once is another question."""


def models(tokens: Mapping[str, int]) -> str:
    """A configuration with models that write so much."""
    steps = {
        name: f'{{ text = "{" ".join(f"w{number}" for number in range(count))}", tokens_per_second = {TOKENS_PER_SECOND} }}'
        for name, count in tokens.items()
    }
    offered = ", ".join(f'{{ name = "{name}", script = [{step}] }}' for name, step in steps.items())
    return f'[providers.talks]\napi = "simulated"\ntier = "cloud"\ninstances.account-0001 = {{}}\nmodels = [{offered}]\n'


async def taken_down(server: RedisServer, folder: Path) -> Mapping[str, Part]:
    """All that an engine says for one answer, brief and long, in its own time."""
    file = folder / "talks.toml"
    file.write_text(models({"brief": BRIEF_TOKENS, "long": TOKENS}))
    ids = iter(["a" * 12, "b" * 12, LONG_RUN])
    parts = {}
    async with tapped(server.port) as tap:
        url = f"redis://127.0.0.1:{tap.port}/0?timeout=10s"
        async with Engine.open(config=load(file, {}), state=url, new_run_id=lambda: next(ids)) as engine:
            for name, mark in (("brief", b"a"), ("brief", b"b"), ("long", LONG_RUN[:1].encode())):
                await engine.ask("What is Raft, and what is it for?", AskOptions(model=f"talks@account-0001/{name}"))
                parts[name] = _part(tap.take(), mark * 12)
    return parts


_NOT_AGAIN = (b"HELLO", b"CLIENT", b"INFO", b"SELECT", b"AUTH", b"EVAL")
"""What opens a connection, and the text of a script that the server had not met."""


def _part(said: Sequence[Said], run_mark: bytes) -> Part:
    """To be said again at any time: no script is to mind that the moment is past."""
    timeless, began, old_tag, new_tag = [], b"", b"", b""
    for at_seconds, command in said:
        if command[0] in _NOT_AGAIN:
            continue
        if command[0] != b"EVALSHA":
            timeless.append(Said(at_seconds, command))
            continue
        arguments = 3 + int(command[2])
        timeless.append(Said(at_seconds, (*command[: arguments + 1], b"", *command[arguments + 2 :])))
        if command[1] == APPEND:
            began = began or command[arguments + 6]
        if command[1] == SWAP and command[3].endswith(b":circuits"):
            old_tag, new_tag = command[arguments + 4], command[arguments + 5]
    return Part(timeless, run_mark, began, FIELD_MARK, old_tag, new_tag)


async def a_look(server: RedisServer) -> Mapping[str, Part]:
    """What a dashboard says when it looks: once at lists and circuits, and for each run that goes on at what came behind."""
    async with tapped(server.port) as tap:
        url = f"redis://127.0.0.1:{tap.port}/0?timeout=10s"
        store = await open_store(url, clock=SystemClock(), policy=CircuitPolicy())
        last = (await store.events(LONG_RUN))[-1].seq
        tap.take()
        await store.news("", 1.0)
        await store.runs(RunFilter(limit=50))
        await store.circuits()
        await store.denials()
        look = tap.take()
        await store.events(LONG_RUN, last - 6)
        follow = tap.take()
        await store.circuits([CircuitKey("talks", "account-0001")])
        circuit = tap.take()
        await store.aclose()
    return {name: _part(said, b"") for name, said in (("look", look), ("follow", follow), ("circuit", circuit))}


# -- driving --------------------------------------------------------------------------------------------------------------------


def warm_up(part: Part) -> Sequence[bytes]:
    """What a speaker says first: there is a circuit, as its first turn expects it."""
    body = b"%032x {}" % 0
    return [written((b"HSET", b"{llmesc}:circuits", b"talks@ac" + part.field_mark, body))] if part.old_tag else []


def drive(server: RedisServer, part: Part, seconds: float, processes: int, first: int, connections: int = CONNECTIONS) -> Cost:
    """Of one round of `part`, said by so many processes as fast as the server answers, by speakers from number `first` on."""
    before = used(server)
    told = speak_in_processes(server.port, part, seconds, processes, first, connections, paced=False)
    commands = sum(each.commands for each in told)
    refused = [each.refused for each in told if each.refused]
    assert not refused, f"what the server refuses costs it less: {refused[0]}"
    return cost(before, used(server), commands / len(part.said), commands)


def speak_in_processes(
    port: int, part: Part, seconds: float, processes: int, first: int, connections: int, *, paced: bool
) -> Sequence[Counted]:
    """By so many connections of each of so many processes."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
        speaking = [
            pool.submit(
                speak,
                port,
                part,
                range(first + number * connections, first + (number + 1) * connections),
                seconds,
                paced=paced,
                warm_up=warm_up(part),
            )
            for number in range(processes)
        ]
        return [each.result() for each in speaking]


async def over_the_fleet(server: RedisServer, folder: Path, answers: int) -> Cost:
    """Of one answer that goes over the fleet, its worker's and its asker's states being elsewhere; so many at once."""
    from tests.engine.serving.conftest import Here

    here = Here(server, folder, server.url)
    asker = '[providers.gpu]\napi = "fleet"\nmodels = ["long"]\n'
    async with (
        here.worker(models({"long": TOKENS}), "talks@account-0001/long", concurrency=answers, queue=answers),
        here.engine("asker", asker) as engine,
    ):
        before = used(server)
        await asyncio.gather(*(engine.ask("hi", AskOptions(model="gpu/long", quality_threshold=0)) for _ in range(answers)))
        after = used(server)
    return cost(before, after, answers, 0)


# -- all of it ------------------------------------------------------------------------------------------------------------------


def measured(seconds: float, processes: int) -> Mapping[str, Cost]:
    """Of an answer, brief and long, and of what it is made of; of a circuit read, a dashboard's look and of one run that it
    follows; of an answer over the fleet.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with a_server(folder / "state") as server:
            parts = asyncio.run(taken_down(server, folder))
            found = {each: drive(server, parts[each], seconds, processes, number * 1_000) for number, each in enumerate(parts, 1)}
            looks = asyncio.run(a_look(server))
            found |= {each: drive(server, looks[each], seconds, processes, 0) for each in looks}
        with a_server(folder / "fleet") as server:
            found["fleet"] = asyncio.run(over_the_fleet(server, folder, FLEET_ANSWERS))
    batches = len(parts["long"].said) - len(parts["brief"].said)
    found["batch"] = found["long"].less(found["brief"], batches)
    found["rest"] = found["brief"].less(found["batch"], 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    for name, each in measured(asked.seconds, asked.processes).items():
        print(
            f"{name:10} {each.cpu_us:8.1f} µs of the server  {each.bears:9,.0f} a second  {each.trips:6.1f} round trips"
            f"  {each.commands:7.1f} commands  {each.bytes_moved:8,.0f} bytes  (server busy {each.busy:.0%})"
        )


if __name__ == "__main__":
    main()
