"""What the answer pane shows of a run: a block for each attempt, in it text, thinking and tools in the order they came. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from llmesc.dashboard.answering.calls import call_words, told_in_full
from llmesc.escalation.events import AttemptOutcome, ProviderSwitched, RunOutcome, ToolCallFinished, ToolCallRequested
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.style import Style

Kind = Literal["text", "held", "thinking", "tool"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch of an attempt."""

    kind: Kind
    start: int
    """Where it begins: with `kind` and the attempt, what it is known by."""
    text: str
    """Of a tool: what is told of it where it is open."""
    heading: str = ""
    """Of what is folded to one line; or a line above held text."""
    ended: bool = True
    """Whether no more of it will come."""


@dataclass(frozen=True, slots=True)
class Block:
    """One attempt."""

    attempt: int
    switch: ProviderSwitched | None
    """What took the turn to it."""
    title: str
    style: Style
    struck: bool
    """Its text does not count; the title says so, too."""
    goes_on: bool
    """Its text goes on from where that of the block before ends."""
    entries: tuple[Entry, ...]


def blocks(view: RunView) -> tuple[Block, ...]:
    """One for each attempt, in their order."""
    return tuple(_block(attempt, view) for attempt in view.attempts)


def _block(attempt: AttemptView, view: RunView) -> Block:
    counts = _counts(attempt, view)
    state, style = _state(attempt, view)
    if attempt.hedges is not None:
        state += f", beside attempt {attempt.hedges}, which was silent"
    if attempt.continues_characters:
        state += f", goes on from {words.plural(attempt.continues_characters, 'character')}"
    parts = [words.who(attempt.resolution), state]
    if _over(attempt, view) and not _accepted(attempt, view):
        parts.append(_fate(attempt, counts=counts))
    title = " · ".join(part for part in parts if part)
    return Block(
        attempt=attempt.attempt,
        switch=_switch_to(attempt, view),
        title=one_line(title),
        style=style,
        struck=not counts,
        goes_on=attempt.continues_characters > 0,
        entries=tuple(_entries(attempt, view)),
    )


def _over(attempt: AttemptView, view: RunView) -> bool:
    return attempt.outcome is not None or attempt.failure is not None or view.outcome is not None or view.interrupted


def _accepted(attempt: AttemptView, view: RunView) -> bool:
    return view.answer is not None and attempt.attempt in {part.attempt for part in view.answer.ranges}


def _counts(attempt: AttemptView, view: RunView) -> bool:
    """Whether its text is (or may become) part of the answer."""
    if attempt.discarded:
        return False
    if _accepted(attempt, view):
        return True
    if attempt.outcome is AttemptOutcome.SUCCESS or not _over(attempt, view):
        return True
    if attempt.outcome is None and attempt.failure is None and view.interrupted:
        return True  # nobody took it back
    if attempt.outcome is AttemptOutcome.CANCELLED and view.outcome is RunOutcome.CANCELLED:
        return True  # what arrived is kept
    return _gone_on_from(attempt, view)


def _gone_on_from(attempt: AttemptView, view: RunView) -> bool:
    """Whether a later attempt goes on from its text, or still may: then nothing has been taken back yet."""
    if not attempt.characters - attempt.held_characters:
        return False
    later = [other for other in view.attempts if other.attempt > attempt.attempt]
    if later:
        return later[0].continues_characters > 0
    return not view.interrupted and view.outcome is None and view.limits is not None and view.limits.resume == "continue"


def _fate(attempt: AttemptView, *, counts: bool) -> str:
    """What became of the text of an attempt that is over, and is not the answer."""
    if not attempt.characters:
        return "wrote nothing"
    if attempt.held_characters == attempt.characters:
        return "never shown"
    return "kept" if counts else "discarded"


