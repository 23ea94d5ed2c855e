"""A recorded run beside what its request would meet today: candidate by candidate, and why the two differ. Pure.

Today is foreseen as `chain show` does it: it supposes that whoever is called fails. So "would be called" says that nothing stands
in the way, and a candidate that the run did not reach, because another answered before, differs in nothing from one that would be
called. What one failure of the run did to another candidate (a sibling at the same endpoint was passed over) is no difference
either: it may happen again, or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from llmesc.engine import Plan, Planned
from llmesc.escalation.events import CandidateSkipped, Rejected, SkipReason
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Price, Resolution
from llmesc.escalation.times import Timestamp
from llmesc.story import words

ThenState = Literal["called", "skipped", "rejected", "not_reached", "absent"]
NowState = Literal["call", "skip", "reject", "absent"]
Kind = Literal["circuit", "denied", "configuration", "credentials", "price", "window", "capability", "limits", "order"]
"""What a difference is about."""

_KINDS: Mapping[SkipReason, Kind | None] = {
    "circuit_open": "circuit",
    "forced_open": "circuit",
    "probe_elsewhere": "circuit",
    "denied": "denied",
    "not_allowed": "configuration",
    "privacy": "configuration",
    "below_tier": "configuration",
    "no_credentials": "credentials",
    "context_too_small": "window",
    "missing_capability": "capability",
    "unconfirmed_capability": "capability",
    "unsupported": "capability",
    "over_budget": "price",
    "no_time": "limits",
    "retry_budget": "limits",
    "single_call": None,
    "max_attempts": None,
    "same_instance": None,
    "same_endpoint": None,
    "same_model": None,
    "same_provider": None,
    "same_tier_window_unknown": None,
}
"""None: it comes of the run's other attempts, and says nothing of the candidate."""

