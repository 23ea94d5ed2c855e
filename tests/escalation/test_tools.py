"""The rounds of tools: what runs, what the model is told, and what happens to a round when its provider is lost."""

from __future__ import annotations

from typing import Any

import pytest

from llmesc.escalation.ending import run_error
from llmesc.escalation.errors import AuthError
from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    Event,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    ToolCallFinished,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Message, Request, Text, Thinking, ToolCall, ToolResult, ask_for
from llmesc.escalation.pieces import Finish, TextPiece, ThinkingPiece, ToolCallPiece
from llmesc.escalation.resolution import CircuitKey, Tier
from llmesc.escalation.tool_rounds import assistant_turn
from llmesc.escalation.tools import MAX_RESULT_BYTES, Toolbox, bounded
from tests.escalation.laws import violations
from tests.escalation.world import Bench, Say, World, answer, asking, candidate, failing, run_virtually, tool, world

A, B = candidate("a/m"), candidate("b/m", Tier.FRONTIER)


def results(events: list[Event]) -> list[tuple[str, str, bool]]:
    return [(event.name, event.result, event.is_error) for event in events if isinstance(event, ToolCallFinished)]


def attempts(events: list[Event]) -> list[tuple[str, AttemptOutcome]]:
    return [(event.resolution.ref, event.outcome) for event in events if isinstance(event, AttemptFinished)]


def last(events: list[Event]) -> RunFinished:
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    return finished


def asked(one: World, ref: str) -> list[Request]:
    return [call.request for call in one.providers[ref].calls]


OK = AttemptOutcome.SUCCESS


def test_tools_run_in_order_and_the_same_candidate_gets_the_results() -> None:
    bench = Bench()
    one = world((A, [asking("look_up", "add", text="Let me see."), answer("42")]), (B, [answer()]), toolbox=bench.toolbox())

    events = one.play()

    assert violations(events, 3) == []
    assert last(events).answer is not None
    assert last(events).answer.text == "42"
    assert attempts(events) == [("a/m", OK), ("a/m", OK)]
    assert bench.ran == [("look_up", {"n": 1}), ("add", {"n": 1})]
    assert asked(one, "a/m")[1].messages[1:] == (
        Message(
            role="assistant",
            parts=(
                Text(text="Let me see."),
                ToolCall(call_id="c1", name="look_up", arguments='{"n": 1}'),
                ToolCall(call_id="c2", name="add", arguments='{"n": 1}'),
            ),
        ),
        Message(
            role="tool",
            parts=(
                ToolResult(call_id="c1", content="look_up says {'n': 1}"),
                ToolResult(call_id="c2", content="add says {'n': 1}"),
            ),
        ),
    )
    assert [event.characters for event in events if isinstance(event, AnswerReset)] == [len("Let me see.")]


def test_a_provider_lost_between_two_rounds_leaves_its_finished_rounds_to_the_next_and_no_tool_runs_twice() -> None:
    bench = Bench()
    lost = [asking("look_up"), failing(FailureKind.OVERLOADED)]
    one = world((A, lost), (B, [asking("add"), answer("done")]), toolbox=bench.toolbox())

    events = one.play()

    assert violations(events, 3) == []
    assert attempts(events) == [("a/m", OK), ("a/m", AttemptOutcome.ERROR), ("b/m", OK), ("b/m", OK)]
    assert [name for name, _ in bench.ran] == ["look_up", "add"]
    first, second = asked(one, "b/m")
    assert [part for message in first.messages for part in message.parts if isinstance(part, ToolResult)] == [
        ToolResult(call_id="c1", content="look_up says {'n': 1}")
    ]
    # The other server counts its calls from the beginning, too: the conversation tells them apart.
    assert [part.call_id for message in second.messages for part in message.parts if isinstance(part, ToolCall)] == ["c1", "c1_2"]
    assert [event.because for event in events if isinstance(event, ProviderSwitched)] == ["overloaded"]


