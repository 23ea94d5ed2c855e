"""Answers that decline to answer.

A refusal is an opening sentence that declines, and little else: what follows is an apology, a reason or an offer. A caveat before
a real answer, a quoted error message, a letter or a story that holds the same words is none. The words are in `phrases`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import cache
from typing import NamedTuple

from llmesc.escalation.checks.phrases import CONJUNCTIONS, LETTERS, PHRASES

_LONGEST = 1500
"""Characters; whatever is longer says more than no."""
_OPENING_SENTENCES = 2
_OPENING = 300
"""Weight of what may come before the refusal."""
_EXPLANATION = 400
"""Weight of the reasons that may follow a refusal of everything."""
_ANSWER_AFTER_A_REFUSAL = 40
_ANSWER_AFTER_A_LIMIT = 15
"""Weight of what must follow a `but` to be an answer after all."""

_SHOWN = 80
"""Characters of the refusal in the reason."""

_QUOTED = re.compile(r"""["“„«「『][^"”“»」』\n]{0,400}["”“»」』]|`[^`\n]{0,400}`|^\s*>.*$""", re.MULTILINE)
_DELIMITERS = re.compile(r"([.!?。।؟\n]+)|[,;:、،؛()\[\]–—]+| (?=(?:" + "|".join(CONJUNCTIONS.split()) + ") )")
_WHOLE_WORD = re.compile(r"(?<= )\S+(?= )")
_MARKUP = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "*": "", "_": " ", "#": ""})


class _Force(IntEnum):
    """How much a clause declines."""

    NOTHING = 0
    LIMIT = 1
    """One thing, or a general limit."""
    REFUSAL = 2
    """The request itself."""


class _Clause(NamedTuple):
    text: str
    """Folded, between `. ` and ` .`; see `phrases`."""
    sentence: int
    start: int
    weight: int


class _Language(NamedTuple):
    """The phrases of one language, folded as clauses are; the fields of `phrases.Phrases`."""

    unable: tuple[str, ...]
    negation: tuple[str, ...]
    everything: tuple[str, ...]
    part: tuple[str, ...]
    outright: tuple[str, ...]
    limits: tuple[str, ...]
    courtesy: tuple[str, ...]
    turns: tuple[str, ...]


def declines(text: str, prompt: str = "") -> str | None:
    """Why `text` is a refusal. A `prompt` that holds a refusal itself asks about refusals: for a translation, an explanation."""
    if len(text) > _LONGEST or "```" in text:
        return None
    folded = _fold(_QUOTED.sub(lambda quote: "x" * len(quote[0]), text))
    if folded.lstrip().startswith(_phrases(LETTERS)):
        return None
    for index, clause in enumerate(_clauses(folded)):
        if clause.sentence >= _OPENING_SENTENCES or clause.start > _OPENING:
            return None
        if not _has_a_sign(clause):
            continue  # nearly every clause of nearly every answer
        for language in _languages():
            force = _force(clause, language)
            if force and _is_all(list(_clauses(folded)), index, force, language) and not _asks_about_refusals(prompt):
                return f"it declines: “{clause.text[2:-2][:_SHOWN]}”"
    return None


def _is_all(clauses: list[_Clause], first: int, force: _Force, language: _Language) -> bool:
    """Whether the refusal in the clause `first` is what the answer comes to."""
    declined = other = after_turn = 0
    turned = False
    for index, clause in enumerate(clauses):
        turned = turned or (index > first and clause.text.startswith(language.turns, 1))
        if _force(clause, language) or _any(language.courtesy, clause):
            declined += clause.weight
        else:
            other += clause.weight
            after_turn += clause.weight if turned else 0
    if force is _Force.REFUSAL:
        return after_turn < _ANSWER_AFTER_A_REFUSAL and other <= _EXPLANATION
    return after_turn < _ANSWER_AFTER_A_LIMIT and other <= declined


def _force(clause: _Clause, language: _Language) -> _Force:
    if _any(language.outright, clause):
        return _Force.REFUSAL
    if _any(language.unable, clause) and (not language.negation or _any(language.negation, clause)):
        if _any(language.everything, clause):
            return _Force.REFUSAL
        if _any(language.part, clause):
            return _Force.LIMIT
    return _Force.LIMIT if _any(language.limits, clause) else _Force.NOTHING


def _any(phrases: tuple[str, ...], clause: _Clause) -> bool:
    for phrase in phrases:  # noqa: SIM110 - hundreds of phrases for each clause: a generator would double their cost
        if phrase in clause.text:
            return True
    return False


def _asks_about_refusals(prompt: str) -> bool:
    clauses = list(_clauses(_fold(prompt[:_LONGEST])))
    return any(_force(clause, language) is _Force.REFUSAL for language in _languages() for clause in clauses)


def _clauses(text: str) -> Iterator[_Clause]:
    sentence = position = weight = 0
    for match in (*_DELIMITERS.finditer(text), None):
        words = " ".join(text[position : match.start() if match else len(text)].split())
        if words:
            yield _Clause(f". {words} .", sentence, weight, own := _weight(words))
            weight += own
        if match:
            position = match.end()
            # A full stop inside a number or an abbreviation ends no sentence.
            sentence += match[1] is not None and (match[1][-1] in "。।؟\n" or not text[position : position + 1].strip())


def _weight(words: str) -> int:
    """Length in letters of an alphabet: a Chinese, Japanese or Korean sign says as much as three."""
    return len(words) if words.isascii() else len(words) + 2 * sum(sign >= "\u2e80" for sign in words)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_MARKUP)).casefold()


@cache
def _phrases(written: str) -> tuple[str, ...]:
    return tuple(_fold(phrase.replace("_", " ")) for phrase in written.split())


class _Signs(NamedTuple):
    """The phrases of all languages without one of which a clause declines nothing, made ready for a quick look."""

    by_word: Mapping[str, tuple[str, ...]]
    """Those that have a whole word, by the longest: in a clause without it there is no need to look for them."""
    parts: tuple[str, ...]
    """The others, in ASCII."""
    others: tuple[str, ...]
    """And those that are not."""


@cache
def _signs() -> _Signs:
    phrases = {phrase for language in _languages() for phrase in (*language.outright, *language.unable, *language.limits)}
    by_word = dict[str, tuple[str, ...]]()
    for phrase in sorted(phrases):
        word = max(_WHOLE_WORD.findall(phrase), key=len, default="")
        by_word[word] = (*by_word.get(word, ()), phrase)
    parts = by_word.pop("", ())
    return _Signs(by_word, *(tuple(part for part in parts if part.isascii() == ascii_only) for ascii_only in (True, False)))


def _has_a_sign(clause: _Clause) -> bool:
    """Whether it may have force. Three hundred phrases are too many to look for each in every clause."""
    signs = _signs()
    return (
        any(_any(signs.by_word[word], clause) for word in signs.by_word.keys() & clause.text.split())
        or _any(signs.parts, clause)
        or (not clause.text.isascii() and _any(signs.others, clause))
    )


@cache
def _languages() -> tuple[_Language, ...]:
    return tuple(_Language(*(_phrases(words.get(field, "")) for field in _Language._fields)) for words in PHRASES.values())
