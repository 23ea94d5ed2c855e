"""Where a new block certainly begins: told from the lines before, and never where more text could still change that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.dashboard.markdown.boundary import Seen
from llmesc.dashboard.markdown.parse import blocks, lines_of
from tests.dashboard.markdown.documents import ANYTHING, DOCUMENT


def boundaries(text: str) -> list[int]:
    """The lines before which a block certainly begins."""
    seen, found = Seen(), []
    for number, line in enumerate(text.split("\n")[:-1]):
        if number and seen.begins(line):
            found.append(number)
            seen = Seen()
        seen = seen.after(line)
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n\nb\n", [2]),
        ("a\nb\n", []),
        ("a\n# b\n", [1]),
        ("a\n```\nx\n\ny\n```\nb\n", [1, 6]),
        ("- a\n\nb\n", [2]),
        ("- a\n\n- b\n", []),
        ("- a\n\n  b\n", []),
        ("1. a\n   ```\n   x\n\n   y\n   ```\n\nb\n", [7]),
        ("text\n2. no item\n   ```\n   x\n\nb\n", []),
        ("  ```\nx\n\ny\n", []),
        ("> ```\n> x\n\ny\n", []),
        ("* * *\n  ```\n  x\n\ny\n", []),
    ],
)
def test_boundaries(text: str, found: list[int]) -> None:
    assert boundaries(text) == found


@settings(deadline=None, max_examples=400)
@given(DOCUMENT | ANYTHING, DOCUMENT | st.just(""))
def test_every_boundary_is_one_for_the_parser_whatever_follows(text: str, more: str) -> None:
    whole = f"{text}\n{more}\n".replace("\r", "")
    starts = {lines_of(node)[0] for node in blocks(whole).children}
    assert set(boundaries(whole)) <= starts
