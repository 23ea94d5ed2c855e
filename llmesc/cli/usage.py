"""`llmesc usage`: what was used, wasted and saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete
from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import By, Engine, Usage, UsageLine
    from llmesc.story.table import Row

NOTES = """Money is in US dollars, days are of this machine's clock. Wasted is what calls cost that did not become the answer.
Saved is what the answers of lower tiers would have cost at the top of their chain, less what they did cost: their own tokens at
today's price of the first candidate in the highest tier that has one. What is not known is counted, and never taken for
nothing. What models cost that judge answers stands apart (judge), and with the cost makes what providers bill."""

_WIDEST_BAR = 40
_LEAST_BAR = 8


def usage(
    ctx: typer.Context,
    by: Annotated[
        str,
        typer.Option(metavar="WHAT", help="day, provider, model, chain or caller.", autocompletion=complete.usage_groupings),
    ] = "day",
    since: Annotated[str, typer.Option(metavar="WHEN", help="A duration (7d) or a date (2026-11-22).")] = "7d",
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> int:
    """Show tokens and cost, what was wasted and what was saved.

    On a terminal a table with bars; off it tab-separated rows, the same columns as --csv.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.options import moment
    from llmesc.story.days import days_between

    session: Session = ctx.obj
    session.promised_json = as_json
    grouping = _grouping(by)
    if as_json and as_csv:
        raise BadInput("--json and --csv: one of them")
    now = session.now()
    began = moment("--since", since, now)
    if began >= now:
        raise BadInput(f"--since: {since!r} is not past")

    async def work(engine: Engine) -> Usage:
        return await engine.operations.usage_by(grouping, days_between(began, now))

    _print(session, session.with_engine(work), as_json=as_json, as_csv=as_csv)
    return 0


def _grouping(text: str) -> By:
    from llmesc.engine import GROUPINGS

    for by in GROUPINGS:
        if text == by:
            return by
    from llmesc.cli.bad_input import BadInput

    raise BadInput(f"--by: {text!r} is none of {', '.join(GROUPINGS)}")


def _print(session: Session, used: Usage, *, as_json: bool, as_csv: bool) -> None:
    from llmesc.story import usage_words

    if as_json:
        session.out.json([usage_words.line_json(line, used.by) for line in used.lines])
    elif as_csv:
        session.out.write(_csv(used))
    elif not session.out.is_terminal:
        session.out.table((), [usage_words.row(line) for line in used.lines])
    elif not used.lines:
        session.err.say('nothing was asked in that time; next: llmesc ask "…"')
    else:
        for line in _in_full(session, used):
            session.out.line(line)


def _csv(used: Usage) -> str:
    import csv
    import io

    from llmesc.story import usage_words

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(usage_words.header(used.by))
    writer.writerows(usage_words.row(line) for line in used.lines)
    return text.getvalue()


def _in_full(session: Session, used: Usage) -> Iterator[str]:
    from llmesc.story import usage_words, words
    from llmesc.story.style import paint
    from llmesc.story.table import Column, aligned

    colour = session.out.colour
    yield paint(f"usage by {used.by} since {words.moment(used.since)}", "strong", colour)
    yield ""
    columns = [
        Column(used.by),
        Column("calls", right=True, spare=1),
        Column("answers", right=True, spare=3),
        Column("tokens in", right=True, spare=5),
        Column("out", right=True, spare=4),
        Column("cost", right=True),
        Column("wasted", right=True),
        Column("saved", right=True, spare=2),
    ]
    judged = used.total.judge.calls > 0
    if judged:
        columns += [Column("judge", right=True), Column("billed", right=True)]
    rows = [(*_row(line), *(_judge_cells(line) if judged else ())) for line in used.lines]
    table = aligned(columns, rows, colour=False, width=session.streams.width).splitlines()
    yield from _with_bars(session, used, table)
    yield ""
    yield from usage_words.summary(used)


def _row(line: UsageLine) -> Row:
    from llmesc.story import usage_words, words

    whole, saved, wasted = line.whole, line.saved, line.wasted
    if not whole.calls:
        return (usage_words.name(line), "–", *[""] * 6)
    return (
        usage_words.name(line),
        words.count(whole.calls),
        words.count(line.answers),
        words.count(whole.input_tokens),
        words.count(whole.output_tokens),
        words.amount(whole.cost, whole.unknown),
        words.amount(wasted.cost, wasted.unknown) if wasted.calls else "",
        usage_words.signed(saved.dollars) if saved.answers else "unknown" if saved.unknown else "",
    )


def _judge_cells(line: UsageLine) -> Row:
    from llmesc.story import words

    judge = line.judge
    if not judge.calls and not line.whole.calls:
        return ("", "")
    billed = words.amount(line.billed_cost, line.billed_unknown)
    return (words.amount(judge.cost, judge.unknown) if judge.calls else "", billed)


def _with_bars(session: Session, used: Usage, table: list[str]) -> Iterator[str]:
    """The lines of the table, each with its bar where there is room: of the cost, or of calls where nothing cost any."""
    from llmesc.story.bars import lying_in_part
    from llmesc.story.style import paint
    from llmesc.story.width import display_width

    colour = session.out.colour
    wide = max(map(display_width, table)) + 2
    room = min(session.streams.width - wide, _WIDEST_BAR)
    by_cost = used.total.whole.cost > 0
    head, *rows = table
    if room < _LEAST_BAR:
        yield paint(head, "dim", colour)
        yield from rows
        return
    yield paint(f"{head}{' ' * (wide - display_width(head))}{'COST' if by_cost else 'CALLS'}, ▒ WASTED", "dim", colour)
    top = max(_measure(line, by_cost)[0] for line in used.lines)
    for line, text in zip(used.lines, rows, strict=True):
        full, light = lying_in_part(*_measure(line, by_cost), top, room)
        space = " " * (wide - display_width(text))
        yield f"{text}{space}{paint(full, 'good', colour)}{paint(light, 'doubtful', colour)}".rstrip()


def _measure(line: UsageLine, by_cost: bool) -> tuple[float, float]:
    """How long its bar is, and how much of it was wasted."""
    if by_cost:
        return float(line.whole.cost), float(line.wasted.cost)
    return float(line.whole.calls), float(line.wasted.calls)
