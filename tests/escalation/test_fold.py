"""The one view that text, JSON and screens show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold, grown
from tests.escalation.world import Say, answer, candidate, failing, world


@given(st.lists(st.text(min_size=1, max_size=20), max_size=200))
def test_pieces_keep_every_character_and_stay_few(texts: list[str]) -> None:
    pieces: tuple[str, ...] = ()
    for text in texts:
        pieces = grown(pieces, text)

    assert "".join(pieces) == "".join(texts)
    sizes = [len(piece) for piece in pieces]
    assert sizes == sorted(set(sizes), reverse=True), "each is longer than the next"


def test_a_discarded_attempt_keeps_its_text_and_says_so() -> None:
    view = RunView()
    for event in world(
        (candidate("a/m"), [[Say("Half an"), *failing(FailureKind.PROTOCOL)]]), (candidate("b/m"), [answer()])
    ).play():
        view = fold(view, event)

    first, second = view.attempts
    assert (first.shown, first.discarded, second.shown, second.discarded) == ("Half an", True, "A good answer.", False)
    assert [switch.characters_discarded for switch in view.switches] == [7]
