"""The books of one run: what time and money it was allowed, what it spent, and what of that was thrown away. Pure.

Thrown away is what attempts used that wrote nothing of the accepted answer; a beginning that another attempt went on with is part
of it. Attempts that ran side by side are counted each, so that their times together may be more than the run's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from llmesc.escalation.events import JudgeCall, RunOutcome
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.story import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Times in seconds, money in US dollars."""

    allowed_seconds: float | None
    """None: the run's start is not on record. So is the next, and where there is no cap."""
    allowed_cost: Decimal | None
    seconds: float
    answer_seconds: float
    wasted_seconds: float
    idle_seconds: float
    """In which no attempt ran: choosing, waiting, checking."""
    cost: Decimal
    """As far as it is known."""
    wasted_cost: Decimal
    wasted_attempts: tuple[int, ...]
    unknown_attempts: tuple[int, ...]
    """Of which nobody knows the cost."""
    judge_cost: Decimal
    """Of models that judged answers, as far as it is known; in none of the sums before."""
    unknown_judges: tuple[int, ...]
    """Attempts of whose judge nobody knows the cost."""


def ledger(view: RunView) -> Ledger:
    """Of the run so far."""
    wrote = _wrote(view)
    answering = [attempt for attempt in view.attempts if attempt.attempt in wrote]
    wasted = [attempt for attempt in view.attempts if attempt.attempt not in wrote and attempt.outcome is not None]
    whole = view.totals.duration_seconds if view.totals is not None else view.elapsed_ms / 1000
    return Ledger(
        allowed_seconds=view.limits.deadline_seconds if view.limits is not None else None,
        allowed_cost=view.limits.max_cost if view.limits is not None else None,
        seconds=whole,
        answer_seconds=sum(seconds_of(attempt, view) for attempt in answering),
        wasted_seconds=sum(seconds_of(attempt, view) for attempt in wasted),
        idle_seconds=max(whole - _covered(view), 0.0),
        cost=_cost(view.attempts),
        wasted_cost=_cost(wasted),
        wasted_attempts=tuple(attempt.attempt for attempt in wasted),
        unknown_attempts=tuple(
            attempt.attempt for attempt in view.attempts if attempt.cost is None and not attempt.resolution.tier.self_hosted
        ),
        judge_cost=sum((judge.cost for _, judge in _judges(view) if judge.cost is not None), Decimal(0)),
        unknown_judges=tuple(number for number, judge in _judges(view) if judge.cost is None),
    )


def ledger_lines(view: RunView) -> Iterator[str]:
    """What there is to say, the sums first, then what each attempt was allowed, then what judges of answers used."""
    books = ledger(view)
    whole = words.seconds(books.seconds)
    allowed = "" if books.allowed_seconds is None else f" of {words.seconds(books.allowed_seconds)}"
    yield (
        f"time   {whole}{allowed}: {words.seconds(books.answer_seconds)} for the answer, {words.seconds(books.wasted_seconds)} "
        f"thrown away, {words.seconds(books.idle_seconds)} in which nobody was called"
    )
    cap = "" if books.allowed_cost is None else f" of {words.money(books.allowed_cost)}"
    wasted = len(books.wasted_attempts)
    thrown = (
        f"{words.money(books.wasted_cost)} thrown away in {words.plural(wasted, 'attempt')}" if wasted else "nothing thrown away"
    )
    yield f"money  {words.amount(books.cost, len(books.unknown_attempts))}{cap}: {thrown}"
    for attempt in view.attempts:
        if attempt.allowance is not None:
            yield f"       {_allowed(attempt, seconds_of(attempt, view))}"
    for number, judge in _judges(view):
        spent = words.spent(judge.usage, judge.cost, hosted=not judge.resolution.tier.self_hosted)
        yield f"judge  {words.who(judge.resolution)} of attempt {number}: {spent} in {words.seconds(judge.duration_seconds)}"
    if books.judge_cost or books.unknown_judges:
        unknown = len(books.unknown_attempts) + len(books.unknown_judges)
        yield f"billed {words.amount(books.cost + books.judge_cost, unknown)}: attempts and judges together"


def seconds_of(attempt: AttemptView, view: RunView) -> float:
    """How long it took, or as far as is known of one that never ended."""
    if attempt.duration_seconds is not None:
        return attempt.duration_seconds
    return max(view.elapsed_ms - attempt.started_ms, 0.0) / 1000


def _allowed(attempt: AttemptView, took: float) -> str:
    allowance = attempt.allowance
    assert allowance is not None, "the caller looked"
    share = f" of the {words.seconds(allowance.of_seconds)} left" if allowance.of_seconds != allowance.seconds else ""
    money = "" if allowance.dollars is None else f" and {words.money(allowance.dollars)}"
    tokens = "" if allowance.output_tokens is None else f" (for at most {words.count(allowance.output_tokens)} tokens)"
    cost = "" if not attempt.cost else f" and {words.money(attempt.cost, estimated=attempt.cost_estimated)}"
    return (
        f"attempt {attempt.attempt} was allowed {words.seconds(allowance.seconds)}{share}{money}{tokens}, "
        f"and took {words.seconds(took)}{cost}"
    )


def _wrote(view: RunView) -> frozenset[int]:
    """The attempts that the accepted answer is made of."""
    if view.answer is None or view.outcome is not RunOutcome.ANSWERED:
        return frozenset()
    return frozenset({view.answer.attempt, *(part.attempt for part in view.answer.ranges)})


def _covered(view: RunView) -> float:
    """Seconds in which at least one attempt ran."""
    covered, until = 0.0, 0.0
    for attempt in sorted(view.attempts, key=lambda attempt: attempt.started_ms):
        began = attempt.started_ms / 1000
        ended = began + seconds_of(attempt, view)
        covered += max(ended - max(began, until), 0.0)
        until = max(until, ended)
    return covered


def _judges(view: RunView) -> list[tuple[int, JudgeCall]]:
    """What judging took, with the attempt that was judged."""
    return [(attempt.attempt, attempt.judge) for attempt in view.attempts if attempt.judge is not None]


def _cost(attempts: Sequence[AttemptView]) -> Decimal:
    return sum((attempt.cost for attempt in attempts if attempt.cost is not None), Decimal(0))
