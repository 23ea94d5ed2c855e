"""The README's picture shows what the command line really says."""

from __future__ import annotations

from tests.cli.picture import PICTURE, draw, words


def test_the_picture_says_what_a_terminal_says_today() -> None:
    """Words, not pixels: another version of Rich draws the same story otherwise. `python -m tests.cli.picture` draws it anew."""
    assert words(PICTURE.read_text()) == words(draw())
