"""Answers that go round in circles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from llmesc.escalation.checks.shape import LOOKED_AT, LineKind, Shape

_SAME_CHARACTER = re.compile(r"(\S)\1{15,}")
_RUN = 300
"""Of one character, e.g. `!!!!!!`; longer than any ruler, shorter than any loop."""

_TOKEN = re.compile("[^\x00-\u2e7f]|\\w{1,8}|[^\\w\\s]")
"""East Asian signs, and words in pieces of equal length: a loop without spaces is a loop of pieces too."""
_GRAM = 3

_LOOP_ROUNDS = 4
_LOOP_TOKENS = 24
_SHORT_PERIOD = 4
_SHORT_PERIOD_TOKENS = 48
"""One word or two may well stand in a long column: the same label for thirty rows is an answer."""
_LOOP_SHARE = 0.3
_STUCK_TOKENS = 100
"""A loop of this length that the text ends in is one, however much came before it."""

_SENTENCE_END = re.compile(r"(?<=[.!?。！？।])\s*")
_ENUMERATOR = re.compile(r"^\W*\d{1,4}[.):]\s*")
_SENTENCE_CHARACTERS = 15
_SENTENCE_COUNT = 5
_SENTENCE_SHARE = 0.8
"""Songs that grow with each verse repeat up to three quarters of themselves."""


class _Stretch(NamedTuple):
    """Tokens `start` to `end` that repeat with a period, the first round included."""

    start: int
    end: int
    period: int

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def rounds(self) -> int:
        return self.length // self.period

    @property
    def least(self) -> int:
        """The length from which it is a loop."""
        return _LOOP_TOKENS if self.period >= _SHORT_PERIOD else _SHORT_PERIOD_TOKENS


def going_in_circles(shape: Shape) -> str | None:
    """Why the answer with the lines `shape` loops."""
    for run in _SAME_CHARACTER.finditer("\n".join(line.text for line in shape.lines if line.kind is not LineKind.CODE)):
        if len(run[0]) >= _RUN:
            return f"{run[1]!r} comes {len(run[0])} times in a row"
    prose = [line.text for line in shape.lines if line.kind is LineKind.PROSE]
    return _loop(_TOKEN.findall(" ".join(prose)[-LOOKED_AT:])) or _same_sentences(prose)


def _loop(tokens: Sequence[str]) -> str | None:
    """Finds stretches in which each token is the one a period before it."""
    if len(tokens) < _LOOP_TOKENS:
        return None
    loops = [it for it in _stretches(tokens) if it.rounds >= _LOOP_ROUNDS and it.length >= it.least]
    if not loops:
        return None
    stuck = loops[-1].end == len(tokens) and loops[-1].length >= _STUCK_TOKENS
    if not stuck and sum(it.length for it in loops) < _LOOP_SHARE * len(tokens):
        return None
    most = max(loops, key=attrgetter("rounds"))
    words = " ".join(tokens[most.start : most.start + min(most.period, 8)])
    return f"“{words}” comes {most.rounds} times in a row"


def _stretches(tokens: Sequence[str]) -> Iterator[_Stretch]:
    """Every stretch that repeats with a period."""
    seen: dict[tuple[str, ...], int] = {}
    period = start = 0
    for index in range(len(tokens)):
        if period and tokens[index] != tokens[index - period]:
            yield _Stretch(start, index, period)
            period = 0
        if index >= _GRAM - 1:
            gram = tuple(tokens[index - _GRAM + 1 : index + 1])
            if not period and gram in seen:
                period = index - seen[gram]
                start = seen[gram] - _GRAM + 1
            seen[gram] = index
    if period:
        yield _Stretch(start, len(tokens), period)


def _same_sentences(lines: Sequence[str]) -> str | None:
    """Finds loops that are not exact: sentences that come again and again in any order, or with a new number each time."""
    if sum(map(len, lines)) < _SENTENCE_COUNT * _SENTENCE_CHARACTERS:
        return None
    counts = Counter(
        sentence
        for line in lines
        for part in _SENTENCE_END.split(line)
        if len(sentence := _ENUMERATOR.sub("", part).strip().casefold()) >= _SENTENCE_CHARACTERS
    )
    if not counts:
        return None
    sentence, most = counts.most_common(1)[0]
    repeated = sum(len(text) * (count - 1) for text, count in counts.items())
    if most < _SENTENCE_COUNT or repeated < _SENTENCE_SHARE * sum(map(len, lines)):
        return None
    return f"“{sentence[:60]}” comes {most} times"
