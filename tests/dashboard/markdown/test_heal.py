"""Half-written Markdown looks as it will when it is complete."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llmesc.dashboard.markdown.growing import GrowingMarkdown
from llmesc.dashboard.markdown.heal import healed_text, open_marks
from llmesc.dashboard.markdown.spans import line_text
from tests.dashboard.answers import DOCUMENT


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("plain", ""),
        ("**bold", "**"),
        ("**bold** and *more", "*"),
        ("**bold *both", "***"),
        ("***both", "***"),
        ("2 * 3 ** 4", ""),
        ("snake_case_name", ""),
        ("_so", "_"),
        ("`code", "`"),
        ("``a ` b", "``"),
        ("`a` b", ""),
        ("`**` c", ""),
        ("~~gone", "~~"),
        (r"\*no", ""),
        ("**", ""),
    ],
)
def test_what_is_open_at_the_end_of_a_paragraph(text: str, marks: str) -> None:
    assert open_marks(text) == marks


@pytest.mark.parametrize(
    ("text", "healed"),
    [
        ("**bold", "**bold**"),
        ("**bold ", "**bold**"),
        ("**bold *", "**bold**"),
        ("a **", "a "),
        ("a `b", "a `b`"),
        ("see [the paper](http://x", "see [the paper](http://x)"),
        ("see [the paper", "see [the paper"),
        ("done **a**", "done **a**"),
    ],
)
def test_a_paragraph_is_completed(text: str, healed: str) -> None:
    assert healed_text(text) == healed


def growing(text: str, step: int = 1) -> list[list[str]]:
    """The lines after each character."""
    one, frames = GrowingMarkdown(60), []
    for end in range(step, len(text) + 1, step):
        one.grow(text[:end], ended=False, allowance=1 << 30)
        frames.append([line_text(one[index]).rstrip() for index in range(len(one))])
    return frames


@pytest.mark.parametrize(
    "text",
    [
        "a **bold** word",
        "a `code` word",
        "a ~~gone~~ word",
        "| role | does |\n|:---|---:|\n| leader | leads |\n",
        "text\n\n```python\nx\n```\n",
        "text\n\n---\n\nmore",
        "text\n- item\n- item\n",
        "# title\n\ntext",
        "1. one\n2. two\n",
    ],
)
def test_no_delimiter_is_seen_while_it_is_written(text: str) -> None:
    for frame in growing(text):
        assert not set("".join(frame)) & set("*`~#|"), frame


def test_what_was_drawn_does_not_jump_while_more_comes() -> None:
    frames = growing(DOCUMENT)
    for before, after in pairwise(frames):
        assert len(after) >= len(before) - 1, (before, after)
        changed = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
        in_a_table = "│" in "".join(before[changed:])
        assert in_a_table or changed >= len(before) - 2, (before[changed:], after[changed:])
