"""What a busy day costs the dashboard: `python -m tests.benchmarks.dashboard_load [--seconds N] [--runs N] [--history N]`.

Twenty requests are answered at a hundred tokens a second each, while ten thousand older ones are listed. Half of the twenty are
asked by the dashboard's own process, half by another one that shares the SQLite file with it. The dashboard is a process in a
pseudo-terminal; a third process, this one, presses keys in it and reads what it draws.

Measured of the dashboard's process alone: the processor's time (its own ten requests, which it also answers and records,
included), how long a key waits until it is handled and until what it does is drawn, how often it draws, its memory; and whether
every token is there at the end. Then another dashboard is opened on the same file, the file is locked for five seconds, against
readers too, and keys are pressed again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import random
import select
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import activity

TOKENS_A_SECOND = 100
WIRE_TOKENS_A_SECOND = 150
"""What the simulated wire is told: it sleeps between tokens, and all else comes on top. The report says what came."""

COLUMNS, ROWS = 160, 48
ME = (sys.executable, "-m", "tests.benchmarks.dashboard_load")
QUIET_PART = 1 / 3
"""Of the time, at its beginning: nobody presses a key, and what is drawn is drawn by frames alone."""
LOCKED_SECONDS = 5.0
WARM_UP_SECONDS = 3.0
"""Until all twenty write; not measured."""

WORDS = ("raft", "leader", "follower", "term", "log", "entry", "commit", "vote", "majority", "quorum", "election", "snapshot")

CONFIG = """
[timeouts]
total = "1h"
[providers.lab]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = {script} }}]
"""


def answer(number: int, tokens: int) -> str:
    """A text of so many words, no two alike, with some Markdown in it."""
    rolled = random.Random(number)
    words = list[str]()
    while len(words) < tokens:
        sentence = [rolled.choice(WORDS) for _ in range(rolled.randint(6, 14))]
        sentence[0] = sentence[0].capitalize()
        sentence[3] = f"**{sentence[3]}{rolled.randint(0, 99_999)}**"
        sentence[-1] += ".\n\n" if rolled.random() < 0.2 else "."
        words += sentence
    return " ".join(words[:tokens]).replace("\n\n ", "\n\n")


def prompt(number: int) -> str:
    """Of one of the twenty; its script knows it by that."""
    return f"question {number:02} of the load"


def config(runs: int, tokens: int) -> str:
    """A wire that answers each of the questions with its own text."""
    rate = WIRE_TOKENS_A_SECOND
    steps = (
        f'{{ about = "{prompt(number)}", text = {json.dumps(answer(number, tokens))}, tokens_per_second = {rate} }}'
        for number in range(runs)
    )
    return CONFIG.format(script=f"[{', '.join(steps)}]")


# -- the process that shares the state -----------------------------------------------------------------------------------------


async def ask_elsewhere(numbers: Sequence[int]) -> None:
    """Asks, and waits for the answers."""
    from llmesc.engine import Engine

    async with Engine.open() as engine:
        await asyncio.gather(*(engine.ask(prompt(number)) for number in numbers))


# -- the dashboard's process ------------------------------------------------------------------------------------------------


async def watch(numbers: Sequence[int], runs: int, history: int, report: Path) -> None:
    """The dashboard, with notes of when keys were handled and frames drawn; it asks its own half once the history is listed."""
    from llmesc.dashboard.app import Dashboard, Settings
    from llmesc.dashboard.live_feed import LiveFeed
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.widgets.rows import Rows
    from llmesc.engine import Engine
    from llmesc.escalation.messages import ask_for
    from llmesc.escalation.times import Timestamp

    handled, drawn, frames = list[float](), list[float](), list[tuple[float, int]]()
    moved, draw, displayed = Rows.action_move, MainScreen.draw, Dashboard._display

    def move(rows: Rows, by: int) -> None:
        moved(rows, by)
        handled.append(time.monotonic())

    def one_frame(screen: MainScreen) -> None:
        draw(screen)
        frames.append((time.monotonic(), feed.board(clock()).events_seen))

    def display(app: Dashboard, screen: Any, renderable: Any) -> None:
        displayed(app, screen, renderable)
        if renderable is not None:
            drawn.append(time.monotonic())

    # Looked at, not changed; from outside, for the dashboard is to be the one that people have.
    for owner, name, looked_at in (
        (Rows, "action_move", move),
        (MainScreen, "draw", one_frame),
        (Dashboard, "_display", display),
    ):
        setattr(owner, name, looked_at)
    clock = lambda: Timestamp(time.time())  # noqa: E731
    async with Engine.open() as engine:
        feed = LiveFeed(engine, clock)
        app = Dashboard(feed, now=clock, engine=engine, settings=Settings(who="benchmark"))
        marks: dict[str, Any] = {}

        async def look_on() -> None:
            while len(feed.board(clock()).runs) < history:
                await asyncio.sleep(0.05)
            marks["memory_before"] = memory_mb()
            for number in numbers:
                feed.start(ask_for(prompt(number)), app.main_screen.aimed, lambda error: marks.update(error=str(error)))  # type: ignore[union-attr]
            report.with_suffix(".ready").touch()
            while len(whole()) < runs:
                await asyncio.sleep(0.1)
            marks["memory_after"] = memory_mb()
            marks["texts"] = whole()
            report.with_suffix(".done").touch()

        def whole() -> dict[str, str]:
            views = feed.board(clock()).views.values()
            return {view.request.prompt: view.answer.text for view in views if view.request and view.answer}

        async def leave_with(parent: int) -> None:
            while os.getppid() == parent:
                await asyncio.sleep(0.5)
            app.exit()

        looking = asyncio.gather(look_on(), leave_with(os.getppid()))
        await app.run_async()
        looking.cancel()
        listed = len(feed.board(clock()).runs)
    report.write_text(json.dumps(marks | {"handled": handled, "drawn": drawn, "frames": frames, "listed": listed}))
    if app.fault is not None:
        raise app.fault


def memory_mb() -> float:
    """Resident, of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


