"""Pieces of Markdown as lines: what a reader sees of each kind of block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.dashboard.markdown.render import render
from llmesc.dashboard.markdown.spans import Look, Span, line_text
from llmesc.dashboard.markdown.table import NARROWEST, fitted


def seen(source: str, width: int = 30) -> list[str]:
    return [line_text(line).rstrip() for line in render(source, width)[1:]]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("# One\n## Two\n### Three", ["One", "", "Two", "", "Three"]),
        ("one\ntwo", ["one two"]),
        ("one  \ntwo", ["one", "two"]),
        ("a\n\n\n\nb", ["a", "", "b"]),
        ("- a\n- b\n\n- c", ["• a", "• b", "", "• c"]),
        ("- a\n  - b\n    - c\n      - d", ["• a", "  ◦ b", "    ▪ c", "      ▪ d"]),
        ("9. a\n9. b", ["9. a", "10. b"]),
        ("3) a", ["3) a"]),
        ("- one two three four five six seven", ["• one two three four five six", "  seven"]),
        ("> a\n> b\n>\n> - c", ["▌ a b", "▌", "▌ • c"]),
        ("---", ["─" * 30]),
        ("```\nx = 1\n\n  y\n```", ["│ x = 1", "│", "│   y"]),
        ("```python\nx\n", ["│ x"]),
        ("    x\n\n    y", ["│ x", "│", "│ y"]),
        ("- a\n  ```\n  x\n  ```", ["• a", "  │ x"]),
        ("|a|b|\n|-|-:|\n|1|22|\n|333|4|", ["a   │  b", "────┼───", "1   │ 22", "333 │  4"]),
        ("[text](http://a.b/c)", ["text (http://a.b/c)"]),
        ("<http://a.b/c>", ["http://a.b/c"]),
        ("[http://good.example](http://bad.example)", ["http://good.example", "(http://bad.example)"]),
        ("![a cat](http://a.b/c.png)", ["[image: a cat]", "(http://a.b/c.png)"]),
        ("[x]: http://a.b\n\n[x]", ["[x]: http://a.b", "", "[x]"]),
        ("<b>no</b>", ["<b>no</b>"]),
        ("[text](javascript:alert(1))", ["[text](javascript:alert(1))"]),
        ("a & b &amp; c &lt;", ["a & b & c <"]),
    ],
)
def test_what_is_seen_of_a_block(source: str, lines: list[str]) -> None:
    assert seen(source) == lines


@pytest.mark.parametrize(
    ("source", "look"),
    [
        ("**a**", Look(strong=True)),
        ("*a*", Look(emphasis=True)),
        ("***a***", Look(strong=True, emphasis=True)),
        ("~~a~~", Look(struck=True)),
        ("`a`", Look("inline")),
        ("# a", Look("title", strong=True)),
        ("[a](http://b)", Look("link")),
        ("> a", Look("quote")),
    ],
)
def test_what_is_stressed_is_known(source: str, look: Look) -> None:
    assert Span("a", look) in render(source, 40)[1]


def test_code_is_coloured_where_its_language_is_known() -> None:
    roles = {span.text.strip(): span.look.role for span in render('```python\ndef f(): return "x"  # why\n```', 60)[1]}
    assert (roles["def"], roles["f"], roles['"x"'], roles["# why"]) == ("keyword", "name", "string", "comment")
    assert {span.look.role for span in render("```nosuch\ndef f()\n```", 60)[1]} == {"marker", "code"}


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]52;c;aGk=\x07",
        "a\x1b[2Jb",
        "a\x9b31mb",
        "a\u202egnp.exe",
        "a\u200bb\u2060c\u00add",
        "&#27;[2J &#x1b; &#155; &#x202e; &#x200b; &ZeroWidthSpace; &#xfdd0;",
        "[a\x1b[2J](http://b/\u202e&#x202e;)",
        "```\x1b[2J\n\x1b]0;t\x07\u202e\t\r\n```",
        "| a\x1b[2J | \u202e |\n|---|---|\n| &#x202e; | \x9b |",
        "a\rb\u2028c\u2029d\x0ce\x85f\x00g",
        "[/x] [bold] {red} [link=http://x]y[/link]",
        "![\x1b[2J&#x202e;](http://x/&#x202e;)",
        "<http://x/\u202e>",
    ],
)
def test_nothing_that_comes_from_a_model_steers_the_terminal(hostile: str) -> None:
    from llmesc.dashboard.markdown.growing import GrowingMarkdown

    one = GrowingMarkdown(40)
    one.grow(hostile, ended=True, allowance=1 << 30)
    text = "".join(line_text(one[index]) for index in range(len(one)))
    assert all(char.isprintable() for char in text), "no control, no format and no separator character is left"


def test_markup_of_another_kind_is_text() -> None:
    assert seen("[/x] [bold]") == ["[/x] [bold]"]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.integers(1, 200))
def test_columns_fit_or_are_given_up(wanted: list[int], room: int) -> None:
    widths = fitted(wanted, room)
    if widths is None:
        assert room < sum(wanted) and room < NARROWEST * len(wanted), "only where there is no room"
    else:
        assert sum(widths) <= room
        assert all(width == asked or width >= NARROWEST for width, asked in zip(widths, wanted, strict=True))
        assert min(widths) >= 1


def test_a_table_with_more_columns_than_there_is_room_for_is_a_list_of_cells() -> None:
    many = 12
    row = "|".join(["", *(f"cell{number}" for number in range(many)), ""])
    lines = seen(f"{row}\n{'|---' * many}|\n{row}", 40)
    assert lines[:2] == ["cell0: cell0", "cell1: cell1"]


def test_a_table_of_a_thousand_columns_is_left_as_text() -> None:
    assert len(render("|a" * 1_000 + "\n" + "|-" * 1_000 + "|\n" + "|\n" * 300, 80)) < 300
