"""What the calls of some time used, summed up: the same for every store, and fine enough for every question asked of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Literal, NamedTuple

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import ModelUsage
from llmesc.state.projection import HEDGED_AWAY, LOST_HEDGE, Columns

Fate = Literal["answer", "below_bar", "failed", "cancelled", "hedged_away", "open", "judge"]
"""What became of a call: its answer was accepted; was not good enough; there was none; its user left; another call was faster; or
it still runs, or its process was killed. Or it was no attempt: `judge`, it judged somebody else's answer.
"""

WASTED: tuple[Fate, ...] = ("failed", "below_bar", "cancelled", "hedged_away")
"""What was paid for and did not become the accepted answer. A beginning that another attempt went on with (`resume = "continue"`)
counts among `failed`: how much of it was kept stands only in the run's events.
"""

JUDGED = "judge"
"""Stands in place of an outcome where a call judged somebody else's answer."""

Apart = Literal["chain", "caller"]
"""What a query may tell apart besides the candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """Of the calls of the requests that began at `since` or later, and before `until`."""

    since: Timestamp
    until: Timestamp
    apart: frozenset[Apart] = frozenset()
    prompt_lengths: tuple[int, ...] = ()
    """Tokens, rising: prompts longer than each stand apart, because a price may change there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The sums over calls that are alike in all that is told apart."""

    ref: str
    tier: str
    chain: str = ""
    """Where the query tells chains apart; else empty. So is the next."""
    caller: str = ""
    fate: Fate
    longer_than: int | None
    """How many of the query's `prompt_lengths` each prompt exceeds; None: nobody counted the tokens of prompt and answer, or it
    judged one.
    """
    calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    """US dollars, exact to 28 digits; None: nobody knows what any of these calls cost."""

    @property
    def provider(self) -> str:
        """Its name, without the instance."""
        return self.ref.partition("/")[0].partition("@")[0]


class UsedCall(NamedTuple):
    """One call, as a store that sums up in Python hands it in; see `calls_of`."""

    ref: str
    tier: str
    chain: str
    caller: str
    outcome: str | None
    kind: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None


def calls_of(attempt: Columns, chain: str, caller: str) -> Iterator[UsedCall]:
    """The calls of an attempt, by its columns: its own, and that of the model which judged it."""
    yield UsedCall(
        ref=attempt["ref"],
        tier=attempt["tier"],
        chain=chain,
        caller=caller,
        outcome=attempt["outcome"],
        kind=attempt["kind"],
        input_tokens=attempt["call_input_tokens"],
        output_tokens=attempt["call_output_tokens"],
        cost=_dollars(attempt["call_cost"]),
    )
    if attempt.get("judge_ref") is not None:
        yield UsedCall(
            ref=attempt["judge_ref"],
            tier=attempt["judge_tier"],
            chain=chain,
            caller=caller,
            outcome=JUDGED,
            kind=None,
            input_tokens=attempt["judge_input_tokens"],
            output_tokens=attempt["judge_output_tokens"],
            cost=_dollars(attempt["judge_cost"]),
        )


def fate_of(outcome: str | None, kind: str | None) -> Fate:
    """From an attempt's outcome and the kind of its failure, as stores hold them; of a judge's call, `JUDGED`."""
    if kind in (HEDGED_AWAY, LOST_HEDGE):
        return "hedged_away"
    match outcome:
        case None:
            return "open"
        case "judge":
            return "judge"
        case "success":
            return "answer"
        case "quality_failure":
            return "below_bar"
        case "cancelled":
            return "cancelled"
        case _:
            return "failed"


def caller_name(caller: Mapping[str, str]) -> str:
    """Who asked: the name that was given, or `user@host`, as far as that is known."""
    if name := caller.get("name"):
        return name
    return "@".join(part for part in (caller.get("user"), caller.get("host")) if part) or "unknown"


def used(calls: Iterable[UsedCall], query: UsageQuery) -> list[Used]:
    """The sums over `calls`, which are all inside `query`."""
    return together(
        Used(
            ref=call.ref,
            tier=call.tier,
            chain=call.chain if "chain" in query.apart else "",
            caller=call.caller if "caller" in query.apart else "",
            fate=fate_of(call.outcome, call.kind),
            longer_than=_longer_than(call, query.prompt_lengths),
            calls=1,
            input_tokens=call.input_tokens or 0,
            output_tokens=call.output_tokens or 0,
            cost=call.cost,
        )
        for call in calls
    )


def together(parts: Iterable[Used]) -> list[Used]:
    """One sum of all that is alike, in the order of references, then of all else that is told apart."""
    sums: dict[tuple[object, ...], list[Used]] = {}
    for part in parts:
        sums.setdefault(_alike(part), []).append(part)
    return [_sum(same) for _, same in sorted(sums.items(), key=lambda item: tuple(map(str, item[0])))]


def models_of(cells: Sequence[Used]) -> list[ModelUsage]:
    """What each candidate used, in the order of their references."""
    by_model = attrgetter("ref", "tier")
    return [_model(ref, tier, list(same)) for (ref, tier), same in groupby(sorted(cells, key=by_model), by_model)]


def cost_of(cells: Iterable[Used]) -> Decimal:
    """US dollars, as far as they are known."""
    return sum((cell.cost for cell in cells if cell.cost is not None), Decimal(0))


def _model(ref: str, tier: str, cells: Sequence[Used]) -> ModelUsage:
    return ModelUsage(
        ref=ref,
        tier=tier,
        calls=sum(cell.calls for cell in cells),
        input_tokens=sum(cell.input_tokens for cell in cells),
        output_tokens=sum(cell.output_tokens for cell in cells),
        cost=cost_of(cells),
        cost_unknown=sum(cell.calls for cell in cells if cell.cost is None),
    )


def _dollars(cost: Decimal | str | None) -> Decimal | None:
    return None if cost is None else Decimal(cost)


def _longer_than(call: UsedCall, lengths: Sequence[int]) -> int | None:
    if call.input_tokens is None or call.output_tokens is None or call.outcome == JUDGED:
        return None
    return sum(call.input_tokens > length for length in lengths)


def _alike(part: Used) -> tuple[object, ...]:
    return (part.ref, part.tier, part.chain, part.caller, part.fate, part.longer_than, part.cost is None)


def _sum(same: Sequence[Used]) -> Used:
    first = same[0]
    if len(same) == 1:
        return first
    return Used(
        ref=first.ref,
        tier=first.tier,
        chain=first.chain,
        caller=first.caller,
        fate=first.fate,
        longer_than=first.longer_than,
        calls=sum(one.calls for one in same),
        input_tokens=sum(one.input_tokens for one in same),
        output_tokens=sum(one.output_tokens for one in same),
        cost=None if first.cost is None else cost_of(same),
    )