_GONE: Mapping[Kind, str] = {
    "circuit": "its circuit was not closed then, and lets calls through now",
    "denied": "it was denied then, and is allowed now",
    "configuration": "the configuration kept it out then, and does not now",
    "credentials": "it had no credentials then, and has some now",
    "price": "it was too dear for what was left then, and is not now",
    "window": "its window was too small then, and is large enough now",
    "capability": "it could not carry the request then, and can now",
    "limits": "there was not enough time or retries left for it then, and there is now",
}
_CAME: Mapping[Kind, str] = {
    "circuit": "its circuit is not closed now",
    "denied": "it is denied now",
    "configuration": "the configuration keeps it out now",
    "credentials": "it has no credentials now",
    "price": "it is too dear now",
    "window": "its window is too small now",
    "capability": "it cannot carry the request now",
    "limits": "there is not enough time, or too few retries are left, for it now",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One reason why today is not as it was then."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One candidate."""

    ref: str
    then: ThenState
    then_reason: str | None
    """Of one that was passed over: why. Of one that was called: how that ended."""
    then_text: str
    now: NowState
    now_reason: SkipReason | None
    now_text: str
    retry_at: Timestamp | None = None
    """When it may be tried, where it would be passed over now."""
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All of them: first in today's order, then those that are no more."""

    candidates: tuple[Compared, ...]
    first_now: str | None
    """Who would be called first today; None: nobody."""
    chain_gone: bool
    """No chain of that name is configured any more."""

    @property
    def differ(self) -> bool:
        """Whether anything is not as it was."""
        return self.chain_gone or any(one.differences for one in self.candidates)


def explain(view: RunView, plan: Plan | None, offered: Collection[str], now: Timestamp) -> Explanation:
    """`plan` is of the recorded request today, None where its chain is gone; `offered` are all references of today."""
    before = _then(view)
    today = {planned.resolution.ref: planned for planned in plan.candidates} if plan is not None else {}
    rejected = {each.resolution.ref: each for each in plan.chain.rejected} if plan is not None else {}
    refs = list(dict.fromkeys([*today, *rejected, *before]))
    moved = _moved(view, [*today])
    compared = [
        _compared(ref, before.get(ref), today.get(ref), rejected.get(ref), offered, now, moved=ref in moved) for ref in refs
    ]
    first = next((planned.resolution.ref for planned in today.values() if planned.skip is None), None)
    return Explanation(candidates=tuple(compared), first_now=first, chain_gone=plan is None)


# -- then -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Then:
    resolution: Resolution
    state: ThenState
    reason: str | None
    text: str
    block: SkipReason | None = None
    """What stood in the way of the candidate itself."""


def _then(view: RunView) -> dict[str, _Then]:
    """By reference, in the order of the chain; of one with several turns the last that was an attempt."""
    found: dict[str, _Then] = {}
    for candidate in view.chain.candidates if view.chain is not None else ():
        text = "not reached: the run was over before its turn"
        found[candidate.ref] = _Then(resolution=candidate, state="not_reached", reason=None, text=text)
    for rejected in view.chain.rejected if view.chain is not None else ():
        found[rejected.resolution.ref] = _passed_over(rejected, "rejected")
    for skip in view.skipped:
        found[skip.resolution.ref] = _passed_over(skip, "skipped")
    for attempt in view.attempts:
        found[attempt.resolution.ref] = _called(attempt)
    return found


def _passed_over(who: CandidateSkipped | Rejected, state: Literal["skipped", "rejected"]) -> _Then:
    detail = f" ({who.detail})" if who.detail else ""
    return _Then(
        resolution=who.resolution,
        state=state,
        reason=who.reason,
        text=f"{state}: {words.plain_words(who.reason)}{detail}",
        block=who.reason if _KINDS.get(who.reason) is not None else None,
    )


def _called(attempt: AttemptView) -> _Then:
    outcome = attempt.outcome or "running"
    cause = words.cause_words(attempt)
    text = f"called: {words.outcome_words(outcome)[0]}{f', {cause}' if cause else ''}"
    return _Then(resolution=attempt.resolution, state="called", reason=outcome, text=text)


# -- now ------------------------------------------------------------------------------------------------------------------------


def _compared(
    ref: str,
    then: _Then | None,
    planned: Planned | None,
    rejected: Rejected | None,
    offered: Collection[str],
    now: Timestamp,
    *,
    moved: bool,
) -> Compared:
    state: NowState = "absent"
    reason: SkipReason | None = None
    detail, retry_at, resolution = "", None, None
    if planned is not None:
        state, reason, detail = ("call" if planned.skip is None else "skip"), planned.skip, planned.detail
        retry_at, resolution = planned.retry_at, planned.resolution
    elif rejected is not None:
        state, reason, detail = "reject", rejected.reason, rejected.detail
        retry_at, resolution = rejected.retry_at, rejected.resolution
    differences = [*_presence(ref, then, state, offered)]
    if then is not None and resolution is not None:
        block = reason if reason is not None and _KINDS.get(reason) is not None else None
        differences += [*_blocks(then.block, block, detail), *_offering(then.resolution, resolution)]
        if moved:
            text = "its place among the others is another one: the chain was written anew, or the request named its primary"
            differences.append(Difference(kind="order", text=text))
    return Compared(
        ref=ref,
        then="absent" if then is None else then.state,
        then_reason=None if then is None else then.reason,
        then_text="not in the chain" if then is None else then.text,
        now=state,
        now_reason=reason,
        now_text=_now_text(state, reason, detail, retry_at, now, ref in offered),
        retry_at=retry_at,
        differences=tuple(differences),
    )


def _now_text(
    state: NowState, reason: SkipReason | None, detail: str, retry_at: Timestamp | None, now: Timestamp, offered: bool
) -> str:
    match state:
        case "call":
            return f"would be called{f'; adapted: {detail}' if detail else ''}"
        case "absent":
            return "configured, but not in the chain" if offered else "not configured"
        case _:
            again = f"; may be tried at {words.ahead(retry_at, now)}" if retry_at is not None else ""
            why = f"{words.plain_words(reason or '')}{f' ({detail})' if detail else ''}"
            return f"would be {'skipped' if state == 'skip' else 'rejected'}: {why}{again}"


# -- why ------------------------------------------------------------------------------------------------------------------------


def _presence(ref: str, then: _Then | None, now: NowState, offered: Collection[str]) -> Iterator[Difference]:
    if then is None:
        yield Difference(kind="configuration", text="it was not in the chain then")
    elif now == "absent":
        gone = "it is no longer in the chain" if ref in offered else "it is no longer configured"
        yield Difference(kind="configuration", text=gone)


def _blocks(then: SkipReason | None, now: SkipReason | None, detail: str) -> Iterator[Difference]:
    if then == now:
        return
    if then is not None and (gone := _KINDS[then]) is not None:
        yield Difference(kind=gone, text=_GONE[gone])
    if now is not None and (came := _KINDS[now]) is not None:
        yield Difference(kind=came, text=f"{_CAME[came]}{f' ({detail})' if detail else ''}")


def _offering(then: Resolution, now: Resolution) -> Iterator[Difference]:
    if then.tier != now.tier:
        yield Difference(kind="configuration", text=f"its tier was {then.tier.label}, and is {now.tier.label}")
    before, today = then.offering, now.offering
    if before.context_window != today.context_window:
        was, now_is = words.count(before.context_window), words.count(today.context_window)
        yield Difference(kind="window", text=f"its window was {was} tokens, and is {now_is}")
    if before.capabilities != today.capabilities:
        was, now_is = _capabilities(before.capabilities), _capabilities(today.capabilities)
        yield Difference(kind="capability", text=f"its capabilities were {was}, and are {now_is}")
    # A price that was not known then says nothing: it is looked up when an answer is out.
    if before.price is not None and today.price is not None and _rates(before.price) != _rates(today.price):
        yield Difference(kind="price", text=f"its price was {_rates(before.price)}, and is {_rates(today.price)}")


def _capabilities(found: frozenset[str] | None) -> str:
    return "not known" if found is None else ", ".join(sorted(found)) or "none"


def _rates(price: Price) -> str:
    return f"${price.input_per_million.normalize():f} in, ${price.output_per_million.normalize():f} out"


def _moved(view: RunView, today: list[str]) -> frozenset[str]:
    """Those that do not stand among the others as they did. Where one was put in front, only that one has moved."""
    before = [candidate.ref for candidate in view.chain.candidates if candidate.ref in today] if view.chain is not None else []
    after = [ref for ref in today if ref in before]
    moved = set[str]()
    while before != after:
        one = next(first for first, second in zip(before, after, strict=True) if first != second)
        moved.add(one)
        before.remove(one)
        after.remove(one)
    return frozenset(moved)
