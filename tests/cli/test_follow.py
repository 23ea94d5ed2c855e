"""One run on two streams: the answer on the one, its story on the other, in every pairing of terminals and pipes."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, cast

import pytest

from llmesc.cli.answer import AnswerSink, Held, JsonLines, JsonObject, Streamed
from llmesc.cli.follow import Follower
from llmesc.cli.narrate import Narrator
from llmesc.cli.output import Output
from llmesc.cli.streams import Streams
from llmesc.escalation.events import (
    Answer,
    AnswerRange,
    AnswerReset,
    AttemptFinished,
    AttemptOutcome,
    AttemptStarted,
    Chain,
    Event,
    Move,
    ProviderFailed,
    ProviderSwitched,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    Totals,
)
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Usage, ask_for
from llmesc.escalation.resolution import Resolution, Tier
from llmesc.escalation.run import Run

pytestmark = pytest.mark.anyio

MakeStreams = Callable[..., Streams]
Resolve = Callable[..., Resolution]
Numbered = Callable[[Sequence[tuple[type[Event], dict[str, Any]]]], list[Event]]

USAGE = Usage(input_tokens=3, output_tokens=4)
RULE = "── switched lab@gpu1 → claude: overloaded · tier upgrade vllm → frontier · 7 characters discarded ──"
SWITCH = "→ switched lab@gpu1/qwen → claude/sonnet: overloaded; tier upgrade vllm → frontier: the prompt leaves your machines; "


class Recorded:
    """A run that already happened."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.left = False

    async def __aenter__(self) -> Recorded:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.left = True

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self.events:
            yield event

    def cancel(self) -> None:
        raise AssertionError("nobody cancels this")


@pytest.fixture
def switched(numbered: Numbered, resolve: Resolve) -> list[Event]:
    """Half an answer, an overloaded server, and a whole answer from elsewhere."""
    first, second = resolve("lab@gpu1/qwen"), resolve("claude/sonnet", Tier.FRONTIER)
    failure = Failure(kind=FailureKind.OVERLOADED, rule="status.503", message="no \x1b[2Jworkers", status=503)
    ended = {"usage": USAGE, "cost": Decimal("0.001"), "cost_estimated": False, "first_token_seconds": 0.1}
    answer = Answer(
        text="The whole\nanswer.", attempt=2, resolution=second, ranges=(AnswerRange(attempt=2, start=0, end=17),), score=100
    )
    return numbered(
        [
            (
                RunStarted,
                {
                    "request": ask_for("q"),
                    "chain": Chain(name="default", candidates=(first, second)),
                    "limits": Limits(),
                    "caller": {},
                },
            ),
            (AttemptStarted, {"attempt": 1, "attempt_id": "7f3a.1", "resolution": first, "move": Move.PRIMARY}),
            (TextDelta, {"attempt": 1, "text": "Half an"}),
            (ProviderFailed, {"attempt": 1, "resolution": first, "failure": failure}),
            (
                AttemptFinished,
                {
                    "attempt": 1,
                    "resolution": first,
                    "outcome": AttemptOutcome.ERROR,
                    "duration_seconds": 0.3,
                    "characters": 7,
                    **ended,
                },
            ),
            (
                ProviderSwitched,
                {
                    "from_resolution": first,
                    "to_resolution": second,
                    "move": Move.ESCALATION,
                    "because": "overloaded",
                    "detail": "no workers",
                    "tier_upgrade": True,
                    "characters_discarded": 7,
                },
            ),
            (AnswerReset, {"attempt": 1, "characters": 7}),
            (AttemptStarted, {"attempt": 2, "attempt_id": "7f3a.2", "resolution": second, "move": Move.ESCALATION}),
            (TextDelta, {"attempt": 2, "text": "The whole\n"}),
            (TextDelta, {"attempt": 2, "text": "answer."}),
            (
                AttemptFinished,
                {
                    "attempt": 2,
                    "resolution": second,
                    "outcome": AttemptOutcome.SUCCESS,
                    "duration_seconds": 0.5,
                    "characters": 17,
                    **ended,
                },
            ),
            (
                RunFinished,
                {
                    "outcome": RunOutcome.ANSWERED,
                    "answer": answer,
                    "totals": Totals(attempts=2, skipped=0, usage=USAGE, cost=Decimal("0.002"), duration_seconds=1.1),
                },
            ),
        ]
    )