def test_an_answer_cut_after_its_calls_runs_nothing() -> None:
    bench = Bench()
    cut = [*asking("look_up")[:-1], failing(FailureKind.PROTOCOL)[0]]
    too_long = [*asking("look_up")[:-1], Finish("length")]
    one = world((A, [cut]), (B, [too_long]), toolbox=bench.toolbox())

    events = one.play()

    assert violations(events, 3) == []
    assert bench.ran == []
    assert results(events) == []


def test_rounds_are_no_attempts_and_are_bounded() -> None:
    bench = Bench()
    endless = [asking("look_up", text="One more.")]
    one = world(
        (A, endless), (B, [answer("From what is known: 42")]), limits=Limits(max_attempts=2), toolbox=bench.toolbox(max_rounds=3)
    )

    events = one.play()

    assert violations(events, 2) == []
    assert len(bench.ran) == 3
    assert attempts(events) == [*[("a/m", OK)] * 3, ("a/m", AttemptOutcome.QUALITY_FAILURE), ("b/m", OK)]
    judged = [event for event in events if isinstance(event, QualityChecked)]
    assert judged[0].reasons == ("tool_rounds -100: it still asks for tools after 3 rounds",)
    assert sum(isinstance(part, ToolResult) for message in asked(one, "b/m")[0].messages for part in message.parts) == 3


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("unknown", "{}", "there is no tool 'unknown'; there are: look_up, add, slow, broken, leaves"),
        ("look_up", "[1]", "the arguments have to be one JSON object"),
        ("look_up", '{"n":', "the arguments are not JSON: Expecting value: line 1 column 6 (char 5)"),
        ("broken", "{}", "ZeroDivisionError: by zero"),
        ("leaves", "{}", "SystemExit: 3"),
        ("slow", "{}", "slow did not finish within 30 s"),
    ],
)
def test_what_goes_wrong_with_a_tool_is_told_to_the_model(name: str, arguments: str, told: str) -> None:
    calls = [ToolCallPiece("c1", name, arguments), Finish("tool_calls")]
    one = world((A, [calls, answer("42")]), toolbox=Bench().toolbox())

    events = one.play()

    assert results(events) == [(name, told, True)]
    assert asked(one, "a/m")[1].messages[-1].parts == (ToolResult(call_id="c1", content=told, is_error=True),)
    assert last(events).outcome is RunOutcome.ANSWERED


def test_the_time_that_a_person_takes_to_allow_a_call_is_no_part_of_the_run() -> None:
    bench = Bench()
    one = world(
        (A, [asking("look_up", "add"), answer("42")]),
        limits=Limits(deadline_seconds=10),
        toolbox=bench.toolbox(permit=bench.refuse_add),
    )

    events = one.play()

    assert last(events).outcome is RunOutcome.ANSWERED
    assert [name for name, _ in bench.ran] == ["look_up"]
    assert results(events)[1] == ("add", "not this one", True)
    assert all(event.duration_seconds < 1 for event in events if isinstance(event, ToolCallFinished))


def test_who_is_asked_for_permission_has_seen_what_led_to_it() -> None:
    seen: list[str] = []

    async def permit(call: ToolCall) -> None:
        assert seen[-1] == "answer_reset"

    one = world((A, [asking("look_up", text="Let me see."), answer("42")]), toolbox=Bench().toolbox(permit=permit))

    async def main(loop: Any) -> None:
        async with one.run(loop) as run:
            async for event in run:
                seen.append(event.type)

    run_virtually(main)

    assert "tool_call_finished" in seen


def test_the_deadline_ends_a_tool_and_the_run() -> None:
    one = world((A, [asking("slow"), answer()]), limits=Limits(deadline_seconds=5), toolbox=Bench().toolbox())

    events = one.play()

    assert violations(events, 3) == []
    assert (last(events).outcome, last(events).answer) == (RunOutcome.DEADLINE, None)
    assert last(events).totals.duration_seconds == pytest.approx(5)


