"""Two attempts at the same time on the screen: both run, one is let go, and only the other's text is the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.widgets.answer import AnswerPane, AnswerText
from llmesc.dashboard.widgets.attempts import AttemptsPane
from llmesc.dashboard.widgets.rows import Rows
from tests.dashboard import scenes

pytestmark = pytest.mark.anyio


def attempts(main: Any) -> list[tuple[str, str, str]]:
    """State, candidate and cause of each."""
    pane = main.query_one(AttemptsPane)
    cells = (pane._cells(key) for key in pane.query_one(Rows)._keys)
    return [(row[1].text, row[2].text, row[-1].text) for row in cells]


def blocks(main: Any) -> list[str]:
    """The lines above the texts of the answer, as they are drawn."""
    text = main.query_one(AnswerText)
    drawn = ["".join(segment.text for segment in text.render_line(y)).strip("─ ") for y in range(text.size.height)]
    return [line for line in drawn if "/" in line and "→" not in line]


@pytest.mark.parametrize(
    ("tape", "listed", "titles"),
    [
        (
            scenes.racing,
            [("▶ running", "lab@gpu1/qwen3-32b", ""), ("▶ running", "claude@team-a/claude-sonnet-4-6", "")],
            [
                "lab@gpu1/qwen3-32b · ▶ waiting for its first token",
                "claude@team-a/claude-sonnet-4-6 · ▶ waiting for its first token, beside attempt 1, which was silent",
            ],
        ),
        (
            scenes.hedged,
            [
                ("⊘ cancelled", "lab@gpu1/qwen3-32b", "attempt 2 was first"),
                ("▶ running", "claude@team-a/claude-sonnet-4-6", ""),
            ],
            [
                "lab@gpu1/qwen3-32b · ⊘ attempt 2 was first · wrote nothing",
                "claude@team-a/claude-sonnet-4-6 · ▶ writing, beside attempt 1, which was silent",
            ],
        ),
    ],
)
async def test_both_are_listed_and_who_lost_has_no_part_in_the_answer(
    tape: Callable[[], scenes.Tape], listed: Any, titles: list[str]
) -> None:
    feed = scenes.Still(scenes.board(tape()))
    app = Dashboard(feed, now=lambda: scenes.NOW, settings=Settings(), frame_seconds=None)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        main = app.main_screen

        assert (attempts(main), blocks(main)) == (listed, titles)


async def test_the_screen_follows_a_race_to_its_end() -> None:
    feed = scenes.Still(scenes.board(scenes.racing()))
    app = Dashboard(feed, now=lambda: scenes.NOW, settings=Settings(), frame_seconds=None)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        main = app.main_screen
        assert main is not None
        feed.show(scenes.board(scenes.hedged()))
        main.frame()
        await pilot.pause()

        assert "wrote nothing" in blocks(main)[0] and "▶ writing" in blocks(main)[1]
        assert main.query_one(AnswerPane).answer_text() == scenes.RAFT[:120]
