"""The answer pane by its keys: Markdown or plain, folded or open, followed or scrolled."""

from __future__ import annotations

import pytest

from llmesc.dashboard.replay import Replay
from llmesc.dashboard.screens.main import MainScreen
from llmesc.dashboard.widgets.answer import FRAME_CHARACTERS, AnswerText
from tests.dashboard import answers, scenes
from tests.dashboard.test_screen import flash, shown

pytestmark = pytest.mark.anyio


def text_of(main: MainScreen) -> AnswerText:
    return main.query_one(AnswerText)


def seen(main: MainScreen) -> list[str]:
    pane = text_of(main)
    return ["".join(segment.text for segment in pane.render_line(y)).rstrip() for y in range(pane.size.height)]


def still(tape: scenes.Tape) -> scenes.Still:
    return scenes.Still(scenes.board(tape))


def long(lines: int) -> scenes.Tape:
    tape = scenes.Tape("long", "hi", began=9).call(scenes.CLAUDE, scenes.Move.PRIMARY)
    return tape.write("".join(f"line **{number}**\n\n" for number in range(lines)), size=500)


async def test_m_shows_the_answer_as_it_was_written_and_m_again_as_markdown() -> None:
    async with shown(still(answers.discarded())) as (pilot, main):
        assert "Raft is a consensus algorithm." in seen(main)
        await pilot.press("m")
        assert "Raft is a **consensus algorithm**." in seen(main)
        assert (main.answer.border_subtitle, "as it was written" in flash(main)) == ("plain", True)
        await pilot.press("m")
        assert "Raft is a consensus algorithm." in seen(main) and main.answer.border_subtitle == ""


async def test_what_is_copied_is_what_was_written() -> None:
    async with shown(still(answers.markdown())) as (pilot, main):
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard == answers.DOCUMENT
        assert main.answer.answer_text() == answers.DOCUMENT


async def test_o_opens_thinking_and_tools_and_a_click_one_of_them() -> None:
    async with shown(still(answers.tools())) as (pilot, main):
        assert "▸ thinking · 88 characters" in seen(main)
        await pilot.press("o")
        assert "▾ thinking · 88 characters" in seen(main) and "  → no such station" in seen(main)
        await pilot.press("o")
        await pilot.click(AnswerText, offset=(4, 1))
        lines = seen(main)
        assert lines[1] == "▾ thinking · 88 characters" and "  → no such station" not in lines


async def test_what_was_opened_stays_open_in_the_other_format() -> None:
    async with shown(still(answers.tools())) as (pilot, main):
        await pilot.click(AnswerText, offset=(4, 1))
        await pilot.press("m")
        assert seen(main)[1] == "▾ thinking · 88 characters"


async def test_the_end_is_followed_until_it_is_scrolled_up_and_again_from_the_end_on() -> None:
    feed = still(long(60))
    async with shown(feed) as (pilot, main):
        await pilot.press("3")
        await pilot.pause()
        assert "line 59" in seen(main)
        await pilot.press("k")
        await pilot.pause()
        assert main.answer.border_subtitle == "scrolled; end follows"
        feed.show(scenes.board(long(80)))
        main.frame()
        await pilot.pause()
        assert not any("line 79" in line for line in seen(main))
        await pilot.press("end")
        await pilot.pause()
        assert "line 79" in seen(main) and main.answer.border_subtitle == ""
        feed.show(scenes.board(long(90)))
        main.frame()
        await pilot.pause()
        assert "line 89" in seen(main)


async def test_a_long_answer_is_drawn_in_parts_and_all_of_it_in_the_end() -> None:
    tape = long(2_000)
    assert len(tape.view.attempts[0].shown) > 3 * FRAME_CHARACTERS
    async with shown(still(tape)) as (pilot, main):
        for width in (120, 90, 120):
            await pilot.resize_terminal(width, 40)
            while not text_of(main).all_drawn:
                await pilot.pause(0.01)
            assert "line 1999" in seen(main)
            assert text_of(main).virtual_size.height == 2 * 2_000


@pytest.mark.parametrize(("key", "pane"), [("1", "requests"), ("2", "attempts"), ("3", "answer"), ("5", "events")])
async def test_z_shows_a_pane_alone_and_all_of_them_again(key: str, pane: str) -> None:
    async with shown(still(answers.markdown())) as (pilot, main):
        await pilot.press(key, "z")
        await pilot.pause()
        assert main.maximized is not None and main.maximized.id == pane
        assert main.query_one(f"#{pane}").size.width >= 110
        await pilot.press("z")
        assert main.maximized is None


async def test_a_replay_that_goes_back_shows_less() -> None:
    replay = Replay(scenes.answered().events)
    replay.playing = False
    async with shown(replay) as (pilot, main):
        replay.seek(replay.length_ms)
        main.frame()
        await pilot.pause()
        assert any("every committed entry" in line for line in seen(main))
        replay.seek(1_500.0)
        main.frame()
        await pilot.pause()
        lines = "\n".join(seen(main))
        assert "every committed entry" not in lines and "Raft is a consensus" in lines


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "nord"])
async def test_every_look_has_a_style_in_every_theme(theme: str) -> None:
    async with shown(still(answers.markdown()), size=(160, 80), theme=theme) as (_, main):
        pane = text_of(main)
        code = [segment.style for y in range(pane.size.height) for segment in pane.render_line(y) if "raft_term" in segment.text]
        assert code and all(style is not None and style.color is not None for style in code)


async def test_the_text_follows_the_theme_when_that_changes() -> None:
    async with shown(still(answers.markdown()), theme="textual-dark") as (pilot, main):
        before = text_of(main).render_line(1)
        pilot.app.theme = "textual-light"
        await pilot.pause()
        assert text_of(main).render_line(1) != before
