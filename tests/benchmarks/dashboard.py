"""What one very long answer costs the dashboard: `python -m tests.benchmarks.dashboard [--tokens N]`.

An answer is played at 2,000 tokens a second, twelve frames a second, without a terminal. The time that passes is the
replay's own; a frame is measured until the application is idle again, its waits included. A key waits at most for the
frame that is being drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time

from llmesc.dashboard.app import FRAME_SECONDS, Dashboard
from llmesc.dashboard.replay import Replay
from llmesc.dashboard.widgets.answer import AnswerText
from llmesc.escalation.events import Move
from tests.dashboard import scenes

PARAGRAPH = "Raft is a **consensus algorithm**: servers agree on one log. " * 20 + "\n\n```python\nquorum = n // 2 + 1\n```\n\n"


async def measure(tokens: int) -> None:
    """Plays, measures, and checks that every character is there at the end."""
    text = (PARAGRAPH * (tokens * 4 // len(PARAGRAPH) + 1))[: tokens * 4]
    tape = scenes.Tape("long", "hi", began=60).call(scenes.EMBEDDED, Move.PRIMARY).write(text, size=4, pace_ms=0.5)
    replay = Replay(tape.events)
    app = Dashboard(replay, now=lambda: scenes.NOW, frame_seconds=None)
    async with app.run_test(size=(120, 40)) as pilot:
        main = app.main_screen
        assert main is not None
        replay.seek(0.0)
        replay.playing = True
        began, frames = time.process_time(), list[float]()
        while not replay.ended:
            start = time.perf_counter()
            replay.advance(FRAME_SECONDS)
            main.frame()
            await pilot.pause()
            frames.append(time.perf_counter() - start)
        spent = time.process_time() - began
        lines = main.query_one(AnswerText)._blocks[0].lines
        shown = "".join("".join(lines[index] for index in range(len(lines))).split())
    frames.sort()
    played = replay.length_ms / 1000
    print(f"{tokens:,} tokens, {len(text):,} characters, played in {played:.0f} s, {len(frames)} frames")
    print(f"processor: {spent:.1f} s, {spent / played:.0%} of a core")
    median, late, worst = (frames[int(len(frames) * part)] * 1000 for part in (0.5, 0.99, 1 - 1 / len(frames)))
    print(f"frame: median {median:.0f} ms, 99 % {late:.0f} ms, worst {worst:.0f} ms")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    print(f"every character is there: {shown == ''.join(text.split())}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=100_000)
    asyncio.run(measure(parser.parse_args().tokens))
