"""Markdown that grows: in whatever pieces it comes, and wherever it is cut, its lines are those of the whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from llmesc.dashboard.markdown.growing import LONGEST_PIECE, GrowingMarkdown
from llmesc.dashboard.markdown.render import render
from llmesc.dashboard.markdown.spans import Line, line_text
from llmesc.dashboard.markdown.visible import cleaned
from tests.dashboard.markdown.documents import ANYTHING, DOCUMENT, LISTS

ALL = 1 << 30


def grown(text: str, cuts: list[int] = [], *, width: int = 40, longest: int = LONGEST_PIECE) -> list[Line]:  # noqa: B006 - read only
    one = GrowingMarkdown(width, longest=longest)
    for cut in sorted(cuts):
        one.grow(text[:cut], ended=False, allowance=ALL)
    one.grow(text, ended=True, allowance=ALL)
    return [one[index] for index in range(len(one))]


def whole(text: str, width: int = 40) -> list[Line]:
    return render("\n".join(map(cleaned, text.split("\n"))), width)[1:]


@settings(deadline=None)
@given(DOCUMENT | ANYTHING, st.lists(st.integers(0, 600), max_size=8), st.integers(2, 60))
def test_in_whatever_pieces_it_comes_the_lines_are_those_of_the_whole(text: str, cuts: list[int], width: int) -> None:
    assert grown(text, cuts, width=width, longest=120) == grown(text, width=width, longest=120)


@settings(deadline=None)
@given(DOCUMENT, st.integers(20, 60))
def test_blocks_that_are_settled_one_by_one_look_as_if_they_were_drawn_together(text: str, width: int) -> None:
    assert grown(text, width=width) == whole(text, width)


@settings(deadline=None, max_examples=300)
@given(LISTS, st.integers(20, 60))
def test_a_list_that_is_cut_between_its_items_looks_as_if_it_was_not(text: str, width: int) -> None:
    assert grown(text, width=width, longest=400) == whole(text, width)


@settings(deadline=None)
@given(DOCUMENT | ANYTHING, st.integers(2, 60), st.sampled_from([60, 120, LONGEST_PIECE]))
def test_no_line_is_wider_than_the_pane_and_none_steers_the_terminal(text: str, width: int, longest: int) -> None:
    for line in grown(text, width=width, longest=longest):
        assert cell_len(line_text(line)) <= width
        assert not set(line_text(line)) & set("\x1b\x07\n\r\t\u202e\u200b\ufdd0")
