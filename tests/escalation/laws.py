"""The laws that hold for the events of every run; each violation is a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    AttemptStarted,
    Event,
    GateOpened,
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
from llmesc.escalation.resolution import Resolution


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
    running: list[int] = []
    wrote: set[int] = set()
    started = 0
    for event in events:
        match event:
            case AttemptStarted():
                started += 1
                if event.attempt != started:
                    broken.append(f"attempt {event.attempt} is the {started}. one")
                broken += _start(event, running, wrote)
                running.append(event.attempt)
            case AttemptFinished():
                if event.attempt not in running:
                    broken.append(f"attempt {event.attempt} finished without being open")
                else:
                    running.remove(event.attempt)
                if event.lost_to is not None and (event.attempt in wrote or event.outcome != "cancelled" or event.characters):
                    broken.append(f"attempt {event.attempt} lost to {event.lost_to}: {event.outcome}, and wrote")
            case TextDelta() | GateOpened() | ThinkingDelta() | ToolCallRequested():
                wrote.add(event.attempt)
                if running != [event.attempt]:
                    broken.append(f"{event.type} of attempt {event.attempt} while {running} are open")
            case ProviderFailed() | QualityChecked():
                if event.attempt not in running:
                    broken.append(f"{event.type} of attempt {event.attempt} while {running} are open")
            case _:
                pass
    if running:
        broken.append(f"attempts {running} never finished")
    if started - len(rounds(events)) > max_attempts:
        broken.append(f"{started} attempts, {max_attempts} allowed beside {len(rounds(events))} rounds of tools")
    return broken


def _start(event: AttemptStarted, running: Sequence[int], wrote: set[int]) -> list[str]:
    """One that hedges starts beside one that wrote nothing, and is no probe; every other one is alone."""
    if event.hedges is None:
        return [f"attempt {event.attempt} started inside {running}"] if running else []
    right = running == [event.hedges] and event.hedges not in wrote and not event.probe
    return [] if right else [f"attempt {event.attempt} hedges {event.hedges} of {running}, {wrote} wrote, {event.probe}"]


def rounds(events: Sequence[Event]) -> set[int]:
    """The attempts that ended in a finished round of tools: all that they asked for has run, and the run went on."""
    last = max((event.seq for event in events if isinstance(event, AttemptStarted)), default=-1)
    return {event.attempt for event in events if isinstance(event, ToolCallFinished) and event.seq < last}


def _tools(events: Sequence[Event]) -> list[str]:
    """No tool call runs twice, none that was not asked for, and each of a finished round exactly once."""
    broken: list[str] = []
    asked: dict[int, list[str]] = {}
    answered: dict[int, list[str]] = {}
    running: set[int] = set()
    for event in events:
        match event:
            case AttemptStarted():
                running.add(event.attempt)
            case AttemptFinished():
                running.discard(event.attempt)
            case ToolCallRequested():
                asked.setdefault(event.attempt, []).append(event.call_id)
            case ToolCallFinished():
                if running:
                    broken.append(f"{event.call_id} ran while {running} are open")
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
    """Each change of candidate is announced once: between the end of the one and the start of the other, or, where the other was
    its hedge, before anything of it is shown.
    """
    broken: list[str] = []
    chain = next(event.chain for event in events if isinstance(event, RunStarted))
    before = chain.primary
    turn = 0
    running: dict[int, Resolution] = {}
    announced: list[ProviderSwitched] = []
    for event in events:
        match event:
            case ProviderSwitched():
                if running:
                    [(hedge, resolution)] = running.items()
                    if (event.from_resolution, event.to_resolution) != (before, resolution):
                        broken.append(f"{event.to_resolution.ref} takes over, and {resolution.ref} runs")
                    before, turn = resolution, hedge
                else:
                    announced.append(event)
            case AttemptStarted():
                running[event.attempt] = event.resolution
                wanted = [] if event.resolution == before or event.hedges else [(before, event.resolution)]
                if [(switch.from_resolution, switch.to_resolution) for switch in announced] != wanted:
                    broken.append(f"attempt {event.attempt}: {len(announced)} announcements for {len(wanted)} switches")
                announced = []
                if event.hedges is None:
                    before, turn = event.resolution, event.attempt
            case AttemptFinished():
                running.pop(event.attempt, None)
            case TextDelta() | GateOpened() | ThinkingDelta() | ToolCallRequested():
                if event.attempt != turn:
                    broken.append(f"{event.type} of attempt {event.attempt}, and it is the turn of {turn}")
            case _:
                pass
    if announced:
        broken.append("a switch was announced to a candidate that was never called")
    return broken


Written = list[tuple[int, str]]
"""Characters, each with the attempt that wrote it."""


def text_of(written: Written) -> str:
    return "".join(character for _, character in written)


class Reader:
    """What somebody has who reads a stream as the events tell him to, and who wrote it."""

    def __init__(self) -> None:
        self.has: Written = []
        self.held: dict[int, Written] = {}
        self.opened: set[int] = set()

    def read(self, event: Event) -> list[str]:
        """Takes one event; what is wrong with it."""
        match event:
            case TextDelta():
                written = [(event.attempt, character) for character in event.text]
                if event.held:
                    self.held.setdefault(event.attempt, []).extend(written)
                    return [f"attempt {event.attempt} is held behind an open gate"] if event.attempt in self.opened else []
                self.has += written
                return [f"attempt {event.attempt} shows text over held text"] if self.held.get(event.attempt) else []
            case GateOpened():
                shown = self.held.pop(event.attempt, [])
                self.has += shown
                self.opened.add(event.attempt)
                return [] if len(shown) == event.characters > 0 else [f"{event.characters} characters shown, {len(shown)} held"]
            case AnswerReset():
                had, self.has = self.has, []
                return [] if len(had) == event.characters > 0 else [f"{event.characters} characters reset, {len(had)} were shown"]
            case ProviderSwitched():
                counted = event.characters_discarded, event.characters_kept
                allowed = {(len(self.has), 0), (0, len(self.has))}
                return [] if counted in allowed else [f"a switch discards and keeps {counted} of {len(self.has)}"]
            case AttemptStarted():  # a hedge, too: it goes on from what the other goes on from
                has = len(self.has)
                return [] if event.continues_characters == has else [f"attempt {event.attempt} continues not the {has} shown"]
            case _:
                return []


def _answer(events: Sequence[Event]) -> list[str]:
    """What the reader has at the end is the answer, character for character by whom the ranges name, nothing of what was
    discarded among it; and the answer is what its ranges say.
    """
    reader = Reader()
    broken = [wrong for event in events for wrong in reader.read(event)]
    finished = events[-1]
    if not isinstance(finished, RunFinished):
        return broken
    answer, has = finished.answer, text_of(reader.has)
    if answer is None:
        if finished.outcome is RunOutcome.ANSWERED:
            broken.append("it is answered without an answer")
        return [*broken, f"{has!r} is shown, and there is no answer"] if has else broken
    named = [(part.attempt, character) for part in answer.ranges for character in answer.text[part.start : part.end]]
    if finished.outcome is RunOutcome.ANSWERED and reader.has != named:
        broken.append(f"the reader has {reader.has!r}, the ranges name {named!r}")
    if reader.has != named[: len(reader.has)]:
        broken.append(f"the reader has {reader.has!r}, and that is not how {named!r} begins")
    wrote: dict[int, str] = {}
    for event in events:
        if isinstance(event, TextDelta):
            wrote[event.attempt] = wrote.get(event.attempt, "") + event.text
    position = 0
    for part in answer.ranges:
        if part.start != position or answer.text[part.start : part.end] != wrote.get(part.attempt, ""):
            broken.append(f"{part} is not what attempt {part.attempt} wrote")
        position = part.end
    if position != len(answer.text) or answer.ranges[-1].attempt > answer.attempt:
        broken.append(f"the ranges {answer.ranges} do not make up the answer")
    return broken