def ended_otherwise(events: Sequence[Event], outcome: RunOutcome, *, keeps_answer: bool) -> list[Event]:
    from dataclasses import replace

    last = events[-1]
    assert isinstance(last, RunFinished)
    return [*events[:-1], replace(last, outcome=outcome, answer=last.answer if keeps_answer else None)]


Sink = Callable[[Output, Streams], AnswerSink]


def held(out: Output, _made: Streams) -> AnswerSink:
    return Held(out, strict=False)


def streamed(out: Output, made: Streams) -> AnswerSink:
    rules = made.stdout_is_terminal and not made.stderr_is_terminal
    return Streamed(out, strict=False, rules=rules, width=made.width)


async def follow(events: Sequence[Event], made: Streams, sink: Sink, *, details: bool = False) -> tuple[str, str]:
    run, out = Recorded(events), Output(made)
    same_screen = made.stdout_is_terminal and made.stderr_is_terminal
    follower = Follower(answer=sink(out, made), err=Narrator(made), details=details, same_screen=same_screen)

    view = await follower.follow(cast("Run", run))

    assert run.left
    assert view.events == len(events)
    assert isinstance(made.stdout, io.StringIO)
    assert isinstance(made.stderr, io.StringIO)
    return made.stdout.getvalue(), made.stderr.getvalue()


async def test_a_pipe_gets_the_accepted_answer_and_one_newline(switched: list[Event], streams: MakeStreams) -> None:
    out, err = await follow(switched, streams(), held)

    assert out == "The whole\nanswer.\n"
    assert err.splitlines() == [
        "✗ lab@gpu1/qwen: overloaded (503, status.503): no workers",
        SWITCH + "7 characters discarded",
        "✓ answered by claude/sonnet · 3 → 4 tokens · $0.0020 · 1.1 s · 2 attempts",
    ]


async def test_on_one_terminal_a_rule_of_the_story_stands_between_the_halves(switched: list[Event], streams: MakeStreams) -> None:
    made = streams(terminals="out err", width=200)
    screen = io.StringIO()  # both streams are the same screen
    from dataclasses import replace

    out, _ = await follow(switched, replace(made, stdout=screen, stderr=screen), streamed)

    shown = [line.rsplit("\x1b[2K", 1)[-1].rsplit("\r", 1)[-1] for line in out.split("\n")]
    assert shown == [
        "Half an",
        "✗ lab@gpu1/qwen: overloaded (503, status.503): no workers",
        RULE,
        "The whole",
        "answer.",
        "✓ answered by claude/sonnet · 3 → 4 tokens · $0.0020 · 1.1 s · 2 attempts",
        "",
    ]


async def test_where_the_story_goes_elsewhere_the_terminal_gets_the_rule_itself(
    switched: list[Event], streams: MakeStreams
) -> None:
    out, err = await follow(switched, streams(terminals="out", width=60), streamed)

    half, rule, *whole = out.splitlines()
    assert (half, whole) == ("Half an", ["The whole", "answer."])
    assert rule.startswith("── switched lab@gpu1 → claude: overloaded")
    assert len(rule) <= 60
    assert SWITCH in err


async def test_always_streaming_into_a_pipe_glues_what_came_line_by_line(switched: list[Event], streams: MakeStreams) -> None:
    out, err = await follow(switched, streams(terminals="err"), streamed)

    assert out == "Half an\nThe whole\nanswer.\n"
    assert SWITCH in err


async def test_the_status_line_is_gone_before_the_first_byte_of_the_answer(switched: list[Event], streams: MakeStreams) -> None:
    from dataclasses import replace

    screen = io.StringIO()
    made = streams(terminals="out err")

    out, _ = await follow(switched, replace(made, stdout=screen, stderr=screen), streamed)

    before, _, _ = out.partition("Half an")
    assert "calling lab@gpu1/qwen" in before
    assert before.endswith("\r\x1b[2K")


