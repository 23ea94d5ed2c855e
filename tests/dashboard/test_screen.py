"""The main screen by its keys: what each does, and that one which cannot act says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.screens.confirm import Confirm
from llmesc.dashboard.screens.keys import Keys
from llmesc.dashboard.screens.main import MainScreen
from llmesc.dashboard.screens.reading import Reading
from llmesc.dashboard.widgets.attempts import AttemptsPane
from llmesc.dashboard.widgets.circuits import CircuitsPane
from llmesc.dashboard.widgets.flash import FlashLine
from llmesc.dashboard.widgets.rows import Rows
from llmesc.engine import Engine
from tests.dashboard import scenes

pytestmark = pytest.mark.anyio

CONFIG = """
[providers.lab]
api = "simulated"
tier = "local"
models = ["m"]
"""


@asynccontextmanager
async def shown(
    feed: Any, *, engine: Engine | None = None, size: tuple[int, int] = (120, 40), **settings: Any
) -> AsyncIterator[tuple[Pilot[Any], MainScreen]]:
    app = Dashboard(
        feed, now=lambda: scenes.NOW, engine=engine, settings=Settings(who="ann@web1", **settings), frame_seconds=None
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        main = app.main_screen
        assert main is not None
        yield pilot, main


async def commands_done(pilot: Pilot[Any]) -> None:
    # An empty list would mean all workers, and the feed never ends.
    if commands := [worker for worker in pilot.app.workers if worker.group == "commands"]:
        await pilot.app.workers.wait_for_complete(commands)


def three() -> scenes.Still:
    return scenes.Still(scenes.board(scenes.switched(), scenes.below_bar(), scenes.exhausted(), denials=scenes.denials()))


def flash(main: MainScreen) -> str:
    return str(main.query_one(FlashLine).render())


@pytest.fixture
async def engine(tmp_path: Any) -> AsyncIterator[Engine]:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    async with Engine.open(config_file=file, state="memory:") as made:
        yield made


async def test_the_newest_request_is_chosen_until_another_is_chosen_by_hand() -> None:
    feed = three()
    async with shown(feed) as (pilot, main):
        assert feed.chosen == "7f3a"
        await pilot.press("j")
        feed.show(scenes.board(scenes.Tape("newer", "hi", began=0.1), *(scenes.switched(), scenes.below_bar())))
        main.frame()
        await pilot.pause()
        assert main.situation.run is not None and main.situation.run.run_id == "61bc", "the cursor stays with its request"

        await pilot.press("f")
        assert main.situation.run.run_id == "newer"


@pytest.mark.parametrize(("key", "pane"), [("1", "requests"), ("2", "attempts"), ("4", "circuits"), ("5", "events")])
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
async def test_a_number_goes_to_its_pane(key: str, pane: str, size: tuple[int, int]) -> None:
    async with shown(three(), size=size) as (pilot, main):
        await pilot.press(key)
        await pilot.pause()
        assert main.situation.pane == pane
        assert main.query_one(f"#{pane}").size.area > 0, "it can be seen"
        assert main.focused is not None and pane in {node.id for node in main.focused.ancestors}


async def test_a_paused_picture_stands_still_while_the_feed_goes_on() -> None:
    feed = three()
    async with shown(feed) as (pilot, main):
        await pilot.press("space")
        feed.show(scenes.board(scenes.answered(), events_seen=7))
        main.frame()
        assert len(main.situation.board.runs) == 3
        await pilot.press("space")
        assert len(main.situation.board.runs) == 1


async def test_attempts_tell_outcome_and_cause_in_words() -> None:
    async with shown(three()) as (_, main):
        rows = main.query_one(AttemptsPane).query_one(Rows)
        lines = ["".join(segment.text for segment in rows.render_line(y)) for y in range(4)]
        assert "≈ below bar" in lines[1] and "embedded/smollm2-135m" in lines[1]
        assert "✗ error" in lines[2] and "lab@gpu1/qwen3-32b" in lines[2]
        assert "▶ running" in lines[3]


async def test_enter_on_an_event_shows_all_of_it() -> None:
    async with shown(three()) as (pilot, _):
        await pilot.press("5", "enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Reading)


async def test_the_level_decides_which_events_are_listed() -> None:
    async with shown(three()) as (pilot, main):
        await pilot.press("5")
        before = len(main.timeline.query_one(Rows)._keys)
        await pilot.press("l", "l")
        after = len(main.timeline.query_one(Rows)._keys)
        assert (main.timeline.least, after < before) == ("failure", True)


async def test_what_is_looked_for_in_the_events_narrows_the_list_and_escape_ends_it() -> None:
    async with shown(three()) as (pilot, main):
        await pilot.press("5", "slash", *"overloaded")
        await pilot.pause()
        narrowed = len(main.timeline.query_one(Rows)._keys)
        await pilot.press("escape")
        await pilot.pause()
        assert 0 < narrowed < len(main.timeline.query_one(Rows)._keys)


async def test_the_help_lists_every_key() -> None:
    async with shown(three()) as (pilot, _):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Keys)
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        lines = ["".join(segment.text for segment in strip) for strip in pilot.app.screen._compositor.render_strips()]
        (of_a_long_one,) = [number for number, line in enumerate(lines) if "Ask the same again" in line]
        column = lines[of_a_long_one].index("Ask the same again")
        assert lines[of_a_long_one + 1][column - 4 : column + 4].strip("│ ") == "anot", "it goes on below itself"


@pytest.mark.parametrize("key", ["R", "a", "r", "t", "d", "E"])
async def test_nothing_can_be_changed_in_a_replay_and_each_key_says_so(key: str) -> None:
    async with shown(three()) as (pilot, main):
        await pilot.press(key)
        assert "this is a replay" in flash(main)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (("left_square_bracket",), "only in a replay"),
        (("4", "r"), "is closed and has no failures"),
        (("4", "d"), "no attempt and no denied model is chosen"),
        (("v",), "it is still running"),
    ],
)
async def test_a_key_that_cannot_act_says_why(engine: Engine, keys: tuple[str, ...], why: str) -> None:
    async with shown(three(), engine=engine) as (pilot, main):
        await pilot.press(*keys)
        assert why in flash(main)


async def test_read_only_hides_what_would_change_something(engine: Engine) -> None:
    async with shown(three(), engine=engine, read_only=True) as (pilot, main):
        assert not {"circuit.reset", "ask", "model.deny"} & {binding.binding.id for binding in main.active_bindings.values()}
        await pilot.press("a")
        assert not main.prompt.display


async def test_reset_closes_the_circuit_that_is_stood_on(engine: Engine) -> None:
    (key,) = await engine.operations.match_circuits(["lab"])
    await engine.operations.force([key], "open", for_seconds=None, who="bob", why="drain")
    board = scenes.board(scenes.exhausted(), circuits=tuple(await engine.operations.circuits()))
    async with shown(scenes.Still(board), engine=engine) as (pilot, main):
        await pilot.press("4", "r")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Confirm), "bob's word would be lost"
        await pilot.press("y")
        await commands_done(pilot)
        assert "reset lab" in flash(main)

    assert [(line.state, line.circuit.override) for line in await engine.operations.circuits()] == [("closed", None)]


async def test_no_is_the_answer_of_every_other_key(engine: Engine) -> None:
    (key,) = await engine.operations.match_circuits(["lab"])
    await engine.operations.force([key], "open", for_seconds=None, who="bob")
    board = scenes.board(scenes.exhausted(), circuits=tuple(await engine.operations.circuits()))
    async with shown(scenes.Still(board), engine=engine) as (pilot, _):
        await pilot.press("4", "r", "n")
        await pilot.pause()

    assert [line.state for line in await engine.operations.circuits()] == ["open"]


async def test_a_circuit_is_tripped_for_as_long_and_for_the_reason_that_is_typed(engine: Engine) -> None:
    board = scenes.board(scenes.exhausted(), circuits=tuple(await engine.operations.circuits()))
    async with shown(scenes.Still(board), engine=engine) as (pilot, _):
        await pilot.press("4", "t")
        await pilot.pause()
        await pilot.press(*"soon", "enter")
        await pilot.press(*["backspace"] * 4, *"30m", "tab", *"driver", "enter")
        await commands_done(pilot)

    (line,) = await engine.operations.circuits()
    override = line.circuit.override
    assert override is not None and override.until is not None
    assert (override.state, override.why, override.who) == ("open", "driver", "ann@web1")
    assert override.until - override.set_at == pytest.approx(1800)


async def test_a_prompt_is_asked_and_remembered(engine: Engine) -> None:
    feed = three()
    async with shown(feed, engine=engine) as (pilot, main):
        await pilot.press("a", *"hi", "ctrl+j", *"there", "enter")
        await pilot.pause()
        assert [(request.prompt, options.command) for request, options in feed.asked] == [("hi\nthere", "dashboard")]
        assert main.prompt.text == ""
        await pilot.press("up")
        assert main.prompt.text == "hi\nthere"


async def test_a_request_is_asked_again_from_the_candidate_that_is_picked(engine: Engine) -> None:
    feed = three()
    async with shown(feed, engine=engine) as (pilot, _):
        await pilot.press("R")
        await pilot.pause()
        await pilot.press(*"from lab/m", "enter")
        await commands_done(pilot)

    assert [(request.prompt, options.model) for request, options in feed.asked] == [("Explain Raft to a new operator", "lab/m")]


async def test_escape_cancels_an_own_request_only(engine: Engine) -> None:
    feed = scenes.Still(scenes.board(scenes.switched(), own=frozenset({"7f3a"})))
    async with shown(feed, engine=engine) as (pilot, main):
        await pilot.press("escape")
        assert feed.cancelled == ["7f3a"]
        feed.show(scenes.board(scenes.switched()))
        main.frame()
        await pilot.press("escape")
        assert (feed.cancelled, "cancel it there" in flash(main)) == (["7f3a"], True)


HOSTILE = "[/x] [bold]\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202egnp.exe\u200b" + "w" * 100_000


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
async def test_text_from_outside_is_only_ever_text(size: tuple[int, int]) -> None:
    tape = scenes.Tape("evil", HOSTILE, began=3).call(scenes.EMBEDDED, scenes.Move.PRIMARY).write(HOSTILE[:2_000], size=7)
    failure = scenes.Failure(kind=scenes.FailureKind.OVERLOADED, rule="status.503", message=HOSTILE, status=503)
    tape.fails(failure).opened(scenes.EMBEDDED, failure, 10)
    board = scenes.board(tape, store=scenes.StoreState(place=HOSTILE))
    async with shown(scenes.Still(board), size=size) as (pilot, main):
        main.say(HOSTILE, "bad")
        for key in ("1", "2", "3", "4", "5", "enter"):
            await pilot.press(key)
        await pilot.pause()
        strips = pilot.app.screen._compositor.render_strips()
        drawn = "".join(segment.text for strip in strips for segment in strip)
        assert not set(drawn) & set("\x1b\x07\x9b\u202e"), "no control character reaches the terminal"


@pytest.mark.parametrize("key", ["1", "2", "4", "5"])
async def test_a_narrow_terminal_shows_one_pane_at_a_time(key: str) -> None:
    async with shown(three(), size=(60, 20)) as (pilot, main):
        await pilot.press(key)
        await pilot.pause()
        seen = [pane for pane in ("requests", "attempts", "answer", "circuits", "events") if main.query_one(f"#{pane}").display]
        assert seen == [main.situation.pane]


async def test_the_circuits_pane_tells_the_whole_story_of_the_one_that_is_stood_on() -> None:
    async with shown(three()) as (pilot, main):
        await pilot.press("4", "j", "j")
        await pilot.pause()
        about = str(main.query_one(CircuitsPane).query_one("#about").render())
        assert "forced open by ann@web1" in about and "new GPU driver" in about
