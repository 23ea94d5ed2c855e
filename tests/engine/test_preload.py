"""What the first failure needs is there before it comes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from llmesc.engine import preload

pytestmark = pytest.mark.anyio


async def test_it_is_loaded_once_beside_a_call_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, times = threading.Event(), []

    def load() -> None:
        times.append(threading.current_thread().name)
        loaded.set()

    monkeypatch.setattr(preload, "load", load)
    preload._BEGUN.clear()

    preload.while_waiting()
    preload.while_waiting()

    both_are_due = asyncio.Event()
    asyncio.get_running_loop().call_later(preload.AFTER_SECONDS, both_are_due.set)
    assert times == [], "not before the call is on its way"
    await asyncio.wait_for(both_are_due.wait(), 20)
    assert await asyncio.to_thread(loaded.wait, 20)
    assert times == ["llmesc-preload"]
    preload._BEGUN.clear()


class LateLoop:
    """A loop that comes to its timers as late as it is told."""

    def __init__(self, late_seconds: list[float]) -> None:
        self.now = 100.0
        self.late_seconds = late_seconds

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        self.now = when + self.late_seconds.pop(0)
        callback()


@pytest.mark.parametrize(
    ("late_seconds", "begun_after_seconds"),
    [([0.0], 0.1), ([0.009], 0.109), ([0.5, 0.0], 0.7), ([0.5, 0.011, 0.0], 0.811)],
)
def test_a_loop_that_was_busy_itself_has_not_waited(
    late_seconds: list[float], begun_after_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, begun = LateLoop(late_seconds), []
    preload._BEGUN.clear()
    monkeypatch.setattr(preload.asyncio, "get_running_loop", lambda: loop)
    monkeypatch.setattr(preload, "_begin", lambda: begun.append(loop.now))

    preload.while_waiting()

    assert begun == [pytest.approx(100 + begun_after_seconds)]


def test_afterwards_a_failure_and_a_verdict_load_nothing_more() -> None:
    code = """
import sys
from llmesc.engine import preload
preload.load()
before = set(sys.modules)
from llmesc.escalation.quality import Draft, QualitySettings, judge
from llmesc.providers.classify import Evidence, classify
classify(Evidence(api="anthropic", status=429, headers={"retry-after": "3"}, body="{}", streamed=True))
judge(Draft(text="I am sorry, but I cannot help with that."), QualitySettings())
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"
