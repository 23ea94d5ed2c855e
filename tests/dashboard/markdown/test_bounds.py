"""Blocks without an end: the work of a frame is bounded, nothing is lost, and the parts look like one block. Work is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from llmesc.dashboard.markdown.growing import LONGEST_PIECE, GrowingMarkdown
from llmesc.dashboard.markdown.spans import line_text

TIMES = 300


def lines(one: GrowingMarkdown) -> list[str]:
    return [line_text(one[index]).rstrip() for index in range(len(one))]


def whole(text: str, width: int = 60) -> list[str]:
    one = GrowingMarkdown(width)
    one.grow(text, ended=True, allowance=1 << 30)
    return lines(one)


ENDLESS: dict[str, Callable[[int], str]] = {
    "fence": lambda n: "```python\n" + "def f(a):\n    return a  # why\n\n" * n,
    "fence in a list": lambda n: "1. so:\n   ```python\n" + "   x = 'a'\n\n" * n,
    "indented code": lambda n: "    x = 1\n\n    y = 2\n" * n,
    "paragraph": lambda n: "Raft is a **consensus algorithm**, see `this` and [that](http://a.b/c). " * n,
    "paragraph of lines": lambda n: "Raft is a **consensus algorithm**\nsee `this`\n" * n,
    "bold without an end": lambda n: "**" + "word and " * n,
    "list": lambda n: "- one **item**\n  - and more\n" * n,
    "numbered list": lambda n: "".join(f"{number}. item\n" for number in range(1, n + 1)),
    "nested list": lambda n: "- a\n" + "  - nested **item**\n" * n,
    "item without an end": lambda n: "- " + "word " * n * 3,
    "quote": lambda n: "> one *line*\n> - item\n" * n,
    "table": lambda n: "| a | b |\n|---|--:|\n" + "| some **cell** | 1 |\n" * n,
    "table in a quote": lambda n: "> | a | b |\n> |---|--:|\n" + "> | some cell | 1 |\n" * n,
    "cell without an end": lambda n: "| a | b |\n|---|---|\n| " + "word " * n * 3,
    "heading": lambda n: "# " + "word " * n * 3,
    "word": lambda n: "x" * n * 30,
    "empty lines": lambda n: "a\n" + "\n" * n * 30 + "b",
    "empty lines in a list": lambda n: "- a\n" + "\n" * n * 30 + "- b",
    "brackets": lambda n: "[" * n * 20,
    "quotes in quotes": lambda n: ">" * n * 20,
    "tildes": lambda n: "~~~\n" + "~~\n" * n * 10,
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_no_frame_looks_at_more_than_a_part_of_it(kind: str) -> None:
    text = ENDLESS[kind](TIMES)
    one, step = GrowingMarkdown(60), 40
    for end in range(step, len(text) + step, step):
        before = one.parsed
        one.grow(text[:end], ended=False, allowance=1 << 30)
        # At worst a piece is looked for a cut, drawn up to it, and the rest of it drawn again as what is open.
        assert one.parsed - before <= 4 * LONGEST_PIECE
    before = one.parsed
    assert one.grow(text, ended=True, allowance=1 << 30) < LONGEST_PIECE
    assert one.parsed - before <= LONGEST_PIECE + 200, "only the open part is drawn again"


@pytest.mark.parametrize("kind", ENDLESS)
def test_all_of_it_is_looked_at_twice_or_thrice(kind: str) -> None:
    text = ENDLESS[kind](TIMES)
    one = GrowingMarkdown(60)
    one.grow(text, ended=True, allowance=1 << 30)
    assert one.parsed <= 3 * len(text) + LONGEST_PIECE


@pytest.mark.parametrize("kind", ENDLESS)
def test_every_letter_is_there(kind: str) -> None:
    text = ENDLESS[kind](TIMES)
    expected = Counter(re.findall(r"[a-z]", re.sub(r"```\w+", "", text)))
    assert Counter(re.findall(r"[a-z]", "".join(whole(text)))) == expected


@pytest.mark.parametrize("kind", ENDLESS)
def test_it_takes_no_more_at_a_time_than_it_is_allowed(kind: str) -> None:
    text = ENDLESS[kind](TIMES)
    one, taken = GrowingMarkdown(60), list[int]()
    while not taken or taken[-1] >= 500:
        taken.append(one.grow(text, ended=True, allowance=500))
    assert max(taken) <= 500 + LONGEST_PIECE
    assert lines(one) == whole(text)


def test_a_numbered_list_counts_on() -> None:
    assert whole(ENDLESS["numbered list"](900))[-1] == "900. item"
    assert whole("5. item with some words\n" * 900)[-1] == "904. item with some words"


def test_a_table_keeps_its_columns() -> None:
    drawn = whole(ENDLESS["table"](TIMES))
    assert set(drawn[2:]) == {"some cell │ 1"} and len(drawn) == TIMES + 2


def test_a_fence_has_one_bar_and_ends_where_it_ends() -> None:
    drawn = whole("```python\n" + "x = 1\n" * 2_000 + "```\n**after**")
    assert drawn[:-2] == ["│ x = 1"] * 2_000 and drawn[-2:] == ["", "after"]


def test_items_of_an_endless_nested_list_stay_where_they_are() -> None:
    assert set(whole(ENDLESS["nested list"](TIMES))[1:]) == {"  ◦ nested item"}


def test_bold_goes_on_over_a_cut() -> None:
    one = GrowingMarkdown(60)
    one.grow(ENDLESS["bold without an end"](TIMES), ended=False, allowance=1 << 30)
    assert not any("*" in line for line in lines(one)[-3:])
    assert all(span.look.strong for span in one[len(one) - 1])
