"""The story of a run, event by event, as lines for people. Pure: who prints them decides where they go."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

from llmesc.escalation.budget import bucket_words
from llmesc.escalation.chain import is_tier_upgrade
from llmesc.escalation.envelope import Allowance
from llmesc.escalation.events import (
    AnswerReset,
    AttemptFinished,
    AttemptPriced,
    AttemptStarted,
    CandidateSkipped,
    CircuitChanged,
    Event,
    GateOpened,
    ModelDenied,
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
    Waiting,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.hedging import HedgeAfter
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.untrusted import one_line
from llmesc.story import words
from llmesc.story.style import Style
from llmesc.story.width import cut


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story."""

    text: str
    style: Style = "plain"
    detail: bool = False
    """Told only where details were asked for (`-v`)."""


def tell(event: Event, view: RunView) -> Iterator[Line]:
    """What `event` adds to the story; `view` is the run after it. Times are told from the event's own."""
    match event:
        case RunStarted():
            yield from _start(event)
        case CandidateSkipped():
            yield Line(f"↷ skipped {words.who(event.resolution)}: {skip_words(event)}", "dim")
        case AttemptStarted():
            yield from _begin(event, view)
        case ProviderFailed():
            yield Line(f"✗ {words.who(event.resolution)}: {words.failure_words(event.failure)}", "bad")
        case QualityChecked():
            yield _verdict(event, view)
        case AttemptFinished() | AttemptPriced():
            yield _ledger(event)
        case ProviderSwitched():
            yield Line(f"→ {switch_words(event)}", "doubtful")
        case Waiting():
            yield Line(f"… {_wait(event)}", "doubtful")
        case CircuitChanged():
            yield _circuit(event)
        case ModelDenied():
            until = f" until {words.ahead(event.until, event.at)}" if event.until is not None else ""
            yield Line(f"⊘ denied {event.key}{until}: {words.plain_words(event.cause.kind)}", "doubtful")
        case RunFinished():
            yield from _end(event, view)
        case ToolCallRequested() | ToolCallFinished():
            yield _tool(event)
        case TextDelta() | GateOpened() | ThinkingDelta() | AnswerReset():
            pass
        case _:
            assert_never(event)


def skip_words(event: CandidateSkipped) -> str:
    """Why it was passed over, and when it may be tried."""
    again = f"; may be tried at {words.ahead(event.retry_at, event.at)}" if event.retry_at is not None else ""
    return f"{_reason(event.reason, event.detail)}{again}"


def switch_words(event: ProviderSwitched) -> str:
    """The announcement of a switch: from, to, why, and what it means for the prompt and for what was shown."""
    text = f"switched {words.who(event.from_resolution)} → {words.who(event.to_resolution)}: {words.because_words(event.because)}"
    if event.tier_upgrade:
        before, after = event.from_resolution.tier.label, event.to_resolution.tier.label
        text += f"; tier upgrade {before} → {after}: the prompt leaves your machines"
    if event.characters_discarded:
        text += f"; {words.plural(event.characters_discarded, 'character')} discarded"
    if event.characters_kept:
        text += f"; {words.plural(event.characters_kept, 'character')} kept, it goes on from there"
    if (other := event.instead_of) is not None and other.at is not None:
        text += f"; {_price(event.cost)}, rather than to wait until {words.ahead(other.at, event.at)} for "
        text += f"{words.who(other.resolution)} ({_price(other.cost)})"
    return text


def switch_rule(event: ProviderSwitched, width: int) -> str:
    """The same, shorter, as a marked line across the screen: between text that no longer counts and the answer that begins
    again, or where another goes on with it; nothing is said of text where there was none.
    """
    before, after = event.from_resolution, event.to_resolution
    if before.circuit_key == after.circuit_key:
        names = before.ref, after.ref
    else:
        names = str(before.circuit_key), str(after.circuit_key)
    text = f"switched {' → '.join(map(one_line, names))}: {words.because_words(event.because)}"
    if event.tier_upgrade:
        text += f" · tier upgrade {before.tier.label} → {after.tier.label}"
    kept = event.characters_kept
    if kept or event.characters_discarded:
        text += f" · {words.plural(kept or event.characters_discarded, 'character')} {'kept' if kept else 'discarded'}"
    return f"── {cut(text, max(width - 7, 20))} ──"


