"""Secrets and personal numbers taken out of text, also of text that comes in pieces: cut anywhere, the same comes out.

The text is taken apart at its seams: places that nothing to be taken out goes over (the end of a line, a comma, the space
behind a plain word). What lies between two seams is looked at as a whole, so a piece waits for no more than its last seam: a
word or two of prose. What has no seam for `LONGEST` characters is no prose (a file in base64, a key of a form nobody knows),
and is taken out whole.
"""

from __future__ import annotations

import re
from functools import cache

from llmesc.records.sensitive import HEADS, OPENS_A_VALUE, Pattern, patterns

LONGEST = 1024
"""Characters between two seams."""
UNCLEAR = "[unclear]"
"""The mark of what is taken out because nobody can tell what it is."""

_SEAM = re.compile(
    r"\n"
    r"|[,;{}\[\]<>|\u3000-\u303f\uff01-\uff0f\uff1a-\uff20]"
    r"|(?<![^\s(])(?P<word>[^\W\d_]{1,40})[.!?):]{0,3}[ \t]"
)
_GROWING = re.compile(r"[^\W\d_]*[.!?):]{0,3}\Z")
"""A word at the end, which may be followed by a space yet."""
_REMEMBERED = 64
"""Characters of a stretch that is taken out whole: a seam looks back no farther."""
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_OF_A_KEY = re.compile(r"[A-Za-z0-9+/=\\\s,:-]*")
"""Lines of a private key, and its headers."""
_HARMLESS = re.compile(r"[^\d@:=_+/\-]{0,40}")
"""Most words: nothing that is taken out is so short without any of these."""


def redacted(text: str) -> str:
    """`text`, with marks like `[e-mail]` in place of what is taken out."""
    redactor = Redactor()
    return redactor.feed(text) + redactor.end()


class Redactor:
    """Of one text."""

    def __init__(self) -> None:
        self._pending = ""
        """Since the last seam."""
        self._looked_at = 0
        """Before it, no seam is left to be found."""
        self._dropping = False
        """What is pending is taken out whole, and its mark is made."""
        self._in_key = False

    def feed(self, text: str) -> str:
        """What is certain now that `text` has come, too: some of it, and of what came before."""
        made: list[str] = []
        whole, start = self._pending + text, 0
        for found in _SEAM.finditer(whole, self._looked_at):
            if self._is_seam(whole, start, found):
                made.append(self._stretch(whole[start : found.end()]))
                start = found.end()
        self._pending = whole[start:]
        if len(self._pending) > LONGEST:
            made.append(self.cut())
            self._pending = "\0" + self._pending[-_REMEMBERED:]
        growing = _GROWING.search(self._pending, max(0, len(self._pending) - _REMEMBERED))
        self._looked_at = len(self._pending) if growing is None else growing.start()
        return "".join(made)

    def end(self) -> str:
        """The rest: no more comes."""
        rest = self._stretch(self._pending)
        self._pending, self._looked_at, self._in_key = "", 0, False
        return rest

    def cut(self) -> str:
        """A mark for the rest, while more may come: with what is not certain, all that belongs to it is taken out."""
        if self._dropping or not self._pending:
            return ""
        self._dropping = True
        return UNCLEAR

    def _is_seam(self, whole: str, start: int, found: re.Match[str]) -> bool:
        if found[0] == "\n":
            return True
        word = found["word"]
        if word is not None and (word.casefold() in HEADS or (word.isupper() and word.isascii())):
            return False
        is_long = found.end() - start > LONGEST or whole[start] == "\0"
        return is_long or OPENS_A_VALUE.search(whole, start, found.end() - 1) is None

    def _stretch(self, text: str) -> str:
        space = text[-1:] if text[-1:] in ("\n", " ", "\t") else ""
        if self._dropping or len(text) > LONGEST:
            mark = "" if self._dropping else UNCLEAR
            self._dropping = False
            self._notice_key(text[-_REMEMBERED:] if text[:1] == "\0" or len(text) > LONGEST else text)
            return mark + space
        if self._in_key:
            if end := _KEY_ENDS.search(text):
                text = text[end.end() :]
            elif _OF_A_KEY.fullmatch(text):
                return ""
            self._in_key = False
        begins = _KEY_BEGINS.search(text)
        if begins is None:
            return _without(text)
        behind = text[begins.end() :]
        end = _KEY_ENDS.search(behind)
        self._in_key = end is None
        return _without(text[: begins.start()]) + "[secret]" + (_without(behind[end.end() :]) if end else "")

    def _notice_key(self, dropped: str) -> None:
        """A private key that begins or ends in what is taken out goes on, or not, behind it."""
        begins = _KEY_BEGINS.search(dropped)
        ends = _KEY_ENDS.search(dropped, begins.end() if begins else 0)
        if begins or ends:
            self._in_key = ends is None


def _without(text: str) -> str:
    if _HARMLESS.fullmatch(text):
        return text
    for pattern in _patterns():
        text = _taken_out(text, pattern)
    return text


def _taken_out(text: str, pattern: Pattern) -> str:
    def mark(found: re.Match[str]) -> str:
        if pattern.check is not None and not pattern.check(found[0]):
            return found[0]
        head = found["head"] if "head" in pattern.regex.groupindex else ""
        return f"{head}[{pattern.label}]"

    return pattern.regex.sub(mark, text)


@cache
def _patterns() -> tuple[Pattern, ...]:
    return tuple(patterns())
