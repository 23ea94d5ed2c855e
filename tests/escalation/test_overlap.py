"""The seam between a text that broke off and its continuation."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llmesc.escalation.overlap import SURE_CHARACTERS, Seam, repeated

CASES = [
    # kept, continuation, what stands there in the end
    ("Raft is a con", "sensus algorithm.", "Raft is a consensus algorithm."),
    ("Raft is a con", "consensus algorithm.", "Raft is a consensus algorithm."),
    ("Raft is a con", "a consensus algorithm.", "Raft is a consensus algorithm."),
    ("Raft is a con", "Raft is a consensus algorithm.", "Raft is a consensus algorithm."),
    ("Raft is a consensus", "Raft is a consensus", "Raft is a consensus"),
    ("One. Two is a longer one. ", "Two is a longer one. Three.", "One. Two is a longer one. Three."),
    # White space at the end was not handed over: it is written anew, and counts once.
    ("First.\n\n", "\n\nSecond.", "First.\n\nSecond."),
    ("First.\n", "\n\nSecond.", "First.\n\nSecond."),
    ("First. ", "Second.", "First. Second."),
    # What is short, or was repeating already, is meant.
    ("ha", "ha", "haha"),
    ("It is very", " very good.", "It is very very good."),
    ("1, 2, 3", ", 3, 4", "1, 2, 3, 3, 4"),
    ("3.14", "1415", "3.141415"),
    ("la la la la la ", "la la la la la!", "la la la la la la la la la la!"),
    ("x" + "-" * 40, "-" * 40 + "\n", "x" + "-" * 80 + "\n"),
    ("|  0.00 |  0.00 |  0.00 |", "  0.00 |  0.00 | 1", "|  0.00 |  0.00 |  0.00 |  0.00 |  0.00 | 1"),
    ("The end.", "", "The end."),
    ("", "All of it.", "All of it."),
    (" ", " a", " a"),
    ("abcdef", "xyz", "abcdefxyz"),
]


@pytest.mark.parametrize(("kept", "continuation", "joined"), CASES)
def test_a_seam_repeats_nothing_and_loses_nothing(kept: str, continuation: str, joined: str) -> None:
    assert kept + continuation[repeated(kept, continuation) :] == joined


SENTENCE = "Raft elects a leader by randomised timeouts, and that leader copies its log to every follower it can reach."
WORDS = SENTENCE.split()
answers = st.lists(st.sampled_from(WORDS), min_size=4, max_size=12, unique=True).map(" ".join)
"""No word comes twice, so nothing repeats but what is repeated."""


@given(answers, st.data())
def test_at_every_split_point_an_answer_that_goes_on_exactly_is_whole(answer: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(answer)))
    seam = Seam(answer[:cut])
    # What was handed over ends without white space, so it comes again.
    handed_over = answer[:cut].rstrip()

    assert answer[:cut] + seam.feed(answer[len(handed_over) :]) + seam.end() == answer


@given(answers, st.data())
def test_at_every_split_point_an_answer_that_repeats_enough_is_whole(answer: str, data: st.DataObject) -> None:
    assume(len(answer) >= SURE_CHARACTERS)
    cut = data.draw(st.integers(SURE_CHARACTERS, len(answer)))
    again = data.draw(st.integers(0, cut - SURE_CHARACTERS))

    assert answer[:cut] + answer[again:][repeated(answer[:cut], answer[again:]) :] == answer


@given(answers, st.data())
def test_a_word_that_is_begun_anew_stands_there_once(answer: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(answer)))
    start = answer.rfind(" ", 0, cut) + 1
    assume(cut - start >= 3 and answer[cut - 1].isalpha())

    assert answer[:cut] + answer[start:][repeated(answer[:cut], answer[start:]) :] == answer


anything = st.text(st.sampled_from("ab \n"), max_size=60)


@given(anything, anything, st.data())
def test_how_a_continuation_is_cut_into_pieces_changes_nothing(kept: str, continuation: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(continuation)), max_size=8)))
    seam = Seam(kept)
    shown = [seam.feed(continuation[one:two]) for one, two in zip([0, *cuts], [*cuts, len(continuation)], strict=True)]

    assert "".join(shown) + seam.end() == continuation[repeated(kept, continuation) :]


@given(anything, anything)
def test_only_what_stood_there_is_ever_dropped(kept: str, continuation: str) -> None:
    dropped = repeated(kept, continuation)

    assert kept.endswith(continuation[:dropped])


@given(st.text(st.sampled_from("ab "), min_size=1, max_size=4), st.integers(2, 12), st.integers(1, 12))
def test_a_text_that_was_repeating_may_go_on_repeating(unit: str, before: int, after: int) -> None:
    assume(not unit.isspace())
    kept, continuation = unit * before, unit * after

    assert repeated(kept, continuation) == 0


def test_what_cannot_be_a_repetition_is_handed_on_at_once() -> None:
    seam = Seam("The quick brown fox jumps")

    assert seam.feed(" o") == " o"
    assert seam.feed("ver the quick brown fox") == "ver the quick brown fox"


def test_a_long_answer_that_is_repeated_whole_costs_what_it_is_long() -> None:
    kept = "".join(f"Sentence number {number} is not like the others. " for number in range(2_000))
    seam = Seam(kept)

    shown = "".join(seam.feed(kept[at : at + 5]) for at in range(0, len(kept), 5)) + seam.feed("The end.") + seam.end()

    assert shown == "The end."
