"""Standard error: the story, a status line that leaves no trace, and silence where it is wanted."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from llmesc.cli.narrate import Narrator
from llmesc.cli.streams import Streams

MakeStreams = Callable[..., Streams]


def narrator(made: Streams, clock: Callable[[], float] = lambda: 0.0) -> tuple[Narrator, io.StringIO]:
    assert isinstance(made.stderr, io.StringIO)
    return Narrator(made, clock), made.stderr


def screen(written: str) -> list[str]:
    """The lines that a terminal shows after `written`."""
    lines = []
    for line in written.split("\n"):
        shown = ""
        for part in line.replace("\x1b[2K", "").split("\r"):
            shown = part
        lines.append(shown)
    return lines


def test_the_status_line_tells_the_time_and_is_gone_before_a_line_is_said(streams: MakeStreams) -> None:
    times = iter([10.0, 10.0, 11.2])
    err, written = narrator(streams(terminals="err"), lambda: next(times))

    err.status("calling lab@gpu1/qwen")
    assert written.getvalue().endswith("calling lab@gpu1/qwen · 0.0 s")
    err.tick()
    assert written.getvalue().endswith("calling lab@gpu1/qwen · 1.2 s")
    err.say("said")

    assert screen(written.getvalue()) == ["said", ""]


def test_without_a_status_nothing_is_left_on_the_line(streams: MakeStreams) -> None:
    err, written = narrator(streams(terminals="err"))

    err.status("calling")
    err.no_status()
    err.tick()

    assert written.getvalue().endswith("\r\x1b[2K")


def test_a_status_line_is_never_wider_than_the_terminal(streams: MakeStreams) -> None:
    err, written = narrator(streams(terminals="err", width=20))

    err.status("calling a-provider@an-instance/a-model-of-a-long-name")

    assert len(written.getvalue().removeprefix("\r\x1b[2K")) == 19


@pytest.mark.parametrize("where", ["pipe", "dumb", "quiet"])
def test_there_is_no_status_line_off_a_terminal_on_a_dumb_one_and_in_quiet(where: str, streams: MakeStreams) -> None:
    made = streams(terminals="" if where == "pipe" else "err")
    err, written = narrator(replace(made, moves_cursor=False) if where == "dumb" else made)
    if where == "quiet":
        err.keep_quiet()

    err.status("calling")
    err.tick()

    assert written.getvalue() == ""


def test_a_quiet_story_is_told_only_when_something_fails(streams: MakeStreams) -> None:
    err, written = narrator(streams())
    err.keep_quiet()

    err.say("first")
    assert written.getvalue() == ""
    err.speak()
    err.say("second")

    assert written.getvalue() == "first\nsecond\n"


def test_a_reader_that_left_takes_only_the_story_with_it(streams: MakeStreams) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    err = Narrator(replace(streams(), stderr=Gone()))

    err.say("nobody hears this")


def test_colour_goes_only_where_it_is_wanted(streams: MakeStreams) -> None:
    plain, written = narrator(streams(terminals="err"))
    plain.say("error: x", "bad")
    coloured, also_written = narrator(streams(terminals="err", colour=True))
    coloured.say("error: x", "bad")

    assert written.getvalue() == "error: x\n"
    assert also_written.getvalue() == "\x1b[31merror: x\x1b[0m\n"


FETCHING = [("fetching", 0.0), ("fetching", 0.0), ("fetching", 0.4), ("fetching", 0.99), ("fetched", 1.0)]


def test_long_work_is_told_off_a_terminal_once_where_it_begins_and_once_where_it_ends(streams: MakeStreams) -> None:
    err, written = narrator(streams())

    for text, part in FETCHING:
        err.progress(text, part)

    assert written.getvalue() == "fetching\nfetched\n"


def test_long_work_shows_on_a_terminal_how_much_is_done_and_leaves_one_line(streams: MakeStreams) -> None:
    err, written = narrator(streams(terminals="err"))

    for text, part in FETCHING:
        err.progress(text, part)

    assert "fetching · 40% · 0.0 s" in written.getvalue()
    assert screen(written.getvalue()) == ["fetched", ""]