def writers(view: RunView) -> list[str]:
    """Who wrote how much of the answer, in order; empty where one attempt wrote all of it."""
    ranges = view.answer.ranges if view.answer is not None else ()
    if len(ranges) < 2:
        return []
    who = {attempt.attempt: words.who(attempt.resolution) for attempt in view.attempts}
    return [f"{words.plural(part.end - part.start, 'character')} by {who.get(part.attempt, '?')}" for part in ranges]


def _start(event: RunStarted) -> Iterator[Line]:
    chain, limits = event.chain, event.limits
    about = (
        f"chain {one_line(chain.name)}",
        words.plural(len(chain.candidates), "candidate"),
        f"at most {words.plural(limits.max_attempts, 'attempt')} in {words.seconds(limits.deadline_seconds)}",
    )
    hedged = f" · {_hedging(limits.hedge_after)}" if limits.hedge_after != "off" else ""
    yield Line(f"run {event.run_id} · {' · '.join(about)}{hedged}", "dim", detail=True)
    for rejected in chain.rejected:
        told = f"↷ rejected {words.who(rejected.resolution)}: {_reason(rejected.reason, rejected.detail)}"
        # Where nobody is left to ask, why is the whole story.
        yield Line(told, "dim", detail=bool(chain.candidates))


def _hedging(after: HedgeAfter) -> str:
    usual = "longer than it usually is" if isinstance(after, str) else f"for {words.seconds(after)}"
    return f"who is silent {usual} is hedged"


def _begin(event: AttemptStarted, view: RunView) -> Iterator[Line]:
    silent = next((attempt for attempt in view.attempts if attempt.attempt == event.hedges), None)
    if silent is not None:
        yield Line(f"⇉ {_hedge(event, silent)}", "doubtful")
    if event.against_circuit:
        yield Line(f"! every circuit is open: {words.who(event.resolution)} is tried all the same", "doubtful")
    probe = ", probe of its circuit" if event.probe else ""
    about = f"{event.resolution.tier.label}, {event.move}{probe}"
    yield Line(f"▶ attempt {event.attempt}: {words.who(event.resolution)} ({about}){_may(event.allowance)}", "dim", detail=True)
    if (reserved := event.reserved) is not None:
        where = ", ".join(dict.fromkeys(one_line(bucket_words(page.bucket)) for page in reserved.pages))
        yield Line(f"  reserved {words.money(reserved.dollars)} of the budgets of {where}", "dim", detail=True)
    yield from (Line(f"  adapted: {one_line(repair)}", "dim", detail=True) for repair in event.repairs)


def _hedge(event: AttemptStarted, silent: AttemptView) -> str:
    """Who is asked beside whom, since when that one is silent, and where the prompt goes for it."""
    text = f"{words.who(silent.resolution)} is silent for {words.seconds((event.elapsed_ms - silent.started_ms) / 1000)}: "
    text += f"{words.who(event.resolution)} is asked, too"
    if is_tier_upgrade(silent.resolution, event.resolution):
        before, after = silent.resolution.tier.label, event.resolution.tier.label
        text += f"; tier upgrade {before} → {after}: the prompt leaves your machines"
    return text


def _may(allowance: Allowance | None) -> str:
    if allowance is None:
        return ""
    share = words.seconds(allowance.seconds)
    if allowance.seconds < allowance.of_seconds:
        share += f" of the {words.seconds(allowance.of_seconds)} left"
    return f" · may take {share}" + ("" if allowance.dollars is None else f" and {words.money(allowance.dollars)}")


def _wait(event: Waiting) -> str:
    """Whom for, until when and why; and, where there was a choice, what either costs."""
    until = words.ahead(event.until, event.at)
    text = f"waiting until {until} for {words.who(event.resolution)}: {words.plain_words(event.because)}"
    if (other := event.instead_of) is None:
        return text
    return f"{text}; {_price(event.cost)}, rather than to call {words.who(other.resolution)} now ({_price(other.cost)})"


def _price(cost: Decimal | None) -> str:
    return "price unknown" if cost is None else f"about {words.money(cost)}"


def _reason(reason: str, detail: str) -> str:
    return f"{words.plain_words(reason)} ({one_line(detail)})" if detail else words.plain_words(reason)


def _verdict(event: QualityChecked, view: RunView) -> Line:
    judged = next((words.who(attempt.resolution) for attempt in view.attempts if attempt.attempt == event.attempt), "?")
    reasons = f": {one_line('; '.join(event.reasons))}" if event.reasons else ""
    if event.passed:
        return Line(f"≈ {judged}: quality {event.score} of 100, the bar is {event.threshold}{reasons}", "dim", detail=True)
    return Line(f"≈ {judged}: quality {event.score} of 100 is below the bar of {event.threshold}{reasons}", "doubtful")


