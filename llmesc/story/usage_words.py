"""What was used, as rows for programs and as sentences for people, both from the same lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from llmesc.engine import WASTED, By, Fate, Usage, UsageLine
from llmesc.escalation.times import rfc3339
from llmesc.escalation.untrusted import one_line
from llmesc.story import days, words

Value = int | str | Decimal | None

_FATES: Mapping[Fate, str] = {
    "failed": "failed",
    "below_bar": "below the bar",
    "cancelled": "cancelled",
    "hedged_away": "hedged away",
}


def name(line: UsageLine) -> str:
    """What the line is of: a day of the operator's calendar, or what it is called."""
    return line.name if line.since is None else days.date(line.since)


_FIELDS: tuple[tuple[str, Callable[[UsageLine], Value]], ...] = (
    ("calls", lambda line: line.whole.calls),
    ("answers", lambda line: line.answers),
    ("open", lambda line: line.fates["open"].calls),
    ("input_tokens", lambda line: line.whole.input_tokens),
    ("output_tokens", lambda line: line.whole.output_tokens),
    ("cost", lambda line: line.whole.cost),
    ("cost_unknown", lambda line: line.whole.unknown),
    ("wasted_calls", lambda line: line.wasted.calls),
    ("wasted_input_tokens", lambda line: line.wasted.input_tokens),
    ("wasted_output_tokens", lambda line: line.wasted.output_tokens),
    ("wasted_cost", lambda line: line.wasted.cost),
    ("wasted_cost_unknown", lambda line: line.wasted.unknown),
    ("saved", lambda line: line.saved.dollars),
    ("saved_answers", lambda line: line.saved.answers),
    ("saved_unknown", lambda line: line.saved.unknown),
    ("judge_calls", lambda line: line.judge.calls),
    ("judge_input_tokens", lambda line: line.judge.input_tokens),
    ("judge_output_tokens", lambda line: line.judge.output_tokens),
    ("judge_cost", lambda line: line.judge.cost),
    ("judge_cost_unknown", lambda line: line.judge.unknown),
    ("billed_cost", lambda line: line.billed_cost),
    ("billed_cost_unknown", lambda line: line.billed_unknown),
)
"""Money in US dollars; `open`: calls that still run or whose process was killed; `saved_answers`: those that `saved` is of;
`saved_unknown`: those of which it cannot be told; `judge_…`: of models that judged answers, in none of the sums before it but in
`billed_cost`, which is what providers ask for. A contract: add at the end, never change."""


def header(by: By) -> list[str]:
    """The names of the columns."""
    return [by, *(field for field, _ in _FIELDS)]


def row(line: UsageLine) -> list[str]:
    """Its values, as programs read them."""
    return [name(line), *(_text(value(line)) for _, value in _FIELDS)]


def line_json(line: UsageLine, by: By) -> dict[str, Any]:
    """The same as an object: counts are numbers, money is decimal text; and what became of the wasted calls."""
    values = {field: value(line) for field, value in _FIELDS}
    began = {} if line.since is None else {"since": rfc3339(line.since)}
    wasted = {fate: line.fates[fate].calls for fate in WASTED}
    exact = {field: _text(value) if isinstance(value, Decimal) else value for field, value in values.items()}
    return {by: name(line), **began, **exact, "wasted_by": wasted}


def _text(value: Value) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else "" if value is None else str(value)


def summary(usage: Usage) -> Iterator[str]:
    """The sentences under the table: all together, the waste, the savings and how they were reckoned."""
    total = usage.total
    whole = total.whole
    tokens = f"{words.count(whole.input_tokens)} → {words.count(whole.output_tokens)} tokens"
    yield f"total: {_calls(whole.calls)}, {_answers(total.answers)}, {tokens}, {words.amount(whole.cost, whole.unknown)}"
    if whole.unknown:
        yield f"  ? of {_calls(whole.unknown)} nobody knows the cost"
    if still := total.fates["open"].calls:
        yield f"  {_calls(still)} still run, or ended with their process"
    yield from _judges(total)
    yield from _waste(total)
    yield from _savings(usage)


def _judges(total: UsageLine) -> Iterator[str]:
    judge = total.judge
    if judge.calls:
        tokens = f"{words.count(judge.input_tokens)} → {words.count(judge.output_tokens)} tokens"
        yield f"judge: {_calls(judge.calls)} beside these, {tokens}, {words.amount(judge.cost, judge.unknown)}"
        yield f"billed: {words.amount(total.billed_cost, total.billed_unknown)}, calls and judges together"


def _waste(total: UsageLine) -> Iterator[str]:
    wasted, whole = total.wasted, total.whole
    if not wasted.calls:
        yield "wasted: nothing, every call that ended gave its answer"
        return
    share = f" ({_percent(wasted.cost / whole.cost)} of the cost)" if whole.cost and wasted.cost else ""
    ways = ", ".join(f"{words.count(total.fates[fate].calls)} {word}" for fate, word in _FATES.items() if total.fates[fate].calls)
    yield (
        f"wasted: {words.amount(wasted.cost, wasted.unknown)}{share} in {_calls(wasted.calls)} that did not become the answer: "
        f"{ways}; {words.count(wasted.input_tokens)} → {words.count(wasted.output_tokens)} tokens"
    )


def _savings(usage: Usage) -> Iterator[str]:
    saved = usage.total.saved
    if saved.answers:
        cost, at_the_top = words.money(saved.cost), words.money(saved.at_the_top)
        lower = (
            f"{_answers(saved.answers)} of lower tiers cost {cost}, and at the top of their chain would have cost {at_the_top}"
        )
        yield f"saved: {signed(saved.dollars)}: {lower}"
        tops = ", ".join(f"{one_line(chain)}: {one_line(top.ref)}" for chain, top in sorted(usage.tops.items()) if top.price)
        how = "  reckoned with the tokens of each answer, none as cached, at today's price of the highest tier that has one"
        yield f"{how} ({tops})" if tops else how
    elif not saved.unknown:
        yield "saved: nothing, no answer came from a tier below the top of its chain"
    if saved.unknown:
        why = "no price at the top of the chain, no count of tokens, or the chain is no more"
        yield f"{'  ?' if saved.answers else 'saved: unknown;'} of {_answers(saved.unknown)} it cannot be told: {why}"


def signed(dollars: Decimal) -> str:
    """Savings, which may be none: `$0.42`, `-$0.42`."""
    return words.money(dollars) if dollars >= 0 else f"-{words.money(-dollars)}"


def _percent(part: Decimal) -> str:
    percent = part * 100
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


def _calls(number: int) -> str:
    return words.plural(number, "call")


def _answers(number: int) -> str:
    return words.plural(number, "answer")
