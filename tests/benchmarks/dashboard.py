"""What one very long answer costs the dashboard: `python -m tests.benchmarks.dashboard [--tokens N] [--shape SHAPE] [--plain]`.

An answer is played at 2,000 tokens a second, twelve frames a second, without a terminal. The time that passes is the
replay's own; of a frame the processor's time is measured, until the application is idle again. A key waits at most for
the frame that is being drawn. At the end the pane's width changes, and everything is wrapped again.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from textual.pilot import Pilot

from llmesc.dashboard.app import FRAME_SECONDS, Dashboard
from llmesc.dashboard.markdown.spans import line_text
from llmesc.dashboard.replay import Replay
from llmesc.dashboard.widgets.answer import AnswerText
from llmesc.escalation.events import Move
from tests.dashboard import answers, scenes

SENTENCE = "Raft is a **consensus algorithm**: servers `agree` on *one* log, see [the paper](https://raft.github.io/raft.pdf). "

SHAPES: Mapping[str, tuple[str, str]] = {
    "formatted": ("", answers.DOCUMENT + "\n"),
    "fence": ("```python\n", "def committed(acks: int) -> bool:\n    return acks > 3  # a majority\n\n"),
    "paragraph": ("", SENTENCE),
    "table": ("| role | sends | to |\n|---|---|---|\n", "| leader | `AppendEntries`, also as a heartbeat | **followers** |\n"),
    "list": ("", "- One server leads; when it falls **silent** the others elect a new one\n  - by a majority\n"),
    "word": ("", "x" * 1_000),
}
"""How a text begins, and what it repeats from there on."""


def written(shape: str, tokens: int) -> str:
    """A text of about so many tokens, four characters each."""
    begins, repeats = SHAPES[shape]
    return begins + repeats * (tokens * 4 // len(repeats))


class Stepped(Replay):
    """A replay that only moves when it is told to, so that every frame has the tokens of one."""

    async def run(self, monotonic: Callable[[], float] | None = None) -> None:
        """Nothing by itself."""
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Measured:
    """What one answer took, and whether it is there."""

    shape: str
    plain: bool
    tokens: int
    characters: int
    lines: int
    played_seconds: float
    processor_seconds: float
    """While it was played."""
    frames_ms: Sequence[float]
    """The processor's time of each, the shortest first."""
    wrapped_seconds: float
    key_waits_ms: float
    """At most, while all is wrapped again."""
    memory_mb: int
    amiss: int
    """Letters and digits that were missing or too many when it had ended, at both widths together."""

    @property
    def core(self) -> float:
        """The share of a core while it was played."""
        return self.processor_seconds / self.played_seconds

    def lines_to_print(self) -> Iterator[str]:
        """For a terminal."""
        frames, count = self.frames_ms, len(self.frames_ms)
        shape = f"{self.shape}{' (plain)' if self.plain else ''}"
        yield f"{shape}: {self.tokens:,} tokens, {self.characters:,} characters, {self.lines:,} lines"
        yield f"  processor: {self.processor_seconds:.1f} s, {self.core:.0%} of a core while it was played, in {count} frames"
        median, late, worst = (frames[int(count * part)] for part in (0.5, 0.99, 1 - 1 / count))
        yield f"  frame: median {median:.0f} ms, 99 % {late:.0f} ms, worst {worst:.0f} ms"
        yield f"  wrapped again for another width: {self.wrapped_seconds:.1f} s, a key waits at most {self.key_waits_ms:.0f} ms"
        yield f"  memory: {self.memory_mb} MB at most"
        yield f"  every character is there: {not self.amiss}"


async def measure(shape: str, tokens: int, *, plain: bool = False) -> Measured:
    """Plays, measures, and counts the characters at the end."""
    text = written(shape, tokens)
    tape = scenes.Tape("long", "hi", began=60).call(scenes.EMBEDDED, Move.PRIMARY).write(text, size=4, pace_ms=0.5)
    gc.freeze()  # the recording is ours, not the dashboard's: no collection is to look at it
    replay = Stepped(tape.events)
    app = Dashboard(replay, now=lambda: scenes.NOW, frame_seconds=None)
    async with app.run_test(size=(120, 40)) as pilot:
        main = app.main_screen
        assert main is not None
        if plain:
            main.answer.toggle_markdown()
        replay.seek(0.0)
        replay.playing = True
        began, frames = time.process_time(), list[float]()
        while not replay.ended:
            start = time.process_time()
            replay.advance(FRAME_SECONDS)
            main.frame()
            await pilot.pause()
            frames.append((time.process_time() - start) * 1000)
        spent = time.process_time() - began
        main.frame()
        pane = main.query_one(AnswerText)
        await caught_up(pilot, pane)
        wanted = expected(text, plain=plain)
        amiss = apart(seen(pane), wanted)
        began = time.perf_counter()
        await pilot.resize_terminal(100, 40)
        again = await caught_up(pilot, pane)
        return Measured(
            shape=shape,
            plain=plain,
            tokens=tokens,
            characters=len(text),
            lines=len(pane._lines),
            played_seconds=replay.length_ms / 1000,
            processor_seconds=spent,
            frames_ms=sorted(frames),
            wrapped_seconds=time.perf_counter() - began,
            key_waits_ms=again * 1000,
            memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            amiss=amiss + apart(seen(pane), wanted),
        )


async def caught_up(pilot: Pilot[None], pane: AnswerText) -> float:
    """Waits until all is drawn; the longest time the application did nothing else, in seconds."""
    longest = 0.0
    await pilot.pause()
    while not pane.all_drawn:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - start)
    return longest


def seen(pane: AnswerText) -> Counter[str]:
    """The letters and digits that are on the lines below the title."""
    return Counter(re.findall(r"\w", "".join(line_text(pane._lines[index].line) for index in range(1, len(pane._lines)))))


def expected(text: str, *, plain: bool) -> Counter[str]:
    """The letters and digits of a text that a reader is to see."""
    if not plain:
        text = re.sub(r"^ *```\w+$", "", text, flags=re.MULTILINE)  # the language of a fence
        text = text.replace("![the states]", "[image: the states]")
    return Counter(re.findall(r"\w", text))


def apart(one: Counter[str], other: Counter[str]) -> int:
    """How many letters only one of the two has."""
    return (one - other).total() + (other - one).total()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--shape", choices=[*SHAPES, "all"], default="formatted")
    parser.add_argument("--plain", action="store_true", help="as it is written, not as Markdown")
    parser.add_argument("--json", action="store_true", help="an object for each, on a line of its own")
    given = parser.parse_args()
    for one in SHAPES if given.shape == "all" else (given.shape,):
        measured = asyncio.run(measure(one, given.tokens, plain=given.plain))
        print(json.dumps(asdict(measured) | {"core": measured.core}) if given.json else "\n".join(measured.lines_to_print()))


if __name__ == "__main__":
    main()