def _tool(event: ToolCallRequested | ToolCallFinished) -> Line:
    if isinstance(event, ToolCallRequested):
        return Line(f"⚙ {one_line(event.name)} {one_line(event.arguments)}", "dim")
    told = f"  {one_line(event.name)}: {one_line(event.result) or 'no text'}"
    if event.is_error:
        return Line(told, "doubtful")
    return Line(f"{told} · {words.seconds(event.duration_seconds)}", "dim")


def _ledger(event: AttemptFinished | AttemptPriced) -> Line:
    if isinstance(event, AttemptPriced):
        cost = f"cost {words.money(event.cost)}, prices by {one_line(event.price.source)}"
        return Line(f"  attempt {event.attempt}: {cost}", "dim", detail=True)
    parts = [f"{words.plain_words(event.outcome)} in {words.seconds(event.duration_seconds)}"]
    if event.lost_to is not None:
        parts.append(f"attempt {event.lost_to} was first")
    if event.first_token_seconds is not None:
        parts.append(f"first token {words.seconds(event.first_token_seconds)}")
    parts.append(words.spent(event.usage, event.cost, hosted=not event.resolution.tier.self_hosted))
    if event.finish_reason is not None:
        parts.append(f"finish {one_line(event.finish_reason)}")
    if event.repeated_characters:
        parts.append(f"{words.plural(event.repeated_characters, 'character')} repeated and dropped")
    if event.request_id is not None:
        parts.append(f"request id {one_line(event.request_id)}")
    return Line(f"  attempt {event.attempt}: {' · '.join(parts)}", "dim", detail=True)


def _circuit(event: CircuitChanged) -> Line:
    before, (after, _) = words.state_words(event.before)[0], words.state_words(event.after)
    cause = f"{words.plain_words(event.cause.kind)}: {one_line(event.cause.message)}"
    again = f"; may be tried at {words.ahead(event.retry_at, event.at)}" if event.retry_at is not None else ""
    text = f"{after[0]} circuit {event.key}: {before[2:]} → {after[2:]} ({cause}){again}"
    return Line(text, "good" if event.after == "closed" else "doubtful", detail=event.cause.kind == "probe")


_FOR_THE_OPERATOR = frozenset(
    {FailureKind.AUTH, FailureKind.ACCOUNT, FailureKind.PERMISSION, FailureKind.MODEL_UNAVAILABLE, FailureKind.MODEL_NOT_ALLOWED}
)
"""What no time heals: told also where another candidate answered."""


def _hints(view: RunView) -> Iterator[Line]:
    """What to do about the failures of a run, each said once."""
    from llmesc.engine import advice_on

    told = view.outcome is not RunOutcome.ANSWERED
    hints = dict.fromkeys(
        f"{words.who(attempt.resolution)}: {advice_on(attempt.failure, attempt.resolution)}"
        for attempt in view.attempts
        if attempt.failure is not None and (told or attempt.failure.kind in _FOR_THE_OPERATOR)
    )
    yield from (Line(f"  hint: {hint}") for hint in hints)


def _end(event: RunFinished, view: RunView) -> Iterator[Line]:
    totals = event.totals
    hosted = any(not attempt.resolution.tier.self_hosted for attempt in view.attempts)
    spent = f"{words.run_spent(totals, hosted=hosted)} · {words.seconds(totals.duration_seconds)}"
    if totals.attempts > 1:
        spent += f" · {words.plural(totals.attempts, 'attempt')}"
    if event.outcome is RunOutcome.ANSWERED and event.answer is not None:
        before = " and ".join(writers(view)[:-1])
        others = f", after {before}" if before else ""
        yield Line(f"✓ answered by {words.who(event.answer.resolution)}{others} · {spent}", "good")
        yield from _hints(view)
        return
    cancelled = event.outcome is RunOutcome.CANCELLED
    yield Line(f"{'⊘ ' if cancelled else 'error: '}{_ending(event, view)}", "doubtful" if cancelled else "bad")
    if event.cause is not None and len(view.attempts) > 1:
        yield Line(f"  to put right first: {words.failure_words(event.cause)}", "bad")
    if event.outcome in _NO_ANSWER:
        yield from _not_in_the_chain(view)
    if event.retry_at is not None:
        yield Line(f"  the soonest candidate may be tried at {words.ahead(event.retry_at, event.at)}")
    if totals.attempts:
        yield Line(f"  {spent}", "dim")
    if not cancelled:
        yield from _hints(view)
    yield Line(f"next: {next_command(view)}", "strong")


