"""Puts the tables where the README has its markers."""

from __future__ import annotations

from tests.benchmarks.beside.drive import ROOT

BEGIN, END = "<!-- beside -->", "<!-- /beside -->"


def put(tables: str) -> None:
    """Replaces what stands between the markers of README.md."""
    file = ROOT / "README.md"
    file.write_text(between(file.read_text(), tables))


def between(text: str, tables: str) -> str:
    """The text with new tables in it. Raises ValueError where a marker is missing."""
    before, rest = text[: text.index(BEGIN)], text[text.index(END) :]
    return f"{before}{BEGIN}\n{tables}\n{rest}"
