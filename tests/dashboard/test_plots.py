"""The lines of the plots, and the screen they stand on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Static

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.live_feed import LiveFeed
from llmesc.dashboard.plots.cost import cost_lines
from llmesc.dashboard.plots.lines import Line, grid
from llmesc.dashboard.plots.outcomes import outcome_lines, share_words
from llmesc.dashboard.plots.page import page
from llmesc.dashboard.plots.trends import DAYS, Day, TrendReader, Trends, last_hour
from llmesc.dashboard.replay import Replay
from llmesc.dashboard.screens.plots import Plots
from llmesc.dashboard.widgets.flash import FlashLine
from llmesc.dashboard.widgets.plots import PlotView
from llmesc.engine import Engine, ModelUsage, ProviderActivity, StateUnavailable, Window
from llmesc.escalation.times import Timestamp
from llmesc.story.bars import lying, upright
from llmesc.story.days import midnights_before
from llmesc.story.width import display_width
from tests.dashboard import scenes, trends

DAY_SECONDS = 86_400.0
BUSY, NOTHING = trends.busy(), trends.nothing()


def text(line: Line) -> str:
    return "".join(span.text for span in line)


# -- bars -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "top", "high", "rows"),
    [
        ([0, 1, 4, 8], 8, 1, [" ▁▄▇"]),
        ([0, 1, 8], 1_000, 1, [" ▁▁"]),
        ([1, 2.2, 4], 4, 2, [" ▁▇", "▄██"]),
        ([0, 0], 0, 1, ["  "]),
    ],
)
def test_bars_that_stand_show_what_is_more_than_nothing_and_touch_nobody_above(
    values: Sequence[float], top: float, high: int, rows: list[str]
) -> None:
    assert upright(values, top, bar=1, high=high) == rows


def test_bars_that_stand_are_as_wide_as_they_should_be() -> None:
    assert upright([1, 0, 2], 2, bar=3, high=1) == ["▄▄▄   ▇▇▇"]


@pytest.mark.parametrize(
    ("value", "top", "bar"),
    [(0, 9, ""), (9, 9, "████"), (4.5, 9, "██"), (0.01, 9, "▏"), (0.5, 1, "██"), (5, 9, "██▎"), (0, 0, "")],
)
def test_bars_that_lie(value: float, top: float, bar: str) -> None:
    assert lying(value, top, 4) == bar


# -- lines ------------------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 260), height=st.integers(1, 100))
def test_for_any_terminal_there_are_lines_of_every_provider_and_day(width: int, height: int) -> None:
    for shown in (BUSY, NOTHING):
        lines = page(shown, width, height)
        if shown.providers:
            assert sum("answered" in text(line) for line in lines) == len(shown.providers) + 1, "and the legend"
            assert sum(" calls" in text(line) for line in lines) >= len(shown.providers) + DAYS


@settings(max_examples=40, deadline=None)
@given(width=st.integers(79, 260))
def test_where_there_is_room_all_buckets_are_shown_and_bars_and_figures_fit(width: int) -> None:
    shown = BUSY
    to = grid(width, (str(provider.key) for provider in shown.providers), shown.window.buckets)

    assert to.buckets == 30
    assert all(display_width(text(line)) <= width for line in outcome_lines(shown, to))
    assert all(display_width(text(line)) <= width for line in cost_lines(shown, width))


def test_a_tall_terminal_has_higher_bars_but_none_that_make_it_scroll() -> None:
    low, high = (page(BUSY, 199, height) for height in (24, 60))

    assert len(low) < len(high) <= 60


def test_each_way_a_call_ended_has_its_sign_its_word_and_its_number() -> None:
    shown = BUSY
    lines = [text(line) for line in outcome_lines(shown, grid(120, ["embedded"], 30))]

    row = next(line for line in lines if line.startswith(" lab@gpu1"))
    assert "✓" in row and "248 calls · 79% answered" in row
    failed = lines[lines.index(row) + 1]
    assert failed.split()[0] == "✗" and failed.endswith("51 failed")
    assert lines[lines.index(row) + 2].split()[0] != "✗", "what did not occur has no row"


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (1.0, "100% answered"),
        (0.999, "99% answered"),
        (0.001, "<1% answered"),
        (0.0, "0% answered"),
        (None, "none ended by itself"),
    ],
)
def test_nearly_all_is_not_all(share: float | None, told: str) -> None:
    assert share_words(share) == told


def model(cost: str, unknown: int, tier: str = "cloud", calls: int = 5) -> ModelUsage:
    used = {"input_tokens": 0, "output_tokens": 0}
    return ModelUsage(ref="a/m", tier=tier, calls=calls, cost=Decimal(cost), cost_unknown=unknown, **used)


@pytest.mark.parametrize(
    ("models", "amount", "note"),
    [
        ((), "–", "0 calls"),
        ((model("0.5", 0),), "$0.5000", "5 calls"),
        ((model("0", 0),), "$0.00", "5 calls"),
        ((model("0", 5),), "unknown", "5 calls of unknown cost"),
        ((model("0.5", 2),), "≥$0.5000", "5 calls, 2 of unknown cost"),
        ((model("0", 5, "vllm"),), "no bill", "5 calls"),
        ((model("0", 5, "vllm"), model("0.5", 0)), "$0.5000", "10 calls"),
        ((model("0", 5, "vllm"), model("0", 1)), "unknown", "10 calls, 1 of unknown cost"),
    ],
)
def test_what_a_day_cost_is_never_a_zero_that_nobody_knows(models: tuple[ModelUsage, ...], amount: str, note: str) -> None:
    days = (Day(since=scenes.NOW, models=models), Day(since=Timestamp(scenes.NOW - DAY_SECONDS), models=(model("1", 0),)))
    shown = replace(trends.nothing(), days=days)

    line = text(list(cost_lines(shown, 90))[1])

    assert line.startswith(" today ")
    assert line.rstrip().endswith(f" {amount}  {note}")
    assert ("?" in line) == ("unknown" in note)


def test_a_wide_terminal_tells_who_cost_most() -> None:
    line = text(list(cost_lines(BUSY, 200))[1])

    assert line.endswith("mostly claude@team-a/claude-sonnet-4-6: $0.4200")


# -- reading ------------------------------------------------------------------------------------------------------------------


class Counted:
    """A state of which every question is written down."""

    def __init__(self) -> None:
        self.asked: list[tuple[Timestamp, Timestamp]] = []

    async def activity(self, window: Window) -> Sequence[ProviderActivity]:
        return trends.busy().providers

    async def usage(self, since: Timestamp, until: Timestamp) -> Sequence[ModelUsage]:
        self.asked.append((since, until))
        return [model("1", 0, calls=len(self.asked))]


@pytest.mark.usefixtures("utc")
@pytest.mark.anyio
async def test_today_is_read_each_time_and_days_that_are_over_once_a_minute() -> None:
    state = Counted()
    reader = TrendReader(state)
    midnight = Timestamp(scenes.NOW // DAY_SECONDS * DAY_SECONDS)

    first = await reader.read(scenes.NOW)
    assert state.asked == [(midnight - DAY_SECONDS * day, midnight - DAY_SECONDS * (day - 1)) for day in range(DAYS)]

    second = await reader.read(Timestamp(scenes.NOW + 5))
    assert len(state.asked) == DAYS + 1
    assert second.days[1:] == first.days[1:] and second.days[0].calls == DAYS + 1

    await reader.read(Timestamp(scenes.NOW + 60))
    assert len(state.asked) == 2 * DAYS + 1


@pytest.mark.usefixtures("utc")
@pytest.mark.anyio
async def test_at_midnight_the_day_that_was_today_is_read_to_its_end() -> None:
    state = Counted()
    reader = TrendReader(state)
    midnight = Timestamp(scenes.NOW // DAY_SECONDS * DAY_SECONDS + DAY_SECONDS)
    await reader.read(Timestamp(midnight - 10))
    state.asked.clear()

    shown = await reader.read(Timestamp(midnight + 10))

    assert state.asked == [(midnight, midnight + DAY_SECONDS), (midnight - DAY_SECONDS, midnight)]
    assert [day.since for day in shown.days[:2]] == [midnight, midnight - DAY_SECONDS]


def test_a_day_has_23_or_25_hours_where_the_clocks_are_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        midnights = midnights_before(Timestamp(1_792_933_200.0), 3)  # 2026-10-25 13:00 UTC; back by an hour that night
    finally:
        monkeypatch.undo()
        time.tzset()

    assert [(one - two) / 3600 for one, two in pairwise(midnights)] == [25, 24, 24]


@given(now=st.floats(1e9, 3e9))
def test_now_is_in_the_last_bucket_of_the_hour(now: float) -> None:
    window = last_hour(Timestamp(now))

    assert window.until - window.bucket_seconds <= now < window.until
    assert window.until % window.bucket_seconds == 0


# -- the screen -----------------------------------------------------------------------------------------------------------------


class Plotted(scenes.Still):
    """A still feed that has something to plot, or is away."""

    def __init__(self) -> None:
        super().__init__(scenes.board(scenes.switched()))
        self.plotted: Trends | None = trends.busy()
        self.reads = 0

    async def trends(self, now: Timestamp) -> Trends:
        self.reads += 1
        if self.plotted is None:
            raise StateUnavailable("locked by another process")
        return self.plotted


@pytest.fixture
async def engine(tmp_path: Any) -> AsyncIterator[Engine]:
    file = tmp_path / "config.toml"
    file.write_text('[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')
    async with Engine.open(config_file=file, state="memory:") as made:
        yield made


@asynccontextmanager
async def shown(feed: Any, engine: Engine | None, **settings: Any) -> AsyncIterator[Pilot[Any]]:
    app = Dashboard(feed, now=lambda: scenes.NOW, engine=engine, settings=Settings(**settings), frame_seconds=None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        yield pilot


async def settled(pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await pilot.pause()


def drawn(pilot: Pilot[Any]) -> list[str]:
    view = pilot.app.screen.query_one(PlotView)
    return ["".join(segment.text for segment in view.render_line(y)) for y in range(view.size.height)]


@pytest.mark.anyio
@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("close", ["escape", "q", "i"])
async def test_one_key_opens_the_plots_and_closes_them(engine: Engine, close: str, read_only: bool) -> None:
    async with shown(Plotted(), engine, read_only=read_only) as pilot:
        await pilot.press("i")
        await settled(pilot)
        assert isinstance(pilot.app.screen, Plots)
        assert drawn(pilot)[0].startswith(" Outcomes by provider")

        await pilot.press(close)
        await settled(pilot)
        assert pilot.app.screen is pilot.app.main_screen


@pytest.mark.anyio
async def test_in_a_replay_it_is_said_why_there_are_none() -> None:
    async with shown(Replay(scenes.answered().events), None) as pilot:
        await pilot.press("i")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, Plots)
        assert "a replay is one request" in str(pilot.app.screen.query_one(FlashLine).render())


@pytest.mark.anyio
async def test_what_was_read_stays_while_the_state_is_away_and_is_replaced_when_it_is_back(engine: Engine) -> None:
    feed = Plotted()
    async with shown(feed, engine) as pilot:
        await pilot.press("i")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, Plots)
        problem = screen.query_one("#problem", Static)
        assert not problem.display

        feed.plotted = None
        screen.look()
        await settled(pilot)
        assert problem.display
        assert "what was known at" in str(problem.render()) and "locked by another process" in str(problem.render())
        assert drawn(pilot)[0].startswith(" Outcomes by provider")

        feed.plotted = trends.nothing()
        screen.look()
        await settled(pilot)
        assert not problem.display
        assert drawn(pilot)[1].startswith(" no call ended in the last hour")


@pytest.mark.anyio
async def test_it_scrolls_by_the_keys_of_every_list(engine: Engine) -> None:
    async with shown(Plotted(), engine) as pilot:
        await pilot.press("i")
        await settled(pilot)
        first = drawn(pilot)
        await pilot.press("j")
        await settled(pilot)
        assert drawn(pilot)[:-1] == first[1:]
        await pilot.press("G")
        await settled(pilot)
        assert drawn(pilot)[-1].startswith(" Tue 08 Sep")
        await pilot.press("g")
        await settled(pilot)
        assert drawn(pilot) == first


@pytest.mark.anyio
async def test_the_live_feed_plots_what_was_asked(engine: Engine) -> None:
    now = Timestamp(time.time())
    feed = LiveFeed(engine, lambda: now)
    await asyncio.gather(engine.ask("What is Raft?"), engine.ask("And Paxos?"))

    found = await feed.trends(Timestamp(time.time()))

    (lab,) = found.providers
    assert (str(lab.key), lab.whole.succeeded, lab.whole.all) == ("lab", 2, 2)
    assert sum(day.calls for day in found.days) == 2