_NO_ANSWER = frozenset({RunOutcome.NOTHING_CALLABLE, RunOutcome.EXHAUSTED, RunOutcome.BELOW_BAR})
_MOST_REJECTED = 5
"""Told at the end; `chain show --for` and `-v` tell all."""


def _not_in_the_chain(view: RunView) -> Iterator[Line]:
    """Who could not be asked for this request, and why: the answer may be missing because of that. Where the chain was empty it
    was told at the beginning.
    """
    if view.chain is None or not view.chain.candidates:
        return
    rejected = view.chain.rejected
    for each in rejected[:_MOST_REJECTED]:
        yield Line(f"  rejected {words.who(each.resolution)}: {_reason(each.reason, each.detail)}")
    if len(rejected) > _MOST_REJECTED:
        yield Line(f"  rejected {words.plural(len(rejected) - _MOST_REJECTED, 'other')}, too")


def _ending(event: RunFinished, view: RunView) -> str:
    answer = event.answer
    best = ""
    if answer is not None:
        quality = "not checked to the end" if answer.score is None else f"quality {answer.score} of 100"
        best = f"; the best is by {words.who(answer.resolution)}, {quality}"
    match event.outcome:
        case RunOutcome.BELOW_BAR:
            return f"no answer reached the quality bar{best}"
        case RunOutcome.NOTHING_CALLABLE:
            if _nobody(view):
                return "there is nobody to ask"
            waits = event.retry_at is not None or bool(view.skipped)
            return "no candidate can be called now" if waits else "no candidate can be called for this request"
        case RunOutcome.DEADLINE:
            if view.skipped and not view.attempts and all(map(_by_a_budget, view.skipped)):
                return "a spending budget would be passed by every call"
            return f"{_spent(event, view)}{best}"
        case RunOutcome.POLICY:
            return "stopped by policy"
        case RunOutcome.CANCELLED:
            return "cancelled; what arrived is kept" if answer is not None else "cancelled"
        case _:
            return "every call failed" if event.totals.attempts > 1 else "the call failed"


def _spent(event: RunFinished, view: RunView) -> str:
    """Which of its limits ended a run."""
    limits = view.limits
    if limits is not None and limits.max_cost is not None and any(skip.reason == "over_budget" for skip in view.skipped):
        return f"the money for the request is spent, or every other call may cost more: it has {words.money(limits.max_cost)}"
    if limits is not None and event.totals.duration_seconds >= limits.deadline_seconds:
        return f"the time for the request is over: it has {words.seconds(limits.deadline_seconds)}"
    return "the time or the money for the request is spent"


_BY_KIND = {
    FailureKind.AUTH: "llmesc doctor",
    FailureKind.PERMISSION: "llmesc models list",
    FailureKind.ACCOUNT: "llmesc circuits list",
    FailureKind.MODEL_UNAVAILABLE: "llmesc models list",
    FailureKind.CONNECTION: "llmesc doctor",
    FailureKind.TIMEOUT: "llmesc doctor",
    FailureKind.MODEL_NOT_ALLOWED: "llmesc config show",
}


def next_command(view: RunView) -> str:
    """What to run after a request without an accepted answer."""
    if view.outcome is RunOutcome.NOTHING_CALLABLE:
        return "llmesc init" if _nobody(view) else "llmesc chain show"
    if view.outcome in (RunOutcome.EXHAUSTED, RunOutcome.POLICY) and view.cause is not None and view.cause.kind in _BY_KIND:
        return _BY_KIND[view.cause.kind]
    if view.outcome is RunOutcome.DEADLINE and any(map(_by_a_budget, view.skipped)):
        return "llmesc budgets"
    return f"llmesc history show {view.run_id}"


def _by_a_budget(skipped: CandidateSkipped) -> bool:
    """Whether a spending budget is the reason, and not the money for the request: that one begins anew never."""
    return skipped.reason == "over_budget" and skipped.retry_at is not None


def _nobody(view: RunView) -> bool:
    """Whether nothing is configured, and nothing was found."""
    return view.chain is not None and not view.chain.candidates and not view.chain.rejected
