"""`llmesc history`: past requests, and what became of each attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete, recorded
from llmesc.cli.options import Json
from llmesc.cli.run_filter import Caller, Conversation, Correlation, Outcome, ProviderName, Since, StatusWords, Text, run_filter

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import AttemptRow, Engine, RunSummary
    from llmesc.escalation.fold import RunView
    from llmesc.story.run_report import RunReport
    from llmesc.story.table import Row

HELP = "What was asked, who answered, and why not others."

_ROOMY = 100
"""Columns of a terminal; with fewer the list of requests has the time or the date, and leaves the cost to `history show`."""


def list_runs(
    ctx: typer.Context,
    since: Since = None,
    outcome: Outcome = None,
    status: StatusWords = None,
    provider: ProviderName = None,
    text: Text = None,
    caller: Caller = None,
    conversation: Conversation = None,
    correlation: Correlation = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> int:
    """List past and running requests, newest first.

    Only those that fit every option that is given. Of --status, success, error, cancelled, no_available_provider and
    escalation_exhausted say how the request ended, the others that a call of it did, whoever answered in the end.
    """
    session: Session = ctx.obj
    session.promised_json = as_json
    where = run_filter(
        session,
        since=since,
        outcome=outcome,
        status=status,
        provider=provider,
        text=text,
        caller=caller,
        conversation=conversation,
        correlation=correlation,
        limit=limit,
    )

    async def work(engine: Engine) -> Sequence[RunSummary]:
        return await engine.operations.history(where)

    runs = session.with_engine(work)
    if as_json:
        from llmesc.escalation.codec import encode
        from llmesc.escalation.status import run_status

        session.out.json([{**encode(run), "status": run_status(run.outcome)} for run in runs])
    elif runs or not session.out.is_terminal:
        _print_runs(session, runs)
    else:
        session.err.say('no such requests; next: llmesc ask "…"')
    return 0


def show(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="ID", help="The id, or how it begins.", autocompletion=complete.runs)],
    as_json: Json = False,
) -> int:
    """Show one request, attempt by attempt.

    When each ran, as bars; who was skipped and why; each switch and its cause; circuits that moved; the books of time and money;
    who wrote which part of the answer. Off a terminal one row for each attempt.
    """
    from llmesc.story.run_report import report

    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> RunReport:
        operations = engine.operations
        run_id = await operations.find_run(run)
        return report(await operations.run_events(run_id), await operations.run_attempts(run_id))

    told = session.with_engine(work)
    if as_json:
        from llmesc.story.report_json import report_json

        session.out.json(report_json(told))
    elif session.out.is_terminal:
        _draw(session, told)
    else:
        session.out.table((), [_attempt_row(told.view, row) for row in told.rows])
    return 0


def _draw(session: Session, told: RunReport) -> None:
    from llmesc.story.run_lines import run_lines
    from llmesc.story.style import paint

    for line in run_lines(told, session.streams.width):
        session.out.line("".join(paint(part.text, part.style, session.out.colour) for part in line).rstrip())


def _print_runs(session: Session, runs: Sequence[RunSummary]) -> None:
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell, Column

    rows: list[Row] = []
    is_roomy = session.streams.width >= _ROOMY
    for run in runs:
        outcome, style = words.outcome_words(run.outcome)
        lasted = None if run.finished_at is None else max(run.finished_at - run.started_at, 0.0)
        rows.append(
            (
                run.run_id,
                Cell(
                    words.moment(run.started_at) if is_roomy else words.lately(run.started_at, session.now()),
                    raw=rfc3339(run.started_at),
                ),
                Cell(outcome, style, raw=run.outcome),
                run.answered_by or "",
                str(run.attempts),
                Cell("" if lasted is None else words.seconds(lasted), raw="" if lasted is None else f"{lasted:.3f}"),
                Cell(
                    "" if run.cost is None or not is_roomy else words.money(run.cost),
                    raw="" if run.cost is None else str(run.cost),
                ),
                run.prompt,
            )
        )
    columns = (
        Column("id"),
        Column("started"),
        Column("outcome"),
        Column("answered by"),
        Column("attempts", right=True, spare=3),
        Column("time", right=True, spare=2),
        Column("cost", right=True, spare=1),
        Column("prompt"),
    )
    session.out.table(columns, rows, cut_last=True)


def _attempt_row(view: RunView, row: AttemptRow) -> Row:
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    seen = next((attempt for attempt in view.attempts if attempt.attempt == row.attempt), None)
    outcome, style = words.outcome_words(row.outcome)
    first = seen.first_token_seconds if seen else None
    usage = seen.usage if seen else None
    cost = seen.cost if seen else None
    lasted = row.duration_seconds
    return (
        str(row.attempt),
        row.move,
        row.ref,
        Cell(outcome, style, raw=row.outcome),
        Cell(words.moment(row.started_at)[11:], raw=rfc3339(row.started_at)),
        Cell("" if lasted is None else words.seconds(lasted), raw="" if lasted is None else f"{lasted:.3f}"),
        Cell("" if first is None else words.seconds(first), raw="" if first is None else f"{first:.3f}"),
        "" if usage is None else words.tokens(usage),
        Cell("" if cost is None else words.money(cost), raw="" if cost is None else str(cost)),
        words.cause_words(seen) if seen is not None else row.kind or "",
    )


VERBS = {"list": list_runs, "show": show, **recorded.VERBS}