def _state(attempt: AttemptView, view: RunView) -> tuple[str, Style]:
    if _accepted(attempt, view) and view.answer is not None:
        return _answer_words(attempt, view)
    if attempt.failure is not None:
        return f"✗ {words.plain_words(attempt.failure.kind)}", "bad"
    if attempt.lost_to is not None:
        return f"⊘ attempt {attempt.lost_to} was first", "dim"
    if attempt.outcome is not None:
        state, style = words.outcome_words(attempt.outcome)
        quality = attempt.quality
        return (f"{state}: quality {quality.score} of 100" if quality is not None and not quality.passed else state), style
    if view.outcome is not None:
        return words.outcome_words(view.outcome)
    if view.interrupted:
        return words.outcome_words("interrupted")
    if attempt.held_characters:
        return "▶ writing, held back until it is checked", "plain"
    if attempt.characters:
        return "▶ writing", "plain"
    return ("▶ thinking" if attempt.thinking else "▶ waiting for its first token"), "plain"


def _answer_words(attempt: AttemptView, view: RunView) -> tuple[str, Style]:
    assert view.answer is not None, "only of an answer"
    parts = view.answer.ranges
    if view.outcome is RunOutcome.ANSWERED:
        share = sum(part.end - part.start for part in parts if part.attempt == attempt.attempt)
        whole = share == len(view.answer.text) or attempt.attempt != parts[0].attempt
        return ("✓ answer" if whole else f"✓ answer, its first {words.plural(share, 'character')}"), "good"
    if view.outcome is RunOutcome.CANCELLED:
        return "⊘ cancelled; what arrived is kept", "doubtful"
    return "≈ the best answer, below the bar", "doubtful"


def _switch_to(attempt: AttemptView, view: RunView) -> ProviderSwitched | None:
    """The last switch to that candidate before it began; the first attempt of all follows none."""
    switches = view.switches if attempt.attempt > 1 else ()
    before = [one for one in switches if one.to_resolution == attempt.resolution and one.elapsed_ms <= attempt.started_ms]
    return before[-1] if before else None


def _entries(attempt: AttemptView, view: RunView) -> Iterator[Entry]:
    over = _over(attempt, view)
    ends = {"text": attempt.characters, "thinking": attempt.thinking_characters}
    found: list[Entry] = []
    shown, thinking = attempt.shown, "".join(attempt.thinking)
    finished = {event.call_id: event for event in attempt.tools if isinstance(event, ToolCallFinished)}
    requested = {event.call_id for event in attempt.tools if isinstance(event, ToolCallRequested)}
    for place, passage in reversed(tuple(enumerate(attempt.passages))):
        ended = over or place < len(attempt.passages) - 1
        if passage.kind == "tool":
            event = attempt.tools[passage.start]
            if isinstance(event, ToolCallRequested):
                done = finished.get(event.call_id)
                heading = call_words(event, done, over=over)
                found.append(Entry("tool", passage.start, told_in_full(event.arguments, done), heading, over or done is not None))
            elif event.call_id not in requested:
                found.append(Entry("tool", passage.start, told_in_full("", event), call_words(event, event, over=over)))
            continue
        end, ends[passage.kind] = ends[passage.kind], passage.start
        if passage.kind == "thinking":
            grows = "" if ended else " …"
            heading = f"thinking · {words.plural(end - passage.start, 'character')}{grows}"
            found.append(Entry("thinking", passage.start, thinking[passage.start : end], heading, ended))
        else:
            found += _text(attempt, shown, passage.start, end, ended=ended, over=over)
    yield from reversed(found)


def _text(attempt: AttemptView, shown: str, start: int, end: int, *, ended: bool, over: bool) -> list[Entry]:
    """The entries of one stretch of text, the last first: what was held of it apart."""
    free = max(min(attempt.characters - attempt.held_characters, end), start)
    entries: list[Entry] = []
    if free < end:
        told = "held back, never shown" if over else "held back, not shown yet"
        heading = f"{told} · {words.plural(end - free, 'character')}"
        entries.append(Entry("held", free, shown[free:end], heading, ended))
    if start < free:
        entries.append(Entry("text", start, shown[start:free], "", ended or free < end))
    return entries
