"""Text from models, providers and files, made safe to show."""

from __future__ import annotations

import re

_HARMFUL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 but tab and newline (a bare CR overwrites the line), and DEL
    "\x80-\x9f"  # C1: one-character CSI and OSC
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls reorder what is read
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear annotation
    "\U000e0000-\U000e007f"  # tag characters: text nobody sees
    "]"
)
_ESCAPE_SEQUENCE = re.compile(
    "\x1b(?:"
    r"\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"  # OSC: titles, links, the clipboard
    r"|[PX^_][^\x1b\x9c]*(?:\x1b\\|\x9c|$)"  # DCS, SOS, PM, APC
    r"|\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|[ -/]*[0-~]"  # the rest
    ")"
)


def safe(text: str) -> str:
    """`text` without what could steer a terminal or hide text: whole escape sequences and lone control characters.

    Tabs, newlines and every visible script stay. CR LF becomes LF.
    """
    return _HARMFUL.sub("", _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, width: int = 200) -> str:
    """`safe`, with white space folded and cut to `width` characters: for a cell, a title or a message."""
    line = " ".join(safe(text[: width * 8]).split())
    return line if len(line) <= width else line[: width - 1] + "…"
