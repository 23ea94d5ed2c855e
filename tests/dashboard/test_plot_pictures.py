"""What the plots look like. The pictures were looked at by people; a difference is a change.

After a wanted change: `pytest tests/dashboard/test_plot_pictures.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.board import Board
from llmesc.dashboard.plots.trends import Trends
from llmesc.dashboard.screens.plots import Plots
from llmesc.engine import StateUnavailable
from llmesc.escalation.times import Timestamp
from tests.dashboard import scenes, trends

pytestmark = pytest.mark.usefixtures("utc")

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
THEMES = ("textual-light", "ansi-dark", "nord")
SCENES: dict[str, Callable[[], Trends]] = {"busy": trends.busy, "nothing": trends.nothing}


def app(theme: str = "textual-dark") -> Dashboard:
    made = Dashboard(
        scenes.Still(Board(now=scenes.NOW)), now=lambda: scenes.NOW, settings=Settings(theme=theme), frame_seconds=None
    )
    made.animation_level = "none"
    return made


def opened(make: Callable[[], Trends]) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[Any]) -> None:
        async def read(now: Timestamp) -> Trends:
            return make()

        await pilot.app.push_screen(Plots(read))
        for _ in range(3):  # it reads; it is drawn; the footer has learned its keys
            await pilot.pause()

    return before


def away() -> Trends:
    raise StateUnavailable("/home/ann/.local/state/llmesc/state.db: locked by another process for longer than 1 s")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_plots(snap_compare: Any, scene: str, size: str) -> None:
    assert snap_compare(app(), run_before=opened(SCENES[scene]), terminal_size=SIZES[size])


def test_scrolled_plots(snap_compare: Any) -> None:
    assert snap_compare(app(), run_before=opened(trends.busy), press=("G",), terminal_size=SIZES["80x24"])


def test_narrow_plots(snap_compare: Any) -> None:
    assert snap_compare(app(), run_before=opened(trends.busy), terminal_size=(60, 20))


def test_plots_of_a_state_that_is_away(snap_compare: Any) -> None:
    assert snap_compare(app(), run_before=opened(away), terminal_size=SIZES["80x24"])


@pytest.mark.parametrize("theme", THEMES)
def test_plots_in_another_theme(snap_compare: Any, theme: str) -> None:
    assert snap_compare(app(theme), run_before=opened(trends.busy), terminal_size=SIZES["120x40"])


def test_no_picture_is_left_of_a_test_that_is_gone() -> None:
    folder = Path(__file__).parent.parent.parent / "snapshots" / "test_plot_pictures"
    known = {f"test_plots[{scene}-{size}]" for scene in SCENES for size in SIZES}
    known |= {"test_scrolled_plots", "test_narrow_plots", "test_plots_of_a_state_that_is_away"}
    known |= {f"test_plots_in_another_theme[{theme}]" for theme in THEMES}
    assert {picture.stem for picture in folder.glob("*.svg")} == known
