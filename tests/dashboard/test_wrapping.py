"""Growing text as lines: in whatever pieces it comes, they are those of the whole, none too wide, none that steers a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.dashboard.markdown.spans import line_text
from llmesc.dashboard.wrapping import LONGEST_PARAGRAPH, Wrapped, wrapped
from llmesc.story.width import display_width

TEXT = st.text(st.sampled_from("ab c\n\t界é-\x1b[2J\x07"), max_size=400)


ALL = 1 << 30


def lines(one: Wrapped) -> list[str]:
    return [line_text(one[index]) for index in range(len(one))]


@given(TEXT, st.lists(st.integers(0, 400), max_size=8), st.integers(2, 60))
def test_in_whatever_pieces_it_comes_the_lines_are_those_of_the_whole(text: str, cuts: list[int], width: int) -> None:
    grown, whole = Wrapped(width), Wrapped(width)
    for cut in sorted(cuts):
        grown.grow(text[:cut], ended=False, allowance=ALL)
    grown.grow(text, ended=False, allowance=ALL)
    whole.grow(text, ended=False, allowance=ALL)
    assert lines(grown) == lines(whole)


@given(TEXT, st.integers(2, 60))
def test_no_line_is_wider_than_the_pane_and_none_holds_a_control_character(text: str, width: int) -> None:
    one = Wrapped(width)
    one.grow(text, ended=False, allowance=ALL)
    for line in lines(one):
        assert display_width(line) <= width
        assert not set(line) & set("\x1b\x07\n\r")


@given(TEXT, st.integers(2, 60))
def test_nothing_that_can_be_seen_is_lost(text: str, width: int) -> None:
    plain = text.replace("\x1b", "").replace("\x07", "")
    one = Wrapped(width)
    one.grow(plain, ended=False, allowance=ALL)
    assert "".join("".join(lines(one)).split()) == "".join(plain.split())


@pytest.mark.parametrize(
    ("paragraph", "width", "expected"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("one two three", 8, ["one two", "three"]),
        ("    indented code", 30, ["    indented code"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("界界界 界", 4, ["界界", "界", "界"]),
    ],
)
def test_a_paragraph_is_broken_between_words(paragraph: str, width: int, expected: list[str]) -> None:
    assert wrapped(paragraph, width) == expected


def test_a_line_without_an_end_is_settled_in_parts() -> None:
    one = Wrapped(80)
    one.grow("x" * (LONGEST_PARAGRAPH * 3 + 5), ended=False, allowance=ALL)
    assert sum(map(len, lines(one))) == LONGEST_PARAGRAPH * 3 + 5
    assert len(one._tail) == 1, "only the open part is wrapped again"
