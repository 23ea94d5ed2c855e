"""An answer that breaks off, and who goes on from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.continuation import handed_over
from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    AttemptStarted,
    ProviderSwitched,
    RunFinished,
    TextDelta,
)
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Message, Text, Usage, ask_for
from llmesc.escalation.overlap import SURE_CHARACTERS
from llmesc.escalation.pieces import Activity, Call, Finish, Opened, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.escalation.resolution import Price, Tier
from tests.escalation.laws import violations
from tests.escalation.world import (
    Bench,
    Say,
    Scripted,
    Silence,
    VirtualLoop,
    World,
    answer,
    asking,
    candidate,
    failing,
    run_virtually,
    world,
)

K = FailureKind
CONTINUE = Limits(resume="continue", max_attempts=4, wait=False)
FIRST, SECOND, THIRD = candidate("a/m"), candidate("b/m", Tier.CLOUD), candidate("c/m", Tier.FRONTIER)
REST = " consensus algorithm."


def chain(first: list[Any], *others: list[Any], limits: Limits = CONTINUE, **fields: Any) -> World:
    candidates = (FIRST, SECOND, THIRD)
    return world(*((who, [script]) for who, script in zip(candidates, (first, *others), strict=False)), limits=limits, **fields)


def end(events: list[Any]) -> RunFinished:
    assert violations(events, 4) == []
    last = events[-1]
    assert isinstance(last, RunFinished)
    return last


def ranges(events: list[Any]) -> list[tuple[int, str]]:
    last = end(events).answer
    assert last is not None
    return [(part.attempt, last.text[part.start : part.end]) for part in last.ranges]


BREAKS = {
    "reset": failing(K.CONNECTION),
    "error event": failing(K.OVERLOADED),
    "broken JSON": failing(K.PROTOCOL),
    "no end": [],
    "stall": [Silence(60)],
    "rate limit in the stream": failing(K.RATE_LIMIT, retry_after_seconds=30.0),
    "credit ran out": failing(K.ACCOUNT),
}


@pytest.mark.parametrize("name", BREAKS)
def test_whatever_breaks_an_answer_off_the_next_goes_on_from_it(name: str) -> None:
    run = chain([Say("Raft is a"), *BREAKS[name]], answer(REST))

    events = run.play()

    assert end(events).outcome == "answered"
    assert ranges(events) == [(1, "Raft is a"), (2, REST)]
    assert not [event for event in events if isinstance(event, AnswerReset)]
    switch = next(event for event in events if isinstance(event, ProviderSwitched))
    assert (switch.characters_kept, switch.characters_discarded) == (9, 0)
    assert [event.continues_characters for event in events if isinstance(event, AttemptStarted)] == [0, 9]


@pytest.mark.parametrize("name", BREAKS)
def test_by_default_the_next_begins_anew_and_the_reader_is_told(name: str) -> None:
    run = chain([Say("Raft is a"), *BREAKS[name]], answer("Raft is one."), limits=replace(CONTINUE, resume="restart"))

    events = run.play()

    assert ranges(events) == [(2, "Raft is one.")]
    assert [event.characters for event in events if isinstance(event, AnswerReset)] == [9]
    assert run.providers["b/m"].calls[0].request == run.request


BEGUN_ANEW = {
    "an open tool call": ([Say("Let me see: "), Activity(), *failing(K.CONNECTION)], {}),
    "a whole tool call": ([Say("Let me see: "), ToolCallPiece("c", "x", "{}"), *failing(K.CONNECTION)], {}),
    "JSON": ([Say('{"a": '), *failing(K.CONNECTION)], {"request": replace(ask_for("What?"), expect="json")}),
    "a schema": ([Say('{"a": '), *failing(K.CONNECTION)], {"request": replace(ask_for("What?"), schema={"type": "object"})}),
    "the provider's filter": ([Say("Raft is a"), *failing(K.CONTENT_POLICY)], {}),
    "a refusal": ([Say("I'm sorry, but I cannot help with that. "), *failing(K.CONNECTION)], {}),
    "a loop": ([Say("a b c d " * 40), *failing(K.CONNECTION)], {}),
    "white space": ([Say("   \n"), *failing(K.CONNECTION)], {}),
    "an answer below the bar": ([Say("bad"), Finish("stop")], {}),
    "thinking alone": ([ThinkingPiece("Raft is a"), *failing(K.CONNECTION)], {}),
    "nothing": (failing(K.CONNECTION), {}),
}


@pytest.mark.parametrize("name", BEGUN_ANEW)
def test_what_cannot_be_gone_on_from_is_begun_anew(name: str) -> None:
    script, fields = BEGUN_ANEW[name]
    run = chain(script, answer('{"a": 1}'), **fields)

    events = run.play()

    assert ranges(events) == [(2, '{"a": 1}')]
    assert run.providers["b/m"].calls[0].request == run.request


def test_a_continuation_that_breaks_off_too_is_gone_on_from() -> None:
    cut = failing(K.CONNECTION)
    run = chain([Say("Raft is a"), *cut], [Say(" consensus"), Silence(2), *cut], answer(" algorithm."))

    events = run.play()

    assert ranges(events) == [(1, "Raft is a"), (2, " consensus"), (3, " algorithm.")]
    assert run.providers["c/m"].calls[0].request.messages[-1].text == "Raft is a consensus"


def test_a_continuation_that_breaks_off_before_anybody_saw_it_changes_nothing() -> None:
    cut = failing(K.CONNECTION)
    run = chain([Say("Raft is a"), *cut], [Say(" con"), *cut], answer(REST))

    assert ranges(run.play()) == [(1, "Raft is a"), (3, REST)]
    assert run.providers["c/m"].calls[0].request.messages[-1].text == "Raft is a"


def test_one_that_fails_before_it_says_anything_changes_nothing() -> None:
    run = chain([Say("Raft is a"), *failing(K.CONNECTION)], failing(K.OVERLOADED), answer(REST))

    events = run.play()

    assert ranges(events) == [(1, "Raft is a"), (3, REST)]
    assert not [event for event in events if isinstance(event, AnswerReset)]


def test_what_is_repeated_at_the_seam_is_dropped_and_counted() -> None:
    run = chain([Say("Raft is a con"), *failing(K.CONNECTION)], [Say("Raft is a"), Say(" consensus algorithm."), Finish("stop")])

    events = run.play()

    assert ranges(events) == [(1, "Raft is a con"), (2, "sensus algorithm.")]
    finished = [event for event in events if isinstance(event, AttemptFinished)]
    assert [event.repeated_characters for event in finished] == [0, 13]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Raft is a consensus algorithm."


def test_one_that_only_lacked_its_end_is_complete_when_the_next_has_nothing_to_add() -> None:
    events = chain([Say("Raft is a consensus algorithm.")], [Finish("stop")]).play()

    assert end(events).outcome == "answered"
    assert ranges(events) == [(1, "Raft is a consensus algorithm.")]


def test_a_full_stop_may_be_all_that_was_missing() -> None:
    events = chain([Say("Raft is a consensus algorithm")], answer(".")).play()

    assert ranges(events) == [(1, "Raft is a consensus algorithm"), (2, ".")]


def test_an_end_that_stood_in_the_text_before_is_no_repetition() -> None:
    """It is held as long as it might become one."""
    events = chain([Say("Yes, it is a log. And so is"), *failing(K.CONNECTION)], answer(" a log.")).play()

    assert ranges(events) == [(1, "Yes, it is a log. And so is"), (2, " a log.")]


def test_what_is_said_before_a_tool_call_stands_before_it() -> None:
    run = chain(
        [Say("Let me see: look. And now"), *failing(K.CONNECTION)],
        [Say(" look"), ToolCallPiece("c", "x", "{}"), Finish("tool_calls")],
    )

    events = run.play()

    assert ranges(events) == [(1, "Let me see: look. And now"), (2, " look")]
    assert [event.type for event in events if event.type in ("text_delta", "tool_call_requested")][-2:] == [
        "text_delta",
        "tool_call_requested",
    ]


def test_one_who_says_all_of_it_again_adds_nothing() -> None:
    events = chain([Say("Raft is a consensus algorithm.")], answer("Raft is a consensus algorithm.")).play()

    assert ranges(events) == [(1, "Raft is a consensus algorithm.")]


def test_a_refusal_to_go_on_is_never_seen_and_the_next_goes_on() -> None:
    run = chain([Say("Raft is a"), *failing(K.CONNECTION)], answer("I'm sorry, but I can't help with that."), answer(REST))

    events = run.play()

    assert ranges(events) == [(1, "Raft is a"), (3, REST)]
    assert not [event for event in events if isinstance(event, AnswerReset)]
    assert [event.outcome for event in events if isinstance(event, AttemptFinished)] == ["error", "quality_failure", "success"]


REFUSES = "I'm sorry, but I can't help with that."


@pytest.mark.parametrize("refusal", [answer(REFUSES), [Say(REFUSES), Say(" It is not allowed." * 20, 2.0), Silence(60)]])
def test_a_continuation_below_the_bar_that_nobody_saw_is_the_best_there_is(refusal: list[Any]) -> None:
    events = chain([Say("Raft is a"), *failing(K.CONNECTION)], refusal, failing(K.OVERLOADED)).play()

    assert end(events).outcome == "below_bar"
    assert ranges(events)[0] == (1, "Raft is a")
    assert ranges(events)[1][1].startswith(REFUSES)


def test_a_better_one_below_the_bar_is_not_lost_to_a_continuation_that_was_only_begun() -> None:
    run = chain(
        [Say("bad"), Finish("stop")],
        [Say("Raft is a"), *failing(K.CONNECTION)],
        [Say(REFUSES + " It is not allowed." * 20), Silence(60)],
        limits=replace(CONTINUE, gate_characters=40),
    )

    events = run.play()

    assert (end(events).outcome, ranges(events)) == ("below_bar", [(1, "bad")])


def test_the_whole_text_is_judged_and_a_bad_one_is_taken_back_whole() -> None:
    run = chain(
        [Say("Raft is a"), *failing(K.CONNECTION)],
        answer(" kind of cheese, made of logs"),
        answer("Raft is one."),
        bad_answers=frozenset({"Raft is a kind of cheese, made of logs"}),
    )

    events = run.play()

    assert ranges(events) == [(3, "Raft is one.")]
    assert [event.characters for event in events if isinstance(event, AnswerReset)] == [9]


def test_what_others_went_on_from_is_taken_back_with_what_they_wrote() -> None:
    run = chain(
        [Say("Raft is a"), *failing(K.CONNECTION)],
        [Say(" kind of"), Say(" cheese", 2.0), Finish("stop")],
        answer("Raft is one."),
        bad_answers=frozenset({"Raft is a kind of cheese"}),
    )
    view = RunView()
    for event in (events := run.play()):
        view = fold(view, event)

    assert [event.characters for event in events if isinstance(event, AnswerReset)] == [24]
    assert [attempt.discarded for attempt in view.attempts] == [True, True, False]
    assert view.visible == "Raft is one."


def test_after_a_round_of_tools_the_conversation_holds_what_was_kept() -> None:
    bench = Bench()
    run = world(
        (FIRST, [[Say("Let me see."), *failing(K.CONNECTION)]]),
        (SECOND, [asking("look_up", text=" I look it up."), answer("It is 1.")]),
        limits=CONTINUE,
        toolbox=bench.toolbox(),
    )

    events = run.play()

    assert ranges(events) == [(3, "It is 1.")]
    turn = run.providers["b/m"].calls[1].request.messages[-2]
    assert (turn.role, turn.text) == ("assistant", "Let me see. I look it up.")
    assert [event.characters for event in events if isinstance(event, AnswerReset)] == [len("Let me see.")]


def test_what_was_cut_is_paid_for_and_marked_as_estimated() -> None:
    priced = replace(FIRST.offering, price=Price(input_per_million=Decimal(1), output_per_million=Decimal(10)))
    first = replace(FIRST, offering=priced)
    running = UsagePiece(Usage(input_tokens=12, output_tokens=1))
    run = world(
        (first, [[Opened(), running, Say("Raft is a consensus algorithm, "), *failing(K.CONNECTION)]]),
        (SECOND, [answer(REST)]),
        limits=CONTINUE,
    )

    events = run.play()

    cut = next(event for event in events if isinstance(event, AttemptFinished))
    assert (cut.usage.input_tokens, cut.usage.output_tokens, cut.usage.estimated) == (12, 8, True)
    assert cut.cost_estimated
    assert cut.cost == (Decimal(12) * 1 + Decimal(8) * 10) / 1_000_000
    assert end(events).totals.usage.estimated


def test_an_answer_is_handed_over_without_its_last_white_space_and_with_what_is_left_of_its_length() -> None:
    request = replace(ask_for("What?"), max_output_tokens=100)

    over = handed_over(request, "Raft is a consensus algorithm.\n\n")

    assert over.messages == (*request.messages, Message(role="assistant", parts=(Text(text="Raft is a consensus algorithm."),)))
    assert over.max_output_tokens == 92
    assert handed_over(request, "word " * 200).max_output_tokens == 1


def test_cancelled_in_a_continuation_all_that_arrived_is_the_answer() -> None:
    run = chain([Say("Raft is a"), *failing(K.CONNECTION)], [Say(" consensus"), Silence(10)])

    async def main(loop: VirtualLoop) -> list[Any]:
        async with run.run(loop) as running:
            await asyncio.sleep(5)
            running.cancel()
            return [event async for event in running]

    last = end(run_virtually(main))
    assert last.outcome == "cancelled"
    assert last.answer is not None and last.answer.text == "Raft is a consensus"


def test_the_fold_shows_what_the_reader_has() -> None:
    run = chain([Say("Raft is a"), *failing(K.CONNECTION)], answer(REST))
    view = RunView()
    seen = []
    for event in run.play():
        view = fold(view, event)
        seen.append(view.visible)

    assert seen[-1] == "Raft is a" + REST
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert [attempt.continues_characters for attempt in view.attempts] == [0, 9]


SENTENCE = "Raft elects a leader by randomised timeouts and that one copies its log to every follower within reach."
WORDS = SENTENCE.split()


@dataclass
class Writer(Scripted):
    """Goes on from what it is given, or says again some of it, in pieces of any size, and breaks off where it is told to."""

    scripts: Any = ()
    whole: str = ""
    again: int = 0
    piece: int = 1
    breaks_after: int | None = None
    pause_seconds: float = 0.0

    async def call(self, call: Call) -> AsyncIterator[Piece]:
        self.calls.append(call)
        last = call.request.messages[-1]
        given = last.text if last.role == "assistant" else ""
        assert self.whole.startswith(given)
        start = len(given) - self.again if self.again >= SURE_CHARACTERS and self.again <= len(given) else len(given)
        rest = self.whole[start:]
        for at in range(0, len(rest) if self.breaks_after is None else min(len(rest), self.breaks_after), self.piece):
            await asyncio.sleep(self.pause_seconds)
            yield TextPiece(rest[at : at + self.piece])
        if self.breaks_after is not None:
            raise CallFailed(Failure(kind=K.CONNECTION, rule="test", message="cut"))
        yield Finish("stop")


writers = st.builds(
    Writer,
    again=st.integers(0, 60),
    piece=st.integers(1, 40),
    breaks_after=st.integers(0, 120),
    pause_seconds=st.sampled_from([0.0, 0.3]),
)


@given(
    st.permutations(WORDS).map(" ".join),
    st.tuples(writers, writers, writers.map(lambda writer: replace(writer, breaks_after=None))),
    st.sampled_from(["off", "window", "full"]),
    st.sampled_from([5, 40, 200]),
)
@settings(max_examples=300, deadline=None)
def test_an_answer_cut_anywhere_again_and_again_is_whole_in_the_end(
    whole: str, who: tuple[Writer, ...], gate: Any, window: int
) -> None:
    limits = replace(CONTINUE, gate=gate, gate_characters=window)
    run = chain([], [], [], limits=limits)
    run.providers = {ref: replace(writer, whole=whole, calls=[]) for ref, writer in zip(run.providers, who, strict=True)}

    last = end(run.play())

    assert last.outcome == "answered"
    assert last.answer is not None and last.answer.text == whole
