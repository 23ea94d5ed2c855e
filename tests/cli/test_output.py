"""Standard output: flushed, exact, and quiet about a reader that left."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from llmesc.cli.output import CannotWrite, Output, ReaderGone
from llmesc.cli.streams import Streams

MakeStreams = Callable[..., Streams]


def test_a_reader_that_left_is_an_error_of_its_own_and_the_rest_goes_nowhere(streams: MakeStreams) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as pipe:
        out = Output(replace(streams(), stdout=pipe))

        with pytest.raises(ReaderGone):
            out.write("nobody reads this")

        pipe.write("what the interpreter still flushes on its way out")
        pipe.flush()


def test_a_full_disk_is_told_as_such(streams: MakeStreams) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CannotWrite, match="standard output: No space left on device"):
        Output(replace(streams(), stdout=Full())).write("x")


def test_json_is_one_line_for_programs_and_cannot_steer_a_terminal(streams: MakeStreams) -> None:
    value = {"text": "é \x1b[2J \x9b31m \u202e"}
    pipe, terminal = streams(), streams(terminals="out")

    Output(pipe).json(value)
    Output(terminal).json(value)

    assert isinstance(pipe.stdout, io.StringIO)
    assert isinstance(terminal.stdout, io.StringIO)
    assert pipe.stdout.getvalue().count("\n") == 1
    assert "é" in pipe.stdout.getvalue()
    assert terminal.stdout.getvalue().isascii()
    assert "\x1b" not in terminal.stdout.getvalue()
    assert json.loads(pipe.stdout.getvalue()) == json.loads(terminal.stdout.getvalue()) == value


@pytest.mark.anyio
async def test_a_reader_that_does_not_read_does_not_hold_up_the_event_loop(streams: MakeStreams) -> None:
    import asyncio

    reader, writer = os.pipe()
    with open(writer, "w") as pipe, open(reader, "rb", buffering=0) as slow:
        out = Output(replace(streams(), stdout=pipe))
        filling = asyncio.create_task(out.put("x" * 1_000_000))
        await asyncio.sleep(0)
        assert not filling.done()
        read = 0
        while read < 1_000_000:
            read += len(await asyncio.to_thread(slow.read, 65_536))
        await filling

    assert read == 1_000_000


@pytest.mark.parametrize(
    ("environ", "colour", "moves"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_what_the_environment_says_about_a_terminal(
    environ: dict[str, str], colour: bool, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Terminal())

    found = Streams.of_process(environ)

    assert (found.stdout_colour, found.stderr_colour, found.moves_cursor) == (colour, colour, moves)
    assert not found.without_colour().stdout_colour


def test_closed_standard_streams_are_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    found = Streams.of_process({})
    Output(found).write("into the void")

    assert found.stdin.read() == b""
    assert not found.stdin_is_terminal
