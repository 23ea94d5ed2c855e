"""`llmesc budgets`: what may be spent, what is, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import BudgetLine, Engine
    from llmesc.story.table import Row

HELP = "What may be spent in a day and a month, and what is left."


def list_budgets(ctx: typer.Context, as_json: Json = False) -> int:
    """List spending budgets with what is settled, reserved and left.

    Reserved is what calls may cost that go on now. Days and months are those of UTC.
    """
    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> Sequence[BudgetLine]:
        return await engine.operations.budgets()

    lines = session.with_engine(work)
    if as_json:
        session.out.json([_line_json(line) for line in lines])
    else:
        _print_table(session, lines)
    return 0


def _print_table(session: Session, lines: Sequence[BudgetLine]) -> None:
    from llmesc.story.table import Column

    if not lines and session.out.is_terminal:
        session.err.say("no budgets: [[budgets]] in the configuration says what may be spent; next: llmesc config edit")
        return
    columns = (
        Column("budget"),
        Column("per"),
        Column("limit", right=True),
        Column("settled", right=True),
        Column("reserved", right=True),
        Column("left", right=True),
        Column("begins anew"),
    )
    session.out.table(columns, [_row(session, line) for line in lines])


def _row(session: Session, line: BudgetLine) -> Row:
    from llmesc.escalation.budget import bucket_words
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    spent = line.spent
    return (
        Cell(bucket_words(line.account.bucket), raw=line.account.bucket),
        line.account.period,
        *(Cell(words.money(amount), raw=f"{amount:f}") for amount in (line.limit, spent.settled, spent.reserved)),
        Cell(words.money(line.left), "bad" if line.left <= 0 else "good", raw=f"{line.left:f}"),
        Cell(words.ahead(spent.begins_anew, session.now()), raw=rfc3339(spent.begins_anew)),
    )


def _line_json(line: BudgetLine) -> dict[str, Any]:
    from llmesc.escalation.times import rfc3339

    per, _, name = line.account.bucket.partition(":")
    return {
        "per": per,
        "name": name or None,
        "period": line.account.period,
        "limit": f"{line.limit:f}",
        "settled": f"{line.spent.settled:f}",
        "reserved": f"{line.spent.reserved:f}",
        "left": f"{line.left:f}",
        "begins_anew": rfc3339(line.spent.begins_anew),
    }


VERBS = {"list": list_budgets}
