"""`llmesc dashboard` before the screen: what it needs, and what it is told wrongly."""

from __future__ import annotations

from typing import Any


def test_without_a_terminal_it_says_so_and_what_to_do_instead(llmesc: Any) -> None:
    done = llmesc("dashboard", terminals="out")
    assert (done.code, done.out) == (2, "")
    assert "needs a terminal; next: llmesc history list" in done.err


def test_a_theme_that_nobody_knows_is_named_with_the_nearest(llmesc: Any) -> None:
    done = llmesc("dashboard", "--theme", "textual-drak", terminals="in out err")
    assert done.code == 2
    assert "textual-dark" in done.err
