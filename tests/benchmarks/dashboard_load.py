"""What a busy day costs the dashboard: `python -m tests.benchmarks.dashboard_load [--seconds N] [--runs N] [--history N]`.

Twenty requests are answered at a hundred tokens a second each, while ten thousand older ones are listed. Half of the twenty are
asked by the dashboard's own process, half by another one that shares the SQLite file with it. The dashboard is a process in a
pseudo-terminal; a third process, this one, presses keys in it and reads what it draws. Measured of the dashboard's process alone:
the processor's time (its own ten requests, which it also answers and records, included), how long a key waits until what it does
is drawn, how often it draws, its memory; and whether every token is there at the end.
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
from pathlib import Path
from typing import Any

from tests.benchmarks import activity

TOKENS_A_SECOND = 100
COLUMNS, ROWS = 160, 48
WARM_UP_SECONDS = 3.0
"""Until all twenty write; not measured."""

WORDS = [
    "raft",
    "leader",
    "follower",
    "term",
    "log",
    "entry",
    "commit",
    "vote",
    "majority",
    "quorum",
    "election",
    "timeout",
    "snapshot",
    "index",
    "candidate",
    "server",
]

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
    steps = (
        f'{{ about = "{prompt(number)}", text = {json.dumps(answer(number, tokens))}, tokens_per_second = {TOKENS_A_SECOND} }}'
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


async def watch(numbers: Sequence[int], report: Path) -> None:
    """The dashboard, with notes of when keys were handled and frames drawn; it asks its own half once the history is listed."""
    from llmesc.dashboard.app import Dashboard, Settings
    from llmesc.dashboard.live_feed import LiveFeed
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.widgets.rows import Rows
    from llmesc.engine import Engine
    from llmesc.escalation.messages import ask_for
    from llmesc.escalation.times import Timestamp

    handled, drawn, frames = list[float](), list[float](), list[float]()
    moved, draw, displayed = Rows.action_move, MainScreen.draw, Dashboard._display

    def move(rows: Rows, by: int) -> None:
        moved(rows, by)
        handled.append(time.monotonic())

    def one_frame(screen: MainScreen) -> None:
        frames.append(time.monotonic())
        draw(screen)

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
            while not feed.board(clock()).runs:
                await asyncio.sleep(0.05)
            marks["memory_before"] = memory_mb()
            for number in numbers:
                feed.start(ask_for(prompt(number)), app.main_screen.aimed, lambda error: marks.update(error=str(error)))  # type: ignore[union-attr]
            report.with_suffix(".ready").touch()

        looking = asyncio.create_task(look_on())
        await app.run_async()
        looking.cancel()
        board = feed.board(clock())
        texts = {
            view.request.prompt: view.answer.text
            for view in board.views.values()
            if view.request is not None and view.answer is not None
        }
    report.write_text(
        json.dumps(marks | {"handled": handled, "drawn": drawn, "frames": frames, "texts": texts, "listed": len(board.runs)})
    )
    if app.fault is not None:
        raise app.fault


def memory_mb(pid: str | int = "self") -> float:
    """Resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


# -- the process that measures ------------------------------------------------------------------------------------------------


def processor_seconds(pid: int) -> float:
    """Used so far, by the process itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Keyboard:
    """The other side of the terminal: keys go in, what is drawn is read and dropped."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.pressed: list[float] = []
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


@contextlib.contextmanager
def started(argv: Sequence[str], env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Keyboard]]:
    """A process in a pseudo-terminal."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(argv, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        yield process, Keyboard(master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def measure(runs: int, seconds: float, history: int) -> None:
    """Fills, asks, presses, and tells."""
    tokens = int((seconds + WARM_UP_SECONDS) * TOKENS_A_SECOND)
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
        report = home / "report.json"
        own, others = [str(number) for number in range(runs // 2)], [str(number) for number in range(runs // 2, runs)]
        me = [sys.executable, "-m", "tests.benchmarks.dashboard_load"]
        with started([*me, "--dashboard", str(report), *own], env) as (dashboard, keyboard):
            while not report.with_suffix(".ready").exists():
                keyboard.watch(0.1)
                assert dashboard.poll() is None, f"the dashboard did not begin: {keyboard.last.decode(errors='replace')}"
            writer = subprocess.Popen([*me, "--elsewhere", *others], env=env)
            keyboard.watch(WARM_UP_SECONDS)
            told = pressing(dashboard.pid, keyboard, seconds)
            assert writer.wait(timeout=seconds + 60) == 0
            keyboard.watch(5.0)
            told["memory_after"] = memory_mb(dashboard.pid)
            keyboard.press("q", noted=False)
            until = time.monotonic() + 20
            while dashboard.poll() is None and time.monotonic() < until:
                keyboard.watch(0.1)
        import shutil

        shutil.copy(report, "/tmp/load_report.json")
        tell(told | json.loads(report.read_text()), keyboard, runs, tokens)


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


def pressing(pid: int, keyboard: Keyboard, seconds: float) -> dict[str, Any]:
    """Up and down through the list for so long, at odd moments; what the processor did meanwhile."""
    rolled = random.Random(7)
    used, began = processor_seconds(pid), time.monotonic()
    while time.monotonic() - began < seconds:
        keyboard.press("j" if len(keyboard.pressed) % 8 < 4 else "k")
        keyboard.watch(rolled.uniform(0.2, 0.6))
    ended = time.monotonic()
    return {"processor": (processor_seconds(pid) - used) / (ended - began), "began": began, "ended": ended}


def tell(told: dict[str, Any], keyboard: Keyboard, runs: int, tokens: int) -> None:
    """The figures."""
    span = told["ended"] - told["began"]
    frames = [at for at in told["frames"] if told["began"] <= at <= told["ended"]]
    drawn = [at for at in told["drawn"] if told["began"] <= at <= told["ended"]]
    acted = sorted(done - pressed for pressed, done in zip(keyboard.pressed, told["handled"], strict=True))
    seen = sorted(
        next((at for at in told["drawn"] if at >= done), done) - pressed
        for pressed, done in zip(keyboard.pressed, told["handled"], strict=True)
    )
    whole = sum(told["texts"].get(prompt(number)) == answer(number, tokens) for number in range(runs))
    print(f"{runs} runs at {TOKENS_A_SECOND} tokens a second each for {span:.0f} s, {told['listed']:,} requests listed")
    print(f"  processor: {told['processor']:.0%} of a core, the dashboard's own {runs // 2} requests included")
    for name, times in (("handled", acted), ("drawn", seen)):
        median, late, worst = (times[min(int(len(times) * part), len(times) - 1)] * 1000 for part in (0.5, 0.99, 1.0))
        print(f"  a key is {name} after: median {median:.0f} ms, 99 % {late:.0f} ms, worst {worst:.0f} ms ({len(times)} keys)")
    print(f"  {len(frames) / span:.1f} frames a second, {len(drawn) / span:.1f} writes to the terminal a second")
    print(f"  memory: {told['memory_before']:.0f} MB with the history alone, {told['memory_after']:.0f} MB at the end")
    print(f"  every token is there: {whole} of {runs} answers")
    print(f"  load of the machine: {' '.join(f'{part:.1f}' for part in os.getloadavg())} on {os.cpu_count()} cores")


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
        asyncio.run(watch(given.numbers, given.dashboard))
    elif given.elsewhere:
        asyncio.run(ask_elsewhere(given.numbers))
    else:
        measure(given.runs, given.seconds, given.history)
