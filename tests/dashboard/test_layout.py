"""Which panes are seen on a terminal of which size, and that one which is too small says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual.app import App
from textual.widgets import Static

from llmesc.dashboard.app import Dashboard
from llmesc.dashboard.layout import Layout, layout_of
from llmesc.dashboard.widgets.answer import AnswerText
from llmesc.dashboard.widgets.caption import CaptionLine
from llmesc.dashboard.widgets.footer import KeyLine
from llmesc.dashboard.widgets.tabs import TabLine
from tests.dashboard import scenes

PANES = ("requests", "attempts", "answer", "circuits", "events")


@pytest.mark.parametrize(
    ("columns", "rows", "layout"),
    [
        (200, 60, "wide"),
        (120, 36, "wide"),
        (120, 22, "wide"),
        (120, 21, "tabs"),
        (119, 40, "stacked"),
        (80, 24, "stacked"),
        (79, 24, "tabs"),
        (80, 20, "tabs"),
        (40, 12, "tabs"),
        (39, 40, "small"),
        (120, 11, "small"),
    ],
)
def test_the_layout_follows_the_size(columns: int, rows: int, layout: Layout) -> None:
    assert layout_of(columns, rows) == layout


def dashboard() -> Any:
    feed = scenes.Still(scenes.board(scenes.switched(), scenes.below_bar(), scenes.exhausted()))
    return Dashboard(feed, now=lambda: scenes.NOW, frame_seconds=None)


@pytest.mark.anyio
async def test_a_terminal_that_is_too_small_says_how_large_it_must_be_and_shows_everything_again_when_it_is() -> None:
    app = dashboard()
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.pause()
        notice = app.main_screen.query_one("#too-small", Static)
        assert notice.display and "40 × 12" in str(notice.render())
        assert not app.main_screen.query_one("#body").display
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert not notice.display
        assert all(app.main_screen.query_one(f"#{pane}").size.area > 0 for pane in PANES)


@pytest.mark.anyio
async def test_a_click_on_a_tab_goes_there() -> None:
    app = dashboard()
    async with app.run_test(size=(70, 24)) as pilot:
        await pilot.pause()
        tabs = app.main_screen.query_one(TabLine)
        line = str(tabs.render())
        for pane in ("events", "answer", "requests"):
            await pilot.click(TabLine, offset=(1 + line.index(pane), 0))
            await pilot.pause()
            assert app.main_screen.situation.pane == pane
            assert [one for one in PANES if app.main_screen.query_one(f"#{one}").display] == [pane]


@pytest.mark.anyio
async def test_the_end_of_an_answer_stays_in_sight_when_the_room_for_it_shrinks() -> None:
    app = dashboard()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(120, 24)
        await pilot.pause()
        text = app.main_screen.query_one(AnswerText)
        assert text.max_scroll_y > 0, "not all of it fits"
        assert text.scroll_y == text.max_scroll_y


@pytest.mark.anyio
@pytest.mark.parametrize(("columns", "shown"), [(120, 9), (80, 9), (60, 7), (40, 5)])
async def test_the_line_of_keys_fits_and_always_has_the_help_and_the_way_out(columns: int, shown: int) -> None:
    app = dashboard()
    async with app.run_test(size=(120, 24)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(columns, 24)
        await pilot.pause()
        await pilot.pause()
        keys = list(app.main_screen.query_one(KeyLine).children)

        assert [str(key.render()).strip() for key in keys[-2:]] == ["? help", "q quit"]
        assert len(keys) == shown
        assert keys[-1].region.right - 1 <= columns


@pytest.mark.anyio
async def test_a_caption_that_has_no_room_says_that_something_is_missing() -> None:
    class Alone(App[None]):
        def compose(self) -> Iterator[CaptionLine]:
            yield CaptionLine()

    async with Alone().run_test(size=(30, 3)) as pilot:
        pilot.app.query_one(CaptionLine).show("calm: embedded, the cheapest, is asked first")
        await pilot.pause()
        line = "".join(segment.text for segment in pilot.app.screen._compositor.render_strips()[0])

    assert line == " DEMO  calm: embedded, the ch…"
