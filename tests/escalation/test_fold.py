"""The one view that text, JSON and screens show."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.events import AttemptStarted, Event, Move, TextDelta, ThinkingDelta, ToolCallRequested
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold, grown
from llmesc.escalation.times import Timestamp
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


PIECE = st.tuples(st.sampled_from(["text", "thinking", "tool"]), st.text("abc", min_size=1, max_size=5))


@given(st.lists(PIECE, max_size=40))
def test_an_attempt_remembers_in_which_order_text_thinking_and_tools_came(pieces: list[tuple[str, str]]) -> None:
    view = RunView()
    for event in attempt_of(pieces):
        view = fold(view, event)

    (attempt,) = view.attempts
    streams = {"text": attempt.shown, "thinking": "".join(attempt.thinking)}
    ends = {"text": attempt.characters, "thinking": attempt.thinking_characters}
    found: list[tuple[str, str]] = []
    for passage in reversed(attempt.passages):
        if passage.kind == "tool":
            event = attempt.tools[passage.start]
            assert isinstance(event, ToolCallRequested)
            found.insert(0, ("tool", event.arguments))
        else:
            found.insert(0, (passage.kind, streams[passage.kind][passage.start : ends[passage.kind]]))
            ends[passage.kind] = passage.start
    assert found == joined(pieces)


def joined(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one kind as one, but for tools."""
    one: list[tuple[str, str]] = []
    for kind, text in pieces:
        if one and one[-1][0] == kind != "tool":
            one[-1] = (kind, one[-1][1] + text)
        else:
            one.append((kind, text))
    return one


def attempt_of(pieces: list[tuple[str, str]]) -> Iterator[Event]:
    """The events of an attempt that brings these, in this order."""
    run = {"run_id": "r", "at": Timestamp(0.0), "elapsed_ms": 0.0}
    resolution = candidate("a/m")
    yield AttemptStarted(**run, seq=0, attempt=1, attempt_id="r.1", resolution=resolution, move=Move.PRIMARY)
    for number, (kind, text) in enumerate(pieces, 1):
        head = {**run, "seq": number, "attempt": 1}
        if kind == "tool":
            yield ToolCallRequested(**head, call_id=str(number), name="f", arguments=text)
        else:
            yield TextDelta(**head, text=text) if kind == "text" else ThinkingDelta(**head, text=text)
