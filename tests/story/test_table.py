"""Tables: aligned for eyes, tab-separated for programs, harmless for both."""

from __future__ import annotations

import pytest

from llmesc.story.table import Cell, Column, aligned, tab_separated
from llmesc.story.width import cut, display_width

COLUMNS = (Column("name"), Column("count", right=True), Column("why"))


def test_a_column_that_says_nothing_is_left_out() -> None:
    table = aligned(COLUMNS, [("a", "", "x")], colour=False)

    assert table == "NAME  WHY\na     x\n"


def test_columns_are_as_wide_as_their_widest_cell_and_the_last_one_is_cut() -> None:
    rows = [("lab@gpu1", "3", "overloaded: " + "no workers " * 9), ("a", "12", "")]

    table = aligned(COLUMNS, rows, width=40, colour=False)

    assert table == (
        "NAME      COUNT  WHY\n"
        "lab@gpu1      3  overloaded: no workers…\n"
        "a            12\n"
    )  # fmt: skip
    assert max(map(len, table.splitlines())) <= 40


@pytest.mark.parametrize(
    ("width", "titles"),
    [(None, ["NAME", "A", "B", "WHY"]), (60, ["NAME", "A", "B", "WHY"]), (37, ["NAME", "A", "WHY"]), (24, ["NAME", "WHY"])],
)
def test_spare_columns_go_where_the_others_would_have_no_room(width: int | None, titles: list[str]) -> None:
    columns = (Column("name"), Column("a", spare=1), Column("b", spare=2), Column("why"))
    rows = [("a name", "x" * 11, "y" * 11, "because " * 9)]

    table = aligned(columns, rows, width=width, colour=False)

    assert table.splitlines()[0].split() == titles
    assert width is None or max(map(len, table.splitlines())) <= width


def test_wide_characters_take_two_columns() -> None:
    table = aligned((Column("a"), Column("b")), [("余额不足", "x"), ("ab", "y")], width=40, colour=False)

    assert table.splitlines()[1:] == ["余额不足  x", "ab        y"]


def test_programs_read_raw_values_whole_and_without_a_header() -> None:
    rows = [(Cell("● closed", "good", raw="closed"), "a\tb\nc", "x" * 500)]

    assert tab_separated(rows) == f"closed\ta b c\t{'x' * 500}\n"


def test_what_the_last_column_has_no_room_for_goes_on_below_it() -> None:
    rows = [("lab@gpu1", "3", Cell("overloaded: no workers are free, come back later", "bad")), ("a", "12", "ok")]

    table = aligned(COLUMNS, rows, width=40, wraps=True, colour=False)

    assert table == (
        "NAME      COUNT  WHY\n"
        "lab@gpu1      3  overloaded: no workers\n"
        "                 are free, come back\n"
        "                 later\n"
        "a            12  ok\n"
    )
    assert aligned(COLUMNS, rows, width=32, wraps=True, colour=False).count("\n") == 3, "too narrow: the terminal's own business"
    assert "\x1b[31mlater\x1b[0m\n" in aligned(COLUMNS, rows, width=40, wraps=True, colour=True)


def test_no_line_ends_with_spaces_that_a_narrow_terminal_would_put_on_a_line_of_their_own() -> None:
    table = aligned(COLUMNS, [("a", "1", Cell("x" * 100, "bad")), ("b", "2", Cell("y", "good"))], width=200, colour=True)

    assert table.splitlines()[0].endswith("\x1b[2mWHY\x1b[0m")
    assert table.splitlines()[2].endswith("\x1b[32my\x1b[0m")


@pytest.mark.parametrize("evil", ["\x1b]52;c;aGk=\x07", "\x1b[2J", "\x9b31m", "\r\x07", "\u202e"])
def test_no_cell_steers_the_terminal(evil: str) -> None:
    shown = aligned((Column("a"),), [(f"be{evil}fore",)], width=80, colour=False) + tab_separated([(f"be{evil}fore",)])

    assert not set("\x1b\x07\x9b\r\u202e") & set(shown)
    assert "fore" in shown


def test_colour_is_only_added_where_there_is_some() -> None:
    row = [(Cell("○ open", "bad"),)]

    assert "\x1b[31m○ open\x1b[0m" in aligned((Column("state"),), row, width=80, colour=True)
    assert "\x1b" not in aligned((Column("state"),), row, width=80, colour=False)


def test_cut_counts_columns_not_characters() -> None:
    assert cut("余额不足", 5) == "余额…"
    assert display_width("e\u0301") == 1
    assert cut("short", 5) == "short"


@pytest.mark.parametrize("width", [120, 100, 80, 60])
def test_a_table_that_is_too_wide_gives_from_the_last_column_then_from_the_widest_and_never_from_the_first(width: int) -> None:
    columns = tuple(map(Column, ("id", "started", "outcome", "answered by", "prompt")))
    row = ("261593110f16", "2026-11-22 22:19:24", "✗ nothing callable", "embedded/smollm2-135m", "What is Raft? " * 9)

    head, line = aligned(columns, [row], width=width, colour=False).splitlines()

    assert max(len(head), len(line)) <= max(width, 12 + 4 * (11 + 2))
    assert line.startswith("261593110f16")
    assert ("2026-11-22 22:19:24" in line) == (width >= 80)