def test_a_cancel_ends_a_tool_and_the_run() -> None:
    one = world((A, [asking("slow"), answer()]), toolbox=Bench().toolbox())

    async def main(loop: Any) -> None:
        async with one.run(loop) as run:
            loop.call_later(1, run.cancel)
            await run.finished()

    run_virtually(main)

    assert violations(one.events, 3) == []
    assert last(one.events).outcome is RunOutcome.CANCELLED
    assert last(one.events).totals.duration_seconds == pytest.approx(1)


def test_a_candidate_whose_circuit_closed_the_way_between_rounds_is_skipped_and_the_next_goes_on() -> None:
    bench = Bench()
    one = world(
        (A, [asking("look_up"), answer("late")]), (B, [answer("42")]), toolbox=bench.toolbox(), limits=Limits(max_attempts=2)
    )

    async def drain(_arguments: Any) -> str:
        one.missing_credentials = frozenset({"a/m"})
        return "done"

    one.toolbox = Toolbox(tools=(tool("look_up", drain),))
    events = one.play()

    assert violations(events, 2) == []
    assert attempts(events) == [("a/m", OK), ("b/m", OK)]
    assert [event.because for event in events if isinstance(event, ProviderSwitched)] == ["no_credentials"]


def test_one_candidate_that_fails_after_a_round_raises_its_own_error() -> None:
    one = world((A, [asking("look_up"), failing(FailureKind.AUTH)]), toolbox=Bench().toolbox())
    view = RunView()
    for event in one.play():
        view = fold(view, event)

    assert isinstance(run_error(view), AuthError)
    assert [event.type for event in view.attempts[0].tools] == ["tool_call_requested", "tool_call_finished"]


def test_without_a_toolbox_the_calls_are_the_answer() -> None:
    events = world((A, [asking("look_up")])).play()

    assert sum(isinstance(event, AttemptStarted) for event in events) == 1
    assert last(events).answer is not None
    assert last(events).answer.tool_calls == ({"call_id": "c1", "name": "look_up", "arguments": '{"n": 1}'},)


def test_a_results_size_is_bounded_and_the_result_says_so() -> None:
    cut = bounded("é" * MAX_RESULT_BYTES)

    assert len(cut.encode()) <= MAX_RESULT_BYTES
    assert cut.endswith(f"[cut: {MAX_RESULT_BYTES} of {2 * MAX_RESULT_BYTES} bytes are shown]")
    assert bounded("short \ud800") == "short ?"


def test_a_turn_keeps_the_order_and_the_signatures_of_what_the_model_said() -> None:
    content = [
        ThinkingPiece("I thi"),
        ThinkingPiece("nk"),
        ThinkingPiece("", "signed"),
        ThinkingPiece("", "redacted"),
        TextPiece("Let "),
        TextPiece("me"),
        ToolCallPiece("c1", "look_up", "{}"),
        ThinkingPiece("aloud"),
    ]

    assert assistant_turn(content, CircuitKey("a", "i")).parts == (
        Thinking(text="I think", signature="signed", provider="a", instance="i"),
        Thinking(text="", signature="redacted", provider="a", instance="i"),
        Text(text="Let me"),
        ToolCall(call_id="c1", name="look_up", arguments="{}"),
        Thinking(text="aloud", provider="a", instance="i"),
    )


def test_two_tools_of_one_name_are_refused() -> None:
    async def nothing(_arguments: Any) -> str:
        return ""

    with pytest.raises(ValueError, match="several tools are called look_up"):
        Toolbox(tools=(tool("look_up", nothing), tool("look_up", nothing)))


def test_the_prompt_stays_the_users_while_the_conversation_grows() -> None:
    one = world((A, [[Say(""), *asking("look_up")], answer()]), request=ask_for("What is Raft?"), toolbox=Bench().toolbox())
    one.play()

    assert {request.prompt for request in asked(one, "a/m")} == {"What is Raft?"}