# -- the process that measures ------------------------------------------------------------------------------------------------


def processor_seconds(pid: int) -> float:
    """Used so far, by the process itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time, and what part of a core was used in it."""

    name: str
    began: float
    ended: float
    processor: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.began

    def has(self, at: float) -> bool:
        """Whether that moment was in it."""
        return self.began <= at <= self.ended


class Keyboard:
    """The other side of the terminal: keys go in, what is drawn is read and dropped."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._process = process
        self.pressed: list[float] = []
        self.stretches: list[Stretch] = []
        self.last = b""
        """Drawn; where the dashboard does not begin, that says why."""

    def press(self, key: str, *, noted: bool = True) -> None:
        """One key, and when."""
        if noted:
            self.pressed.append(time.monotonic())
        os.write(self._master, key.encode())

    def watch(self, seconds: float) -> None:
        """Reads for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                with contextlib.suppress(OSError):
                    self.last = (self.last + os.read(self._master, 65_536))[-4_000:]

    def watch_for(self, file: Path) -> None:
        """Reads until that is there."""
        while not file.exists():
            assert self._process.poll() is None, f"the dashboard has ended: {self.last.decode(errors='replace')}"
            self.watch(0.1)


@contextlib.contextmanager
def started(argv: Sequence[str], env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Keyboard]]:
    """A process in a pseudo-terminal."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(argv, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        yield process, Keyboard(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def measure(runs: int, seconds: float, history: int) -> None:
    """Fills, asks, presses, and tells."""
    tokens = int((seconds + WARM_UP_SECONDS) * WIRE_TOKENS_A_SECOND)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config.toml").write_text(config(runs, tokens))
        env = os.environ | {
            "LLMESC_HOME": folder,
            "LLMESC_CONFIG": str(home / "config.toml"),
            "LLMESC_STATE": f"sqlite://{home / 'state.db'}",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        asyncio.run(past(home / "state.db", history))
        own, others = range(runs // 2), range(runs // 2, runs)
        with watched(env, own, runs, history, home / "load.json") as (pid, keyboard):
            writer = subprocess.Popen([*ME, "--elsewhere", *map(str, others)], env=env)
            keyboard.watch(WARM_UP_SECONDS)
            with stretch(pid, keyboard, "nobody presses a key"):
                keyboard.watch(seconds * QUIET_PART)
            with stretch(pid, keyboard, "keys are pressed"):
                pressing(keyboard, seconds * (1 - QUIET_PART))
            keyboard.watch_for(home / "load.done")
            assert writer.wait(timeout=20) == 0
        told = json.loads((home / "load.json").read_text())
        print(f"{runs} requests at {TOKENS_A_SECOND} tokens a second each, {told['listed']:,} listed")
        tell(told, keyboard)
        whole = sum(told["texts"].get(prompt(number)) == answer(number, tokens) for number in range(runs))
        print(
            f"memory: {told['memory_before']:.0f} MB with the history alone, {told['memory_after']:.0f} MB with all the answers"
        )
        print(f"every token is there: {whole} of {runs} answers of {tokens:,} tokens")

        with contextlib.closing(sqlite3.connect(home / "state.db")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        with watched(env, (), 0, history, home / "locked.json") as (pid, keyboard):
            keyboard.watch_for(home / "locked.done")
            with locked(home / "state.db"), stretch(pid, keyboard, f"the database is locked for {LOCKED_SECONDS:g} s"):
                pressing(keyboard, LOCKED_SECONDS)
        tell(json.loads((home / "locked.json").read_text()), keyboard)
    print(f"load of the machine: {' '.join(f'{part:.1f}' for part in os.getloadavg())} on {os.cpu_count()} cores")


@contextlib.contextmanager
def watched(env: dict[str, str], own: Sequence[int], runs: int, history: int, report: Path) -> Iterator[tuple[int, Keyboard]]:
    """A dashboard that lists everything; it is left in the end, and has written its report then."""
    with started([*ME, "--runs", str(runs), "--history", str(history), "--dashboard", str(report), *map(str, own)], env) as (
        dashboard,
        keyboard,
    ):
        keyboard.watch_for(report.with_suffix(".ready"))
        yield dashboard.pid, keyboard
        keyboard.press("q", noted=False)
        keyboard.watch_for(report)


async def past(path: Path, history: int) -> None:
    """A state with so many requests that have ended."""
    from llmesc.engine.clock import SystemClock
    from llmesc.escalation.circuits import CircuitPolicy
    from llmesc.state.sqlite import SqliteStore

    parts: dict[str, Any] = {"holder": "host:1", "random": random.random, "new_token": lambda: "token"}
    store = SqliteStore(path, clock=SystemClock(), policy=CircuitPolicy(), **parts)
    await store.open()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for run, calls in activity.history(history * 2, time.time() - 60):
            connection.execute(activity.RUN, run)
            connection.executemany(activity.ATTEMPT, calls)
    await store.aclose()


@contextlib.contextmanager
def stretch(pid: int, keyboard: Keyboard, name: str) -> Iterator[None]:
    """Notes one."""
    used, began = processor_seconds(pid), time.monotonic()
    yield
    ended = time.monotonic()
    keyboard.stretches.append(Stretch(name, began, ended, (processor_seconds(pid) - used) / (ended - began)))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else reads or writes the file. Its journal is of the older kind: readers of a write-ahead log pass every lock."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def pressing(keyboard: Keyboard, seconds: float) -> None:
    """Up and down through the list for so long, at odd moments."""
    rolled = random.Random(7)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        keyboard.press("j" if len(keyboard.pressed) % 8 < 4 else "k")
        keyboard.watch(rolled.uniform(0.2, 0.6))


def tell(told: dict[str, Any], keyboard: Keyboard) -> None:
    """The figures of each stretch."""
    keys = list(zip(keyboard.pressed, told["handled"], strict=True))
    for part in keyboard.stretches:
        frames = [events for at, events in told["frames"] if part.has(at)]
        drawn = sum(map(part.has, told["drawn"]))
        events = (frames[-1] - frames[0]) / part.seconds if frames else 0
        print(f"{part.name}: {part.seconds:.0f} s, {events:,.0f} events a second")
        print(f"  processor: {part.processor:.0%} of a core")
        print(f"  drawn: {len(frames) / part.seconds:.1f} boards and {drawn / part.seconds:.1f} writes a second")
        of_it = [(pressed, done) for pressed, done in keys if part.has(pressed)]
        _tell_times("handled", [done - pressed for pressed, done in of_it])
        _tell_times("drawn", [next(at for at in told["drawn"] if at >= done) - pressed for pressed, done in of_it])


def _tell_times(what: str, times: list[float]) -> None:
    if times:
        times.sort()
        median, late, worst = (times[min(int(len(times) * part), len(times) - 1)] * 1000 for part in (0.5, 0.99, 1.0))
        print(f"  a key is {what} after: median {median:.0f} ms, 99 % {late:.0f} ms, worst {worst:.0f} ms ({len(times)} keys)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--history", type=int, default=10_000)
    parser.add_argument("--dashboard", type=Path, metavar="REPORT", help=argparse.SUPPRESS)
    parser.add_argument("--elsewhere", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("numbers", nargs="*", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.dashboard:
        asyncio.run(watch(given.numbers, given.runs, given.history, given.dashboard))
    elif given.elsewhere:
        asyncio.run(ask_elsewhere(given.numbers))
    else:
        measure(given.runs, given.seconds, given.history)
