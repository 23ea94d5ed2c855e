"""Answers in another language than the one that was asked for.

Only prose is looked at: no code, tables or data, nothing quoted, no addresses. Who tells the languages apart is injected; here it
is decided whether there is enough to tell by ("42", a name and a list of names are in every language), and whether the other
language is beyond doubt. Close relatives pass for each other, and an answer that says a good part in the language that was asked
for may quote as much as it likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from llmesc.escalation.checks.shape import LineKind, shape_of
from llmesc.escalation.language import NAMES, Identify, code_of

_LEAST = 40
"""Weight in letters of the words that tell a language. With it and the margin below, of 3,360 texts of the web in 56 languages
none was taken for another language where they had 120 characters (with 60: 5, Persian in Arabic letters), and 97 of 100 in
another one were noticed (with 400: all).
"""
_MARGIN = 20.0
"""How much likelier another language has to be, as a natural logarithm: what a text merely resembles is seldom ten behind,
another language a hundred and more.
"""
_LOOKED_AT = 10_000
"""Characters: whoever begins in a language seldom changes it later."""
_A_GOOD_PART = 0.25
"""Of the prose. Who writes so much in the language that was asked for is taken to answer in it."""

_NOISE = re.compile(r"""`[^`]{0,400}`|["“„«「『][^"”“»」』]{0,2000}["”“»」』]|^>.*|\w+://\S+|\S+@\S+|[\w.\\-]*/[\w./\\-]+""")
"""Inside a line: inline code, quotations, addresses, paths."""

_CODE = re.compile(r"(?:^|\s)--?[a-zA-Z]|&&|\|\||[{};]$|\$[\w({]|\w\(\w*\)")
"""What lines of code and commands have that stand outside of a code block, and prose has not."""

_WORD = re.compile(r"[^\W\d_]+")

_NO_LANGUAGE = frozenset({"zxx", "und", "mul"})
"""Codes that say of a text that it is in none, in an unknown one, or in several."""

_RELATIVES: Sequence[frozenset[str]] = (
    frozenset({"no", "nn"}),
    frozenset({"bs", "hr", "sr"}),
    frozenset({"id", "ms"}),
    frozenset({"wuu", "yue", "zh"}),
    frozenset({"ar", "ary", "arz"}),
    frozenset({"en", "pcm"}),
    frozenset({"bcl", "tl"}),
    frozenset({"lv", "ltg"}),
)
"""Written forms of what passes for one language where it is spoken."""


def speaks_otherwise(text: str, wanted: str, identify: Identify) -> str | None:
    """The reason, where `text` is beyond doubt in another language than that of the tag `wanted`. A tag that nobody knows holds
    nothing against anybody.
    """
    code = code_of(wanted)
    prose = _prose_of(text)
    if code is None or _weight(" ".join(prose)) < _LEAST:
        return None
    other = _other(" ".join(prose), code, identify)
    if other is None or _in_it(prose, code, identify):
        return None
    return f"it is in {NAMES.get(other, f'another language ({other})')}, not in {NAMES[code]}"


def _prose_of(text: str) -> list[str]:
    """The paragraphs of prose, as far as they are looked at."""
    if text.lstrip().startswith("<think>"):
        return []  # reasoning that has not come to an end is no answer yet
    lines = [_NOISE.sub(" ", line.text) for line in shape_of(text[:_LOOKED_AT]).lines if line.kind is LineKind.PROSE]
    return [line for line in lines if not _CODE.search(line)]


def _weight(text: str) -> int:
    """Letters of the words that tell a language: what begins with a capital may be a name. A Chinese, Japanese or Korean sign
    says as much as three letters.
    """
    return sum(len(word) + 2 * sum(sign >= "\u2e80" for sign in word) for word in _words(text) if not word[0].isupper())


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(text)


def _other(text: str, code: str, identify: Identify) -> str | None:
    """The language that `text` is in beyond doubt, where that is neither the one of `code` nor a relative of it."""
    fits = identify(text)
    family = {code}.union(*(family for family in _RELATIVES if code in family))
    own = max((fits[name] for name in family if name in fits), default=None)
    if not fits or own is None:
        return None
    best = max(fits, key=lambda name: fits[name])
    return best if best not in family | _NO_LANGUAGE and fits[best] - own > _MARGIN else None


def _in_it(prose: Sequence[str], code: str, identify: Identify) -> bool:
    """Whether a good part of the paragraphs is in the language of `code`."""
    weights = [_weight(paragraph) for paragraph in prose]
    own = sum(
        weight
        for paragraph, weight in zip(prose, weights, strict=True)
        if weight >= _LEAST and max(fits := identify(paragraph), key=lambda name: fits[name]) == code
    )
    return own >= _A_GOOD_PART * sum(weights)
