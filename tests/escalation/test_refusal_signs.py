"""A quick look at a clause finds every phrase that a slow one would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.checks.refusals import _Clause, _has_a_sign, _languages

PHRASES = sorted({phrase for language in _languages() for phrase in (*language.outright, *language.unable, *language.limits)})
TEXTS = st.text("abcdefgh i'können不能ã ") | st.sampled_from(["", "well, ", "the sea is blue and ", "我"])


def clause(words: str) -> _Clause:
    return _Clause(f". {' '.join(words.split())} .", 0, 0, len(words))


@pytest.mark.parametrize("phrase", PHRASES)
def test_each_phrase_is_seen(phrase: str) -> None:
    assert _has_a_sign(clause(f"so {phrase} it"))


@given(TEXTS, st.sampled_from(PHRASES), TEXTS, st.integers(0, 40))
def test_a_quick_look_is_a_full_look(before: str, phrase: str, after: str, kept: int) -> None:
    looked_at = clause(f"{before}{phrase[:kept]}{after}")

    assert _has_a_sign(looked_at) is any(each in looked_at.text for each in PHRASES)