async def test_json_is_one_object_whatever_the_end(switched: list[Event], streams: MakeStreams) -> None:
    for outcome in RunOutcome:
        events = ended_otherwise(switched, outcome, keeps_answer=outcome is RunOutcome.ANSWERED)
        out, _ = await follow(events, streams(), lambda out, _: JsonObject(out))

        made = json.loads(out)
        assert out.count("\n") == 1
        assert made["outcome"] == outcome
        assert (made["error"] is None) == (outcome is RunOutcome.ANSWERED)
        assert [attempt["ref"] for attempt in made["attempts"]] == ["lab@gpu1/qwen", "claude/sonnet"]
        assert made["attempts"][0]["failure"]["kind"] == "overloaded"
        assert made["switches"][0]["tier_upgrade"] is True


async def test_the_json_answer_says_who_wrote_what(switched: list[Event], streams: MakeStreams) -> None:
    out, _ = await follow(switched, streams(), lambda out, _: JsonObject(out))

    answer = json.loads(out)["answer"]
    assert answer["text"] == "The whole\nanswer."
    assert answer["answered_by"] == "claude/sonnet"
    assert answer["ranges"] == [{"attempt": 2, "start": 0, "end": 17}]


async def test_json_lines_are_the_events(switched: list[Event], streams: MakeStreams) -> None:
    from llmesc.escalation.codec import decode_event

    out, _ = await follow(switched, streams(), lambda out, _: JsonLines(out))

    assert [decode_event(json.loads(line)) for line in out.splitlines()] == switched


@pytest.mark.parametrize(
    ("outcome", "strict", "printed"),
    [
        (RunOutcome.ANSWERED, True, True),
        (RunOutcome.BELOW_BAR, False, True),
        (RunOutcome.BELOW_BAR, True, False),
        (RunOutcome.DEADLINE, False, True),
        (RunOutcome.DEADLINE, True, False),
        (RunOutcome.CANCELLED, False, False),
    ],
)
async def test_which_answers_a_pipe_gets(
    outcome: RunOutcome, strict: bool, printed: bool, switched: list[Event], streams: MakeStreams
) -> None:
    events = ended_otherwise(switched, outcome, keeps_answer=True)

    out, _ = await follow(events, streams(), lambda out, _: Held(out, strict=strict))

    assert out == ("The whole\nanswer.\n" if printed else "")


async def test_the_best_answer_is_shown_again_where_a_worse_one_came_after_it(
    switched: list[Event], streams: MakeStreams
) -> None:
    """The answer that the run ends with need not be the last one on the screen."""
    from dataclasses import replace

    *before, last = ended_otherwise(switched, RunOutcome.BELOW_BAR, keeps_answer=True)
    assert isinstance(last, RunFinished)
    assert last.answer is not None
    best = replace(last, answer=replace(last.answer, text="The first one.", attempt=1))

    out, _ = await follow([*before, best], streams(terminals="out"), streamed)

    assert out.endswith("answer.\nThe first one.\n")


async def test_a_terminal_gets_no_control_characters_and_a_pipe_gets_every_byte(
    switched: list[Event], streams: MakeStreams
) -> None:
    from dataclasses import replace

    evil = "\x1b]52;c;aGk=\x07x\x9b31m\r[/x]"
    events = []
    for event in switched:
        if isinstance(event, TextDelta) and event.attempt == 2:
            event = replace(event, text=evil)
        if isinstance(event, RunFinished) and event.answer is not None:
            event = replace(event, answer=replace(event.answer, text=evil * 2))
        events.append(event)

    piped, _ = await follow(events, streams(), held)
    shown, _ = await follow(events, streams(terminals="out"), streamed)

    assert piped == evil * 2 + "\n"
    assert not set(shown) & set("\x1b\x07\x9b\r")
    assert "[/x]" in shown


async def test_details_tell_of_every_attempt(switched: list[Event], streams: MakeStreams) -> None:
    _, err = await follow(switched, streams(), held, details=True)

    assert err.splitlines()[:2] == [
        "run 7f3a · chain default · 2 candidates · at most 3 attempts in 2 min",
        "▶ attempt 1: lab@gpu1/qwen (vllm, primary)",
    ]
    assert "  attempt 2: success in 0.5 s · first token 0.1 s · 3 → 4 tokens · $0.0010" in err.splitlines()
