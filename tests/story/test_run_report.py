"""A run as steps, as lines and as books: everything in its place in time, nothing thrown away unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.engine import AttemptRow
from llmesc.escalation.envelope import Allowance
from llmesc.escalation.events import (
    AnswerRange,
    AttemptOutcome,
    AttemptStarted,
    Event,
    JudgeCall,
    Move,
    QualityChecked,
    RunFinished,
    RunOutcome,
    Waiting,
)
from llmesc.escalation.messages import Usage
from llmesc.escalation.times import Timestamp
from llmesc.story.ledger import ledger, ledger_lines
from llmesc.story.report_json import report_json
from llmesc.story.run_lines import run_lines
from llmesc.story.run_report import report
from llmesc.story.width import display_width
from tests.dashboard import scenes

TAPES = {name: getattr(scenes, name)() for name in ("switched", "hedged", "answered", "below_bar", "exhausted", "streaming")}


def text(events: list[Event], width: int = 100, rows: Any = ()) -> str:
    return "\n".join("".join(part.text for part in line) for line in run_lines(report(events, rows), width))


def test_steps_come_in_the_order_of_time_with_the_switches_between_them() -> None:
    told = report(TAPES["answered"].events, ())

    assert [(step.mark, step.number) for step in told.steps] == [
        ("≈", "1"),
        ("→", ""),
        ("✗", "2"),
        ("○", ""),
        ("→", ""),
        ("✓", "3"),
    ]
    began = [step.ran.began for step in told.steps if step.ran is not None]
    assert began == sorted(began)
    assert told.steps[2].details[0].startswith("overloaded (503, status.503): no workers available")
    assert told.writers == (f"{len(scenes.RAFT):,} characters by claude@team-a/claude-sonnet-4-6",)


def test_who_was_passed_over_says_why_and_when_again() -> None:
    skipped = report(TAPES["exhausted"].events, ()).steps[0]

    assert (skipped.mark, skipped.name) == ("↷", "embedded/smollm2-135m")
    assert skipped.details[0].startswith("circuit open (server_error: 503); may be tried at ")


@pytest.mark.parametrize("tape", TAPES)
@settings(deadline=None)
@given(width=st.integers(40, 200))
def test_no_row_with_a_bar_is_wider_than_the_terminal(tape: str, width: int) -> None:
    rows = [line for line in text(TAPES[tape].events, width).splitlines() if any(block in line for block in "░█")]

    assert rows
    assert max(map(display_width, rows)) <= width


def test_a_wait_is_drawn_until_the_next_call() -> None:
    tape = scenes.Tape("w", "hi", began=5.0)
    until = Timestamp(scenes.NOW + 1)
    tape.add(Waiting, after_ms=10, until=until, resolution=scenes.LAB, because="rate_limit")
    tape.add(AttemptStarted, after_ms=990, attempt=1, attempt_id="w.1", resolution=scenes.LAB, move=Move.PRIMARY)

    wait, call = report(tape.events, ()).steps

    assert wait.ran is not None and call.ran is not None
    assert (wait.mark, wait.ran.began, wait.ran.ended) == ("…", 0.01, 1.0)
    assert wait.ran.ended == call.ran.began
    assert "·" * 10 in text(tape.events)


def test_an_attempt_whose_process_was_killed_says_so() -> None:
    row = AttemptRow(
        run_id="7f3a",
        attempt=1,
        ref="embedded/smollm2-135m",
        tier="local",
        move="primary",
        started_at=scenes.NOW,
        outcome="interrupted",
        kind=None,
        duration_seconds=None,
    )
    told = report(TAPES["streaming"].events, [row])

    assert (told.outcome, told.steps[0].mark, told.steps[0].details[0]) == ("interrupted", "⊘", "interrupted")
    made = report_json(told)
    assert (made["status"], made["attempts"][0]["outcome"], made["attempts"][0]["status"]) == ("error", "interrupted", "error")


# -- the books ----------------------------------------------------------------------------------------------------------------


def test_what_wrote_nothing_of_the_accepted_answer_was_thrown_away() -> None:
    books = ledger(TAPES["answered"].view)

    assert books.wasted_attempts == (1, 2)
    assert books.cost == Decimal("0.0038")
    assert books.wasted_cost == 0
    assert books.answer_seconds + books.wasted_seconds + books.idle_seconds == pytest.approx(books.seconds, abs=0.01)
    assert books.allowed_seconds == 120


def test_below_the_bar_nothing_was_accepted() -> None:
    books = ledger(TAPES["below_bar"].view)

    assert books.wasted_attempts == (1, 2)
    assert books.answer_seconds == 0


def test_a_beginning_that_another_went_on_with_is_no_waste() -> None:
    events = TAPES["answered"].events
    last = events[-1]
    assert isinstance(last, RunFinished) and last.answer is not None
    ranges = (AnswerRange(attempt=2, start=0, end=10), AnswerRange(attempt=3, start=10, end=len(last.answer.text)))
    told = report([*events[:-1], replace(last, answer=replace(last.answer, ranges=ranges))], ())

    assert ledger(told.view).wasted_attempts == (1,)
    assert told.writers[0] == "10 characters by lab@gpu1/qwen3-32b"


def test_of_two_side_by_side_the_time_in_which_nobody_was_called_is_counted_once() -> None:
    tape = scenes.racing().outrun(scenes.CLAUDE).write("Raft.")
    tape.ended(AttemptOutcome.SUCCESS, cost="0.01").done(RunOutcome.ANSWERED, "Raft.", cost="0.01")

    books = ledger(tape.view)

    assert books.wasted_attempts == (1,)
    assert 0 <= books.idle_seconds < 0.1
    assert books.answer_seconds + books.wasted_seconds > 0


def test_what_each_attempt_was_allowed_is_told() -> None:
    tape = scenes.Tape("a", "hi", began=5.0)
    allowance = Allowance(seconds=60, of_seconds=110, dollars=Decimal("0.05"), output_tokens=900)
    fields = {"attempt": 1, "attempt_id": "a.1", "resolution": scenes.CLAUDE, "move": Move.PRIMARY}
    tape.add(AttemptStarted, allowance=allowance, **fields)

    lines = list(ledger_lines(tape.view))

    assert lines[1].startswith("money  unknown: ")
    assert lines[2].strip() == (
        "attempt 1 was allowed 60 s of the 110 s left and $0.0500 (for at most 900 tokens), and took 0 ms"
    )


def test_what_a_judge_used_stands_apart_from_the_sums() -> None:
    tape = scenes.Tape("a", "hi", began=5.0).call(scenes.LAB, Move.PRIMARY).write("hello")
    used = Usage(input_tokens=161, output_tokens=4)
    judge = JudgeCall(resolution=scenes.CLAUDE, usage=used, cost=Decimal("0.0005"), duration_seconds=0.25)
    tape.add(QualityChecked, attempt=1, score=90, threshold=50, passed=True, reasons=(), judge=judge)
    tape.ended(AttemptOutcome.SUCCESS).done(RunOutcome.ANSWERED, "hello", score=90)

    assert list(ledger_lines(tape.view))[-2:] == [
        f"judge  {scenes.CLAUDE.ref} of attempt 1: 161 → 4 tokens · $0.0005 in 0.2 s",
        "billed $0.0005: attempts and judges together",
    ]
    books = ledger(tape.view)
    assert (books.cost, books.judge_cost, books.unknown_judges) == (0, Decimal("0.0005"), ())
    told = json.loads(json.dumps(report_json(report(tape.events, ()))))["attempts"][0]["quality"]["judge"]
    assert (told["ref"], told["cost"], told["usage"]["input_tokens"]) == (scenes.CLAUDE.ref, "0.0005", 161)


def test_the_json_is_complete_and_plain() -> None:
    made = json.loads(json.dumps(report_json(report(TAPES["answered"].events, ()))))

    assert made["ledger"]["wasted_attempts"] == [1, 2]
    assert made["ledger"]["cost"] == "0.0038"
    assert made["limits"]["max_attempts"] == 3
    assert [step["mark"] for step in made["steps"]] == ["≈", "→", "✗", "○", "→", "✓"]
    assert made["not_kept"] is None
    assert made["status"] == "success"
    assert [attempt["status"] for attempt in made["attempts"]] == ["error", "provider_down", "success"]
    assert [step["status"] for step in made["steps"] if step["attempt"]] == ["error", "provider_down", "success"]
    assert made["prompt"] == "Explain Raft to a new operator"


def test_hostile_text_of_a_model_steers_no_terminal() -> None:
    tape = scenes.Tape("h", "\x1b[2J\x1b]0;owned\x07hi", began=5.0).call(scenes.LAB, Move.PRIMARY).write("\x1b[31mred\r\n")
    tape.judged(10, "\x1b[5mreason").ended(AttemptOutcome.QUALITY_FAILURE).done(
        RunOutcome.BELOW_BAR, "\x1b[31mred\u202e", score=10
    )

    assert not set("\x1b\x07\r\u202e") & set(text(tape.events))
