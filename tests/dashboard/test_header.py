"""The first line says where the picture comes from, and how old it is."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from textual.app import App, ComposeResult

from llmesc.dashboard.board import StoreState
from llmesc.dashboard.widgets.header import HeaderBar
from llmesc.escalation.times import Timestamp
from tests.dashboard import scenes

pytestmark = pytest.mark.anyio


class Only(App[None]):
    def compose(self) -> ComposeResult:
        yield HeaderBar()


async def line(paused_behind: int | None = None, **fields: Any) -> str:
    app = Only()
    async with app.run_test(size=(160, 5)):
        header = app.query_one(HeaderBar)
        header.show(scenes.board(scenes.switched(), **fields), chain="default", paused_behind=paused_behind)
        return str(header.render())


async def test_it_tells_the_store_what_runs_and_what_today_brought() -> None:
    assert "llmesc · chain default · state sqlite · 1 running · 128 today · 6 failed · ↑52,100 ↓91,440 · $0.42" in await line()


async def test_a_store_that_is_away_is_told_with_its_problem() -> None:
    away = StoreState(place="sqlite", away_since=Timestamp(scenes.NOW - 12), problem="state.db: locked")
    assert "⚠ state sqlite away for 12 s: state.db: locked" in await line(store=away)


async def test_a_sum_of_which_a_part_is_not_known_says_so() -> None:
    today = dataclasses.replace(scenes.TODAY, cost_unknown=3)
    assert "≥$0.42" in await line(today=today)
    assert "cost unknown" in await line(today=dataclasses.replace(today, cost=Decimal(0)))


async def test_what_is_no_store_is_said_as_what_it_is() -> None:
    told = await line(store=StoreState(instead="replay of 7f3a · ⏸ 1.2 of 3.4 s · ×1"))
    assert "· replay of 7f3a · ⏸ 1.2 of 3.4 s · ×1 ·" in told and "state" not in told


async def test_a_paused_picture_tells_how_far_behind_it_is() -> None:
    assert "paused, 7 new" in await line(paused_behind=7)


async def test_where_it_is_narrow_the_least_is_left_out_and_never_the_state_of_the_store() -> None:
    app = Only()
    async with app.run_test(size=(70, 5)):
        header = app.query_one(HeaderBar)
        header.show(scenes.board(scenes.switched()), chain="default", paused_behind=3)
        shown = str(header.render())
        assert "state sqlite" in shown and "1 running" in shown and "paused, 3 new" in shown and "16:04:12" in shown[-10:]
        assert "↑" not in shown
