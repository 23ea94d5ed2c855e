"""The filter of the requests: what a typed text lets through, and how the pane uses it."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.dashboard.app import Dashboard
from llmesc.dashboard.filters import Term, fits, parse
from llmesc.dashboard.widgets.attempts import AttemptsPane
from llmesc.dashboard.widgets.requests import RequestsPane
from llmesc.dashboard.widgets.rows import Rows
from llmesc.engine import RunSummary
from llmesc.escalation.times import Timestamp
from tests.dashboard import scenes

RUN = RunSummary(
    run_id="7f3a",
    started_at=Timestamp(0),
    finished_at=Timestamp(1),
    outcome="below_bar",
    chain="Default",
    prompt="Explain Raft [/x] to Ann",
    primary="embedded/smollm2-135m",
    tried=("embedded/smollm2-135m", "lab@gpu1/qwen3-32b"),
    answered_by="lab@gpu1/qwen3-32b",
    attempts=2,
    cost=Decimal(0),
    input_tokens=1,
    output_tokens=2,
    caller={},
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", True),
        ("   ", True),
        ("raft", True),
        ("RAFT ann", True),
        ("raft bob", False),
        ("!raft", False),
        ("!bob", True),
        ("7f3", True),
        ("[/x]", True),
        ("provider:lab", True),
        ("provider:LAB@gpu1", True),
        ("provider:claude", False),
        ("!provider:claude", True),
        ("outcome:below", True),
        ("outcome:below-bar", True),
        ("outcome:answered", False),
        ("!outcome:below_bar", False),
        ("chain:default raft", True),
        ("chain:other raft", False),
        ("chain:", True),
        ("!", True),
        ("!provider:", True),
        ("https://x", False),
        ("colour:red", False),
    ],
)
def test_a_filter_lets_through_what_all_its_words_ask_for(text: str, shown: bool) -> None:
    assert fits(RUN, parse(text)) is shown


def test_a_request_that_nobody_was_called_for_is_of_no_provider() -> None:
    unanswered = dataclasses.replace(RUN, answered_by=None, tried=())
    assert not fits(unanswered, parse("provider:lab"))
    assert fits(unanswered, parse("!provider:lab"))


def test_a_colon_in_a_word_that_is_no_field_is_text() -> None:
    assert parse("!http://x") == (Term("", "http://x", inverse=True),)


WORDS = st.sampled_from(["raft", "zebra", "!zebra", "provider:lab", "outcome:x", "!chain:default", "chain:", "!", "::", "!!"])


@given(st.lists(WORDS | st.text(max_size=8)), st.text(max_size=12))
def test_one_more_word_never_shows_more(words: list[str], more: str) -> None:
    before = " ".join(words)
    assert fits(RUN, parse(before)) or not fits(RUN, parse(f"{before} {more}"))


@given(st.sampled_from(["", "provider:", "outcome:", "chain:"]), st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True))
def test_a_word_and_its_inverse_share_the_requests_between_them(field: str, value: str) -> None:
    assert fits(RUN, parse(f"{field}{value}")) is not fits(RUN, parse(f"!{field}{value}"))


@pytest.mark.anyio
async def test_the_pane_narrows_as_is_typed_counts_and_escape_brings_all_back() -> None:
    feed = scenes.Still(scenes.board(scenes.switched(), scenes.below_bar(), scenes.exhausted()))
    app = Dashboard(feed, now=lambda: scenes.NOW, frame_seconds=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        main = app.main_screen
        assert main is not None
        await pilot.press("1", "slash", *"!outcome:running primes", "enter")
        await pilot.pause()
        assert main.situation.run is not None and main.situation.run.run_id == "61bc", "the newest that is listed is chosen"
        assert str(main.requests.border_subtitle) == "1 of 3"
        assert feed.chosen == "61bc", "its events are followed"
        second = "".join(segment.text for segment in main.query_one(AttemptsPane).query_one(Rows).render_line(2))
        assert "lab@gpu1" in second and "below bar" in second, "and its attempts are shown, not those of the request before"
        assert isinstance(main.focused, Rows), "enter goes back to the list and keeps the filter"

        feed.show(scenes.board(scenes.Tape("newer", "more primes", began=0.1), scenes.below_bar()))
        main.frame()
        assert str(main.requests.border_subtitle) == "1 of 2", "what comes is filtered too"

        await pilot.press("escape")
        await pilot.pause()
        assert str(main.requests.border_subtitle) == ""
        assert not feed.cancelled, "escape cleared the filter and nothing else"


@pytest.mark.anyio
async def test_where_nothing_fits_the_pane_says_so_and_nothing_is_chosen() -> None:
    app = Dashboard(scenes.Still(scenes.board(scenes.exhausted())), now=lambda: scenes.NOW, frame_seconds=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "slash", *"[/x]zebra")
        await pilot.pause()
        main = app.main_screen
        assert main is not None and main.situation.run is None
        line = main.requests.query_one(Rows).render_line(1)
        assert "no such requests" in "".join(segment.text for segment in line)


@pytest.mark.anyio
async def test_a_frame_that_brings_no_new_requests_does_not_filter_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(run: RunSummary, terms: tuple[Term, ...]) -> bool:
        asked.append(run.run_id)
        return fits(run, terms)

    monkeypatch.setattr("llmesc.dashboard.widgets.requests.fits", counted)
    board = scenes.board(scenes.switched(), scenes.exhausted())
    app = Dashboard(scenes.Still(board), now=lambda: scenes.NOW, frame_seconds=None)
    async with app.run_test() as pilot:
        await pilot.pause()
        asked.clear()
        pane = app.screen.query_one(RequestsPane)
        pane.show(dataclasses.replace(board, events_seen=1), follow=True)
        assert asked == []
