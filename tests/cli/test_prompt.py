"""The prompt is joined from all that was given, or refused with a clear line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from llmesc.cli.bad_input import BadInput
from llmesc.cli.prompt import MAX_BYTES, gather
from llmesc.cli.streams import Streams

MakeStreams = Callable[..., Streams]


def never() -> None:
    raise AssertionError("nobody waits here")


def test_piped_input_files_and_the_argument_are_joined_in_this_order(streams: MakeStreams, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("from a file\n")

    prompt = gather("the question", [file], streams(b"piped\n\n"), never)

    assert prompt == "piped\n\nfrom a file\n\nthe question"


@pytest.mark.parametrize(
    ("argument", "stdin", "terminals", "expected"),
    [
        ("hi", b"", "in", "hi"),
        ("hi", b"", "", "hi"),
        (None, b"piped", "", "piped"),
        ("-", b"piped", "", "piped"),
        ("-", b"typed", "in", "typed"),
        ("hi", b"typed", "in", "hi"),
        ("  code\n    indented", b"", "in", "  code\n    indented"),
        (None, b"\xef\xbb\xbfwith a mark", "", "with a mark"),
        ("caf\udcc3\udca9", b"", "in", "caf\u00e9"),  # as a process whose locale is not UTF-8 gets it
    ],
)
def test_what_the_prompt_is(argument: str | None, stdin: bytes, terminals: str, expected: str, streams: MakeStreams) -> None:
    assert gather(argument, [], streams(stdin, terminals=terminals), never) == expected


def test_a_file_called_dash_is_standard_input(streams: MakeStreams) -> None:
    assert gather("q", [Path("-")], streams(b"typed", terminals="in"), never) == "typed\n\nq"


@pytest.mark.parametrize(
    ("argument", "stdin", "terminals", "message"),
    [
        (None, b"", "in", "no prompt"),
        ("", b"", "in", "the prompt is empty"),
        (" \n", b"", "in", "the prompt is empty"),
        (None, b" \n ", "", "the prompt is empty"),
        (None, b"caf\xe9", "", "standard input: not UTF-8 at byte 3"),
        (None, b"\x7fELF\x00\x01", "", "standard input: binary, not text"),
        ("caf\udce9", b"", "in", "the prompt is not UTF-8"),
    ],
)
def test_what_cannot_be_a_prompt_is_refused(
    argument: str | None, stdin: bytes, terminals: str, message: str, streams: MakeStreams
) -> None:
    with pytest.raises(BadInput) as refused:
        gather(argument, [], streams(stdin, terminals=terminals), never)

    assert str(refused.value) == message


def test_missing_files_and_directories_are_named(streams: MakeStreams, tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "gone.txt", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(BadInput) as refused:
            gather("q", [path], streams(terminals="in"), never)
        assert str(refused.value) == f"{path}: {reason}"


class Endless:
    """Standard input that never ends, and counts what is taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    def fileno(self) -> int:
        raise OSError("no file behind it")

    closed = False

    def read(self, size: int) -> bytes:
        self.taken += size
        return b"x" * size


def test_too_much_input_is_refused_without_reading_all_of_it(streams: MakeStreams) -> None:
    from dataclasses import replace

    endless = Endless()

    with pytest.raises(BadInput, match="standard input: the prompt is larger than 10 MB"):
        gather(None, [], replace(streams(), stdin=endless), never)

    assert endless.taken == MAX_BYTES + 1


def test_the_limit_holds_for_all_parts_together(streams: MakeStreams, tmp_path: Path) -> None:
    half = tmp_path / "half.txt"
    half.write_bytes(b"x" * (MAX_BYTES // 2 + 1))

    with pytest.raises(BadInput, match="larger than 10 MB"):
        gather(None, [half, half], streams(terminals="in"), never)


def test_the_null_device_is_no_input(streams: MakeStreams) -> None:
    from dataclasses import replace

    with open(os.devnull, "rb") as nothing:
        given = replace(streams(), stdin=nothing)
        assert gather("hi", [], given, never) == "hi"
        with pytest.raises(BadInput, match="no prompt"):
            gather(None, [], given, never)


def test_silent_input_is_announced_before_it_is_waited_for(streams: MakeStreams, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr("llmesc.cli.prompt.PATIENCE_SECONDS", 0.0)
    reader, writer = os.pipe()

    def answer() -> None:
        os.write(writer, b"late")
        os.close(writer)

    with open(reader, "rb") as late:
        assert gather(None, [], replace(streams(), stdin=late), answer) == "late"
