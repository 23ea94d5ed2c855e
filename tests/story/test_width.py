"""Text on a terminal: how many columns it takes, and what is left of it where there are fewer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.story.width import cut, display_width, wrapped


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("naïve", 5), ("nai\u0308ve", 5), ("漢字", 4), ("a漢", 3), ("→ ✓", 3)]
)
def test_the_columns_of_a_text(text: str, columns: int) -> None:
    assert display_width(text) == columns


@pytest.mark.parametrize(
    ("text", "width", "left"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("漢字漢", 5, "漢字…"),
        ("漢字漢", 4, "漢…"),
        ("nai\u0308ves", 4, "nai\u0308…"),
    ],
)
def test_a_text_that_is_too_wide_is_cut(text: str, width: int, left: str) -> None:
    assert cut(text, width) == left


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_fits_and_is_the_longest_beginning_that_does(text: str, width: int) -> None:
    left = cut(text, width)

    assert display_width(left) <= width
    if left != text:
        kept = left.removesuffix("…")
        assert text.startswith(kept)
        assert display_width(text[: len(kept) + 1]) > width - 1


@given(st.text(), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrapped(text, width)

    assert all(display_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
