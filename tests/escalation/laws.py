"""The laws that hold for the events of every run; each violation is a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    AttemptStarted,
    Event,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallFinished,
    ToolCallRequested,
)


def violations(events: Sequence[Event], max_attempts: int) -> list[str]:
    """What is wrong with the order of `events`; empty where every law holds."""
    broken: list[str] = []
    if [event.seq for event in events] != list(range(len(events))):
        broken.append(f"seq has gaps: {[event.seq for event in events]}")
    if not events or not isinstance(events[0], RunStarted) or sum(isinstance(event, RunStarted) for event in events) != 1:
        broken.append("run_started is not the first event exactly once")
    if not events or not isinstance(events[-1], RunFinished) or sum(isinstance(event, RunFinished) for event in events) != 1:
        broken.append("run_finished is not the last event exactly once")
    elapsed = [event.elapsed_ms for event in events]
    if elapsed != sorted(elapsed):
        broken.append("elapsed_ms goes backwards")
    broken += _attempts(events, max_attempts)
    broken += _tools(events)
    broken += _switches(events)
    broken += _answer(events)
    return broken


def _attempts(events: Sequence[Event], max_attempts: int) -> list[str]:
    broken: list[str] = []
    open_attempt: int | None = None
    started = 0
    for event in events:
        match event:
            case AttemptStarted():
                if open_attempt is not None:
                    broken.append(f"attempt {event.attempt} started inside attempt {open_attempt}")
                started += 1
                if event.attempt != started:
                    broken.append(f"attempt {event.attempt} is the {started}. one")
                open_attempt = event.attempt
            case AttemptFinished():
                if event.attempt != open_attempt:
                    broken.append(f"attempt {event.attempt} finished without being open")
                open_attempt = None
            case TextDelta() | ThinkingDelta() | ToolCallRequested() | ProviderFailed() | QualityChecked():
                if event.attempt != open_attempt:
                    broken.append(f"{event.type} of attempt {event.attempt} while {open_attempt} is open")
            case _:
                pass
    if open_attempt is not None:
        broken.append(f"attempt {open_attempt} never finished")
    if started - len(rounds(events)) > max_attempts:
        broken.append(f"{started} attempts, {max_attempts} allowed beside {len(rounds(events))} rounds of tools")
    return broken


def rounds(events: Sequence[Event]) -> set[int]:
    """The attempts that ended in a finished round of tools: all that they asked for has run, and the run went on."""
    last = max((event.attempt for event in events if isinstance(event, AttemptStarted)), default=0)
    return {event.attempt for event in events if isinstance(event, ToolCallFinished) and event.attempt < last}


def _tools(events: Sequence[Event]) -> list[str]:
    """No tool call runs twice, none that was not asked for, and each of a finished round exactly once."""
    broken: list[str] = []
    asked: dict[int, list[str]] = {}
    answered: dict[int, list[str]] = {}
    open_attempt = None
    for event in events:
        match event:
            case AttemptStarted():
                open_attempt = event.attempt
            case AttemptFinished():
                open_attempt = None
            case ToolCallRequested():
                asked.setdefault(event.attempt, []).append(event.call_id)
            case ToolCallFinished():
                if open_attempt is not None:
                    broken.append(f"{event.call_id} ran while attempt {open_attempt} is open")
                answered.setdefault(event.attempt, []).append(event.call_id)
            case _:
                pass
    ran = [call_id for ids in answered.values() for call_id in ids]
    if len(ran) != len(set(ran)):
        broken.append(f"a tool call ran twice: {ran}")
    for attempt, ids in answered.items():
        wanted = asked.get(attempt, []) if attempt in rounds(events) else asked.get(attempt, [])[: len(ids)]
        if ids != wanted:
            broken.append(f"attempt {attempt} asked for {asked.get(attempt)}, and {ids} ran")
    return broken


def _switches(events: Sequence[Event]) -> list[str]:
    """Each change of candidate is announced once, between the end of the one and the start of the other."""
    broken: list[str] = []
    chain = next(event.chain for event in events if isinstance(event, RunStarted))
    before = chain.primary
    announced: list[ProviderSwitched] = []
    for event in events:
        match event:
            case ProviderSwitched():
                announced.append(event)
            case AttemptStarted():
                wanted = [] if event.resolution == before else [(before, event.resolution)]
                if [(switch.from_resolution, switch.to_resolution) for switch in announced] != wanted:
                    broken.append(f"attempt {event.attempt}: {len(announced)} announcements for {len(wanted)} switches")
                before, announced = event.resolution, []
            case _:
                pass
    if announced:
        broken.append("a switch was announced to a candidate that was never called")
    return broken


def _answer(events: Sequence[Event]) -> list[str]:
    """What the reader has at the end is the answer: its deltas, less what was reset."""
    shown: dict[int, str] = {}
    for event in events:
        match event:
            case TextDelta():
                shown[event.attempt] = shown.get(event.attempt, "") + event.text
            case AnswerReset():
                shown[event.attempt] = ""
            case _:
                pass
    finished = events[-1]
    if not isinstance(finished, RunFinished):
        return []
    final, answer = "".join(shown.values()), finished.answer
    if finished.outcome is RunOutcome.ANSWERED and (answer is None or final != answer.text):
        return [f"the reader has {final!r}, the answer is {answer!r}"]
    if answer is not None and "".join(answer.text[part.start : part.end] for part in answer.ranges) != answer.text:
        return ["the ranges do not make up the answer"]
    if answer is None and final:
        return [f"{final!r} is shown, and there is no answer"]
    return []
