"""What was used, by day, provider, model, chain or caller; what of it was wasted, and what lower tiers saved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, get_args

from llmesc.engine.savings import Saved, Yardstick, saved
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Tier
from llmesc.escalation.times import Timestamp
from llmesc.state.usage import WASTED, Apart, Fate, Used, cost_of

By = Literal["day", "provider", "model", "chain", "caller"]

GROUPINGS: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Over some calls."""

    calls: int
    input_tokens: int
    """Of the calls whose provider counted; so is the next."""
    output_tokens: int
    cost: Decimal
    """US dollars, as far as they are known: exact, no binary fraction is between."""
    unknown: int
    """Calls that somebody sends a bill for, nobody knows how high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """One row of `llmesc usage`: all calls that are alike in what it is asked by."""

    name: str
    """A provider, a reference, a chain or a caller; empty of a day, and of all together."""
    since: Timestamp | None = None
    """When the day began, or the time that was asked for, whichever is later; None where it is not by day."""
    whole: Sums
    """Without what judges of answers used."""
    fates: Mapping[Fate, Sums]
    """What became of the calls; together they are the whole."""
    judge: Sums
    """Over the calls of models that judged answers."""
    saved: Saved

    @property
    def answers(self) -> int:
        """Those that were accepted."""
        return self.fates["answer"].calls

    @property
    def billed_cost(self) -> Decimal:
        """US dollars that providers ask for, as far as they are known: judges included."""
        return self.whole.cost + self.judge.cost

    @property
    def billed_unknown(self) -> int:
        """Calls, judges' included, that somebody sends a bill for, nobody knows how high."""
        return self.whole.unknown + self.judge.unknown

    @property
    def wasted(self) -> Sums:
        """What was paid for and did not become the accepted answer, see `WASTED`."""
        parts = [self.fates[fate] for fate in WASTED]
        return Sums(
            calls=sum(part.calls for part in parts),
            input_tokens=sum(part.input_tokens for part in parts),
            output_tokens=sum(part.output_tokens for part in parts),
            cost=sum((part.cost for part in parts), Decimal(0)),
            unknown=sum(part.unknown for part in parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The answer to `llmesc usage`."""

    by: By
    since: Timestamp
    until: Timestamp
    lines: tuple[UsageLine, ...]
    """The newest day first; of all else what cost most."""
    total: UsageLine
    tops: Mapping[str, Yardstick]
    """By chain: what savings were reckoned with."""


def apart(by: By) -> frozenset[Apart]:
    """What a store must tell apart for it. The chain always: it says what an answer is measured by."""
    return frozenset({"chain", "caller"}) if by == "caller" else frozenset({"chain"})


def day_lines(
    days: Sequence[tuple[Timestamp, Sequence[Used]]], tops: Mapping[str, Yardstick], lengths: Sequence[int]
) -> list[UsageLine]:
    """Of each day, the newest first, back to the first on which anything was called."""
    first = next((number for number, (_, cells) in enumerate(days) if cells), len(days))
    return [line(cells, tops, lengths, since=since) for since, cells in reversed(days[first:])]


def grouped_lines(cells: Iterable[Used], by: By, tops: Mapping[str, Yardstick], lengths: Sequence[int]) -> list[UsageLine]:
    """Of each provider, model, chain or caller; the dearest first, then the one that was called most."""
    groups: dict[str, list[Used]] = {}
    for cell in cells:
        groups.setdefault(_name(cell, by), []).append(cell)
    lines = [line(same, tops, lengths, name=name) for name, same in groups.items()]
    return sorted(lines, key=lambda one: (-one.billed_cost, -one.whole.calls, one.name))


def line(
    cells: Sequence[Used],
    tops: Mapping[str, Yardstick],
    lengths: Sequence[int],
    *,
    name: str = "",
    since: Timestamp | None = None,
) -> UsageLine:
    """Over all of `cells`."""
    fates: tuple[Fate, ...] = ("answer", *WASTED, "open")
    return UsageLine(
        name=name,
        since=since,
        whole=_sums([cell for cell in cells if cell.fate != "judge"]),
        fates={fate: _sums([cell for cell in cells if cell.fate == fate]) for fate in fates},
        judge=_sums([cell for cell in cells if cell.fate == "judge"]),
        saved=saved(cells, tops, lengths),
    )


def _name(cell: Used, by: By) -> str:
    match by:
        case "provider":
            return cell.provider
        case "chain":
            return cell.chain
        case "caller":
            return cell.caller
        case _:
            return cell.ref


def _sums(cells: Sequence[Used]) -> Sums:
    return Sums(
        calls=sum(cell.calls for cell in cells),
        input_tokens=sum(cell.input_tokens for cell in cells),
        output_tokens=sum(cell.output_tokens for cell in cells),
        cost=cost_of(cells),
        unknown=sum(cell.calls for cell in cells if cell.cost is None and not Tier.parse(cell.tier).self_hosted),
    )
