"""The seam between a text that broke off and what goes on from it: what the continuation says a second time is found. Pure.

The rule. Of all ends of the kept text that the continuation begins with, the longest counts. It is a repetition, and dropped,
when it is

- white space alone: the white space that the kept text ends with is not handed over, so whoever goes on writes it anew;
- at least `SURE_CHARACTERS` long: no continuation begins so by chance;
- whole words, the last perhaps unfinished, that would be glued to themselves (`quick bro|brown`, `for|formal`).

It stays where the kept text was already repeating just that (`la la la |la la`, a ruler, rows of zeros): going on with it is
what a continuation does. Everything shorter stays: a character too many is seen, one too few is not.
"""

from __future__ import annotations

import re

SURE_CHARACTERS = 12
"""Two words or three: longer than what names, numbers and markup repeat."""
LEAST_WORD_CHARACTERS = 3
"""A shorter beginning of a word may well come twice: `ha|ha`, `in|inner`."""


def repeated(kept: str, continuation: str) -> int:
    """How many characters at the start of `continuation` only repeat the end of `kept`."""
    seam = Seam(kept)
    seam.feed(continuation)
    seam.end()
    return seam.repeated


class Seam:
    """Takes a continuation piece by piece and gives it back without what it repeats; holds it only while that is open.

    Each piece costs what it is long for each place of the kept text at which the continuation might stand: few after the first.
    """

    def __init__(self, kept: str) -> None:
        self._kept = kept
        self._undecided = ""
        self._places: list[int] | None = None
        """Where in the kept text the continuation so far may stand, without reaching its end; None: not begun."""
        self._longest: int | None = None
        """Where the longest end of the kept text begins that the continuation has repeated to its last character."""
        self._decided = not kept
        self.repeated = 0
        """Characters that were dropped."""

    def feed(self, text: str) -> str:
        """What of the continuation can be handed on now."""
        if self._decided or not text:
            return text
        places = self._starts(text[0]) if self._places is None else self._places
        read, size = len(self._undecided), len(self._kept)
        self._undecided += text
        self._places = []
        for place in places:
            left = size - place - read
            if left > len(text):
                if self._kept.startswith(text, place + read):
                    self._places.append(place)
            elif text.startswith(self._kept[place + read :]):
                self._longest = place if self._longest is None else min(place, self._longest)
        return "" if self._places else self.end()

    def end(self) -> str:
        """The continuation has ended, or nothing longer can come: what is left of what was held."""
        if self._decided:
            return ""
        self._decided = True
        if self._longest is not None and _is_repetition(self._kept, self._undecided, self._longest):
            self.repeated = len(self._kept) - self._longest
        return self._undecided[self.repeated :]

    def _starts(self, first: str) -> list[int]:
        return [match.start() for match in re.finditer(re.escape(first), self._kept)]


def _is_repetition(kept: str, continuation: str, start: int) -> bool:
    """Whether `kept[start:]`, with which `continuation` begins, only came a second time."""
    overlap = kept[start:]
    if overlap.isspace():
        return True
    if _was_repeating(kept, overlap):
        return False
    if len(overlap) >= SURE_CHARACTERS:
        return True
    glued = kept.rstrip()[-1].isalpha() and continuation[0].isalpha()
    whole_words = start == 0 or not kept[start - 1].isalnum()
    return glued and whole_words and len(overlap) >= LEAST_WORD_CHARACTERS


def _was_repeating(kept: str, overlap: str) -> bool:
    """Whether `kept` ends with the unit of `overlap` twice in a row: with the shortest text that makes it when said on and on."""
    period = _period(overlap)
    return len(kept) >= 2 * period and kept[-2 * period : -period] == kept[-period:]


def _period(text: str) -> int:
    """The smallest p with `text[i] == text[i + p]` everywhere; the length of the text where it repeats nothing."""
    borders = [0] * len(text)
    longest = 0
    for index in range(1, len(text)):
        while longest and text[index] != text[longest]:
            longest = borders[longest - 1]
        longest += text[index] == text[longest]
        borders[index] = longest
    return len(text) - longest
