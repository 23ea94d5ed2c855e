"""Half-written Markdown, completed as it will most likely go on: the screen shows the emphasis, not its asterisks. Pure."""

from __future__ import annotations

import re

_TOKENS = re.compile(r"\\.|`+|\*+|_+|~~+|!?\[|\](?:\([^()\s]*(?:\)|$))?|\s+|[^\\`*_~\[\]\s!]+|.", re.DOTALL)
_BEGINNING = re.compile(r"[ \t]*(?:[-=*_~`+#>|:]{1,8}[ \t]*)+$")
"""A line that may become anything: a rule, a fence, a heading, an item."""

_NUMBER = re.compile(r"[ \t]*\d{1,9}$")
_NUMBERED = re.compile(r"[ \t]*\d{1,9}[.)][ \t]")
NEAR_LINES = 20
"""How far back an item of a numbered list makes a number look like the next one's."""

_ROW = re.compile(r"[ \t]{0,3}\|")
_RULE = re.compile(r"[ \t]{0,3}\|?[ \t:|-]*$")


def open_marks(text: str) -> str:
    """The delimiters that are open at the end of a paragraph, in the order they were opened: `**`, `*`, `~~`, a code's ticks.

    Delimiters that have nothing behind them yet are not open.
    """
    opened: list[str] = []
    tokens = _TOKENS.findall(text)
    for place, token in enumerate(tokens):
        if token[0] == "`":
            opened = _tick(opened, token)
            continue
        if opened and opened[-1][0] == "`":
            continue  # in code nothing else counts
        if token[0] in "*_" or token.startswith("~~"):
            before = tokens[place - 1][-1] if place else " "
            after = tokens[place + 1][0] if place + 1 < len(tokens) else " "
            opened = _delimiter(opened, token, before, after)
    if opened and opened[-1][0] == "`" and text.endswith(opened[-1]) and not text.removesuffix(opened[-1]).endswith("`"):
        opened.pop()
    return "".join(opened)


def _tick(opened: list[str], ticks: str) -> list[str]:
    if opened and opened[-1][0] == "`":
        return opened[:-1] if opened[-1] == ticks else opened
    return [*opened, ticks]


def _delimiter(opened: list[str], run: str, before: str, after: str) -> list[str]:
    """As CommonMark's flanking rules, for what is usual: one, two or three of a kind."""
    left = not after.isspace() and (after.isalnum() or before.isspace() or not before.isalnum())
    right = not before.isspace() and (before.isalnum() or after.isspace() or not after.isalnum())
    if run[0] == "_":
        left, right = left and not before.isalnum(), right and not after.isalnum()
    while right and run and (matching := [mark for mark in opened if mark[0] == run[0] and len(mark) <= len(run)]):
        last = len(opened) - 1 - opened[::-1].index(matching[-1])
        run = run[len(opened[last]) :]
        opened = opened[:last]
    if left and run[:1] == "~":
        return [*opened, "~~"] if len(run) == 2 else opened
    if left and run:
        return [*opened, *([run[0]] if len(run) % 2 else []), *([run[0] * 2] * (len(run) // 2))][: len(opened) + 3]
    return opened


def healed_text(text: str) -> str:
    """A paragraph that is being written, so that it can be drawn: what is open is closed, what has only begun is left out."""
    body = re.sub(r"(?<!\\)(?:[*_~`]+|!?\[|!)$", "", text) if not open_marks(text).endswith("`") else text
    tail = re.search(r"\]\([^()\s]*$", body)
    closing = ")" if tail is not None else ""
    marks = re.findall(r"`+|\*\*|\*|__|_|~~", open_marks(body))
    body = body.rstrip() if marks and marks[-1][0] != "`" else body
    return body + closing + "".join(reversed(marks))


def healed_line(lines: list[str]) -> list[str]:
    """The last lines of source, where the last of them is not at its end: one that could become anything waits, and a table is
    one from its first row on.
    """
    *before, last = lines
    above = before[-1] if before else ""
    if _ROW.match(last) and last.count("|") > 0 and not _ROW.match(above):
        if above.strip() or last.count("|") < 2:
            return lines if above.strip() else before
        return [*before, *_titled(last)]
    if _ROW.match(above) and _RULE.match(last) and not (len(before) > 1 and _ROW.match(before[-2])):
        return [*before[:-1], *_titled(above)]
    counts = _NUMBER.match(last) and any(map(_NUMBERED.match, before[-NEAR_LINES:]))
    return before if counts or _BEGINNING.match(last) else lines


def _titled(row: str) -> list[str]:
    """A table of that row alone."""
    cells = row.strip().strip("|").split("|")
    titles = "|".join(healed_text(cell) for cell in cells)
    return [f"|{titles}|", "|" + "---|" * len(cells)]
