"""How values read: times, money, tokens, states. The same words in the story, the tables and the status line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from llmesc.escalation.failures import Failure
from llmesc.escalation.messages import Usage
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.story.style import Style

if TYPE_CHECKING:
    # What only counts circuits does without the events these bring.
    from llmesc.escalation.events import Totals
    from llmesc.escalation.fold import AttemptView

STATES: Mapping[str, tuple[str, Style]] = {
    "closed": ("● closed", "good"),
    "half_open": ("◐ half-open", "doubtful"),
    "open": ("○ open", "bad"),
}
"""Of circuits: a glyph, a word and a colour, so that none of them has to be seen alone."""

OUTCOMES: Mapping[str, tuple[str, Style]] = {
    "answered": ("✓ answered", "good"),
    "success": ("✓ success", "good"),
    "below_bar": ("≈ below bar", "doubtful"),
    "quality_failure": ("≈ below bar", "doubtful"),
    "running": ("▶ running", "plain"),
    "interrupted": ("⊘ interrupted", "bad"),
    "cancelled": ("⊘ cancelled", "doubtful"),
}
"""Of runs and attempts; every other outcome is a failure."""

_SMALLEST = Decimal("0.0001")


def state_words(state: str) -> tuple[str, Style]:
    """A circuit's state for eyes."""
    return STATES.get(state, (state, "plain"))


def outcome_words(outcome: str) -> tuple[str, Style]:
    """The outcome of a run or an attempt for eyes."""
    return OUTCOMES.get(outcome, (f"✗ {plain_words(outcome)}", "bad"))


def plain_words(name: str) -> str:
    """`circuit_open` as people say it."""
    return name.replace("_", " ")


def who(resolution: Resolution) -> str:
    """A candidate, with a mark where its answers are made up."""
    return f"{one_line(resolution.ref)}{' (simulated)' if resolution.simulated else ''}"


def seconds(value: float) -> str:
    """`12 ms`, `0.2 s`, `42 s`, `3 min`, `2 h`, `5 d`."""
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if value < 10:
        return f"{value:.1f} s"
    for limit, size, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if value < limit:
            return f"{value / size:.0f} {unit}"
    return f"{value / 86_400:.0f} d"


def moment(at: Timestamp) -> str:
    """A point in time for eyes: local time, to the second."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def lately(at: Timestamp, now: Timestamp) -> str:
    """The same, shorter: today's time, or the date of another day."""
    then, today = (datetime.fromtimestamp(when).astimezone() for when in (at, now))
    return then.strftime("%H:%M:%S" if then.date() == today.date() else "%Y-%m-%d")


def ahead(at: Timestamp, now: Timestamp) -> str:
    """When something may be tried: `18:05:12 (in 42 s)`; with the date where that is another day."""
    then, today = (datetime.fromtimestamp(when).astimezone() for when in (at, now))
    clock = then.strftime("%H:%M:%S" if then.date() == today.date() else "%Y-%m-%d %H:%M:%S")
    return f"{clock} (in {seconds(at - now)})" if at > now else f"{clock} (now)"


def count(number: int | None) -> str:
    """`1,204`, or `?` where nobody said."""
    return "?" if number is None else f"{number:,}"


def tokens(usage: Usage) -> str:
    """`412 → 1,204 tokens`; `~` where they are estimated."""
    return f"{'~' if usage.estimated else ''}{count(usage.input_tokens)} → {count(usage.output_tokens)} tokens"


def money(cost: Decimal, *, estimated: bool = False) -> str:
    """`$0.0031`, `$12.40`; `~` where it is estimated."""
    if 0 < cost < _SMALLEST:
        return f"<${_SMALLEST}"
    return f"{'~' if estimated else ''}${cost:.{2 if cost == 0 or cost >= 1 else 4}f}"


def amount(cost: Decimal, unknown: int, unpriced: int = 0) -> str:
    """Of several calls: `$0.42`, `≥$0.42` where `unknown` of them cost nobody knows what, `unknown` where all that is known is
    that; `no bill` where there is no more to say than that `unpriced` of them were the operator's own machines'.
    """
    if unknown:
        return f"≥{money(cost)}" if cost else "unknown"
    return "no bill" if unpriced and not cost else money(cost)


def spent(usage: Usage, cost: Decimal | None, *, hosted: bool) -> str:
    """Tokens and dollars. That a cost is not known, or nothing, is worth a word only where somebody sends a bill."""
    if not cost and not hosted:
        return tokens(usage)
    if cost is None:
        return f"{tokens(usage)} · cost unknown"
    return f"{tokens(usage)} · {money(cost, estimated=usage.estimated)}"


def run_spent(totals: Totals, *, hosted: bool) -> str:
    """What the attempts of a run used, and apart from it what judging its answers did."""
    judge = totals.judge
    # A judge on one's own machine has a cost, which is nothing.
    apart = "" if judge is None else f" (judge: {spent(judge.usage, judge.cost, hosted=judge.cost is None)})"
    return spent(totals.usage, totals.cost, hosted=hosted) + apart


def plural(number: int, noun: str) -> str:
    """`1 attempt`, `3 attempts`, `1,204 characters`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def failure_words(failure: Failure) -> str:
    """What failed and how it was told: `overloaded (503, status.503): no workers`."""
    evidence = ", ".join(part for part in (str(failure.status or ""), failure.rule) if part)
    line = f"{plain_words(failure.kind)} ({evidence}): {one_line(failure.message)}"
    if failure.retry_after_seconds is not None:
        line += f"; it asks to wait {seconds(failure.retry_after_seconds)}"
    return line


def because_words(because: str) -> str:
    """Why a switch was made."""
    return "its answer came first" if because == "hedge" else plain_words(because)


def cause_words(attempt: AttemptView) -> str:
    """Why an attempt did not answer: its failure, what its answer lacked, or who was first; empty where it did, or still may."""
    if attempt.lost_to is not None:
        return f"attempt {attempt.lost_to} was first"
    if attempt.failure is not None:
        return failure_words(attempt.failure)
    if attempt.quality is not None and not attempt.quality.passed:
        return f"quality {attempt.quality.score} of 100: {'; '.join(attempt.quality.reasons)}"
    return ""
