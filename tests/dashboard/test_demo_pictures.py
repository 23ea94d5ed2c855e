"""What a newcomer sees in the demonstration: its key moments, played in virtual time and taken as they stand.

After a wanted change: `pytest tests/dashboard/test_demo_pictures.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.board import Board
from llmesc.engine import Engine
from tests.dashboard import scenes
from tests.dashboard.performance import Performance, perform

pytestmark = pytest.mark.usefixtures("utc")

MOMENTS = {"outage": 24.6, "rate_limit": 42.0, "recovered": 58.2}
"""Seconds after the beginning: the switch has been made; both countdowns run; both are back, and it is calm again."""

PICTURES = [("outage", "120x40"), ("rate_limit", "120x40"), ("recovered", "120x40"), ("outage", "80x24")]


@pytest.mark.parametrize(("moment", "size"), PICTURES, ids=[f"{moment}-{size}" for moment, size in PICTURES])
def test_picture(snap_compare: Any, moment: str, size: str) -> None:
    async def look(performance: Performance) -> tuple[Board, Engine]:
        return await performance.until(MOMENTS[moment]), performance.engine

    board, engine = perform(look)
    feed = scenes.Still(board)
    app = Dashboard(feed, now=lambda: board.now, engine=engine, settings=Settings(theme="textual-dark"), frame_seconds=None)
    app.animation_level = "none"

    async def draw_again(pilot: Pilot[Any]) -> None:
        """As the next frame does: the first is drawn before every pane has its width."""
        await pilot.pause()
        assert app.main_screen is not None
        app.main_screen.draw()

    columns, _, lines = size.partition("x")
    assert snap_compare(app, run_before=draw_again, terminal_size=(int(columns), int(lines)))


def test_no_picture_is_left_of_a_test_that_is_gone() -> None:
    folder = Path(__file__).parent.parent.parent / "snapshots" / "test_demo_pictures"
    assert {picture.stem for picture in folder.glob("*.svg")} == {f"test_picture[{moment}-{size}]" for moment, size in PICTURES}
