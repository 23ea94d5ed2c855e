"""The attempts pane: everything in the order in which it came, and all that is known of the row under the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from llmesc.dashboard.widgets.attempts import AttemptsPane
from llmesc.dashboard.widgets.rows import Rows
from tests.dashboard import scenes

pytestmark = pytest.mark.anyio


class Only(App[None]):
    def compose(self) -> ComposeResult:
        yield AttemptsPane(id="attempts")


async def drawn(
    tape: scenes.Tape, *keys: str, size: tuple[int, int] = (160, 12), interrupted: bool = False
) -> tuple[list[str], str]:
    """The rows, and what is told of the one under the cursor."""
    app: Any = Only()
    async with app.run_test(size=size) as pilot:
        pane = app.query_one(AttemptsPane)
        view = replace(tape.view, interrupted=interrupted)
        pane.show(view, scenes.NOW)
        pane.query_one(Rows).focus()
        await pilot.press(*keys)
        pane.show(view, scenes.NOW)
        await pilot.pause()
        rows = pane.query_one(Rows)
        lines = ["".join(segment.text for segment in rows.render_line(y)) for y in range(1, len(rows._keys) + 1)]
        return lines, str(pane.query_one("#about-attempt", Static).render())


async def test_skipped_candidates_stand_where_their_turn_was() -> None:
    lines, _ = await drawn(scenes.exhausted())
    assert [line.split()[0] for line in lines] == ["↷", "1", "2"]
    assert "circuit open: server_error: 503" in lines[0]


async def test_bars_tell_what_ran_when() -> None:
    lines, _ = await drawn(scenes.switched())
    bars = ["".join(character for character in line if character in "░█ ") for line in lines]
    assert "█" in bars[0] and "█" not in bars[1] and "█" in bars[2]
    first, third = lines[0].index("█"), lines[2].index("█")
    assert first < third


async def test_the_newest_attempt_is_told_of_and_others_when_the_cursor_goes_there() -> None:
    _, about = await drawn(scenes.exhausted())
    assert "claude@team-a/claude-sonnet-4-6 · escalation, frontier · account (429, code.insufficient_quota)" in about
    _, about = await drawn(scenes.exhausted(), "g")
    assert "embedded/smollm2-135m · local, not called: circuit open · server_error: 503 · may be tried at" in about


async def test_an_attempt_whose_process_is_gone_is_interrupted_and_takes_no_more_time() -> None:
    tape = scenes.streaming()
    (running,), _ = await drawn(tape)
    (line,), _ = await drawn(tape, interrupted=True)

    assert "▶ running" in running and "2.4 s" in running
    assert "⊘ interrup" in line and "running" not in line
    assert "0.9 s" in line, "from its start to its last token"


async def test_a_narrow_pane_keeps_who_and_why() -> None:
    lines, _ = await drawn(scenes.switched(), size=(60, 12))
    assert "lab@gpu1" in lines[1] and "overloaded" in lines[1]
