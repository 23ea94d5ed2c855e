"""What a request asks of the SQLite file: transactions and statements, counted in a loop whose time is a number."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.state import sqlite_database
from tests.escalation.world import LoopClock, VirtualLoop, run_virtually

WORDS = " ".join(f"w{number * 7919 % 65537:x}" for number in range(1000))
"""A thousand tokens, none twice."""

CONFIG = f"""
[providers.short]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = {{ text = "Short." }} }}]
[providers.long]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = {{ text = "{WORDS}", tokens_per_second = 1000 }} }}]
[providers.busy]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = {{ fail = "429", retry_after = 60 }} }}]
[providers.down]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = {{ fail = "503" }} }}]
[chains]
short = ["short/m"]
long = ["long/m"]
failover = ["down/m", "short/m"]
avoided = ["busy/m", "short/m"]
"""


@dataclass(frozen=True)
class Case:
    """Requests to one chain, and the most that the last of them may ask of the file."""

    chain: str
    requests_before: int
    transactions: int
    statements: int


CASES = [
    # What was counted when the bound was set stands behind it.
    Case("short", 1, transactions=3, statements=29),  # 3 and 27, one of which writes what a success says of the latency
    Case("short", 200, transactions=3, statements=29),  # 3 and 27: a long record makes it no more
    Case("failover", 1, transactions=7, statements=55),  # 7 and 52
    Case("avoided", 1, transactions=4, statements=33),  # 4 and 31: a circuit is open, and nothing is written about it
    Case("long", 1, transactions=13, statements=98),  # 12 and 90: a thousand tokens in a second are written ten times
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.chain} after {case.requests_before}")
def test_a_request_asks_no_more_of_the_file(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(asked.append)
        return connection

    monkeypatch.setattr(sqlite_database.sqlite3, "connect", traced)
    (tmp_path / "config.toml").write_text(f'state = "sqlite://{tmp_path}/state.db"\n{CONFIG}')
    options = AskOptions(chain=case.chain, quality_threshold=0)

    async def main(loop: VirtualLoop) -> None:
        async with Engine.open(config=load(tmp_path / "config.toml", {}), clock=LoopClock(loop)) as engine:
            for _ in range(case.requests_before):
                await engine.ask("hi", options)
                await asyncio.sleep(1)
            asked.clear()
            await engine.ask("hi", options)

    run_virtually(main)

    begun = [sql for sql in asked if sql.startswith("BEGIN")]
    told = "\n".join(sql[:100] for sql in asked)
    assert 0 < len(begun) <= case.transactions, told
    assert len(asked) <= case.statements, told
