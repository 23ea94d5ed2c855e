"""`llmesc history`: past requests, and what became of each attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete, recorded
from llmesc.cli.options import Json
from llmesc.cli.run_filter import Caller, Conversation, Correlation, Outcome, ProviderName, Since, Text, run_filter

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import AttemptRow, Engine, RunSummary
    from llmesc.escalation.fold import RunView
    from llmesc.story.table import Column, Row

_GIVEN = ("name", "conversation", "correlation", "traceparent")
"""What a caller may have said about himself."""

HELP = "What was asked, who answered, and why not others."


def list_runs(
    ctx: typer.Context,
    since: Since = None,
    outcome: Outcome = None,
    provider: ProviderName = None,
    text: Text = None,
    caller: Caller = None,
    conversation: Conversation = None,
    correlation: Correlation = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> int:
    """List past and running requests, newest first.

    Only those that fit every option that is given.
    """
    session: Session = ctx.obj
    session.promised_json = as_json
    where = run_filter(
        session,
        since=since,
        outcome=outcome,
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

        session.out.json([encode(run) for run in runs])
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

    Moves, causes and times; who was skipped; each switch; and the answer.
    """
    from llmesc.escalation.fold import RunView, fold

    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> tuple[RunView, Sequence[AttemptRow]]:
        operations = engine.operations
        run_id = await operations.find_run(run)
        view = RunView()
        for event in await operations.run_events(run_id):
            view = fold(view, event)
        return view, await operations.run_attempts(run_id)

    view, rows = session.with_engine(work)
    if as_json:
        _print_json(session, view, rows)
    elif session.out.is_terminal:
        for line in _in_full(session, view, rows):
            session.out.write(line)
    else:
        session.out.table(_attempt_columns(), [_attempt_row(view, row) for row in rows])
    return 0


def _print_runs(session: Session, runs: Sequence[RunSummary]) -> None:
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell, Column

    rows: list[Row] = []
    for run in runs:
        outcome, style = words.outcome_words(run.outcome)
        lasted = None if run.finished_at is None else max(run.finished_at - run.started_at, 0.0)
        rows.append(
            (
                run.run_id,
                Cell(words.moment(run.started_at), raw=rfc3339(run.started_at)),
                Cell(outcome, style, raw=run.outcome),
                run.answered_by or "",
                str(run.attempts),
                Cell("" if lasted is None else words.seconds(lasted), raw="" if lasted is None else f"{lasted:.3f}"),
                Cell("" if run.cost is None else words.money(run.cost), raw="" if run.cost is None else str(run.cost)),
                run.prompt,
            )
        )
    columns = (
        Column("id"),
        Column("started"),
        Column("outcome"),
        Column("answered by"),
        Column("attempts", right=True),
        Column("time", right=True),
        Column("cost", right=True),
        Column("prompt"),
    )
    session.out.table(columns, rows, cut_last=True)


def _outcome(view: RunView, rows: Sequence[AttemptRow]) -> str:
    """Of the run: its own, or what the attempts tell of a process that never wrote the end."""
    if view.outcome is not None:
        return view.outcome
    return "interrupted" if any(row.outcome == "interrupted" for row in rows) else "running"


def _print_json(session: Session, view: RunView, rows: Sequence[AttemptRow]) -> None:
    from llmesc.story.run_json import run_json

    made = run_json(view, outcome=_outcome(view, rows))
    known = {row.attempt: row.outcome for row in rows}
    for attempt in made["attempts"]:
        attempt["outcome"] = attempt["outcome"] or known.get(attempt["attempt"])
    session.out.json({**made, "prompt": view.request.prompt if view.request else None})


def _attempt_columns() -> tuple[Column, ...]:
    from llmesc.story.table import Column

    return (
        Column("#", right=True),
        Column("move"),
        Column("candidate"),
        Column("outcome"),
        Column("started"),
        Column("time", right=True),
        Column("first token", right=True),
        Column("tokens"),
        Column("cost", right=True),
        Column("cause"),
    )


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


def _in_full(session: Session, view: RunView, rows: Sequence[AttemptRow]) -> Iterator[str]:
    from llmesc.escalation.untrusted import one_line, safe
    from llmesc.story import words
    from llmesc.story.table import aligned
    from llmesc.story.tell import switch_words, writers

    outcome, _ = words.outcome_words(_outcome(view, rows))
    about = [f"run {view.run_id}", outcome]
    if view.chain is not None:
        about.append(f"chain {view.chain.name}")
    if view.started_at is not None:
        about.append(words.moment(view.started_at))
    if view.totals is not None:
        hosted = any(not attempt.resolution.tier.self_hosted for attempt in view.attempts)
        about += [
            words.seconds(view.totals.duration_seconds),
            words.spent(view.totals.usage, view.totals.cost, hosted=hosted),
        ]
    yield one_line(" · ".join(about)) + "\n"
    if given := [f"{key} {view.caller[key]}" for key in _GIVEN if key in view.caller]:
        yield one_line(f"caller: {' · '.join(given)}") + "\n"
    if view.request is not None:
        yield f"asked: {one_line(view.request.prompt)}\n"
    if rows:
        columns, table = _attempt_columns(), [_attempt_row(view, row) for row in rows]
        yield "\n" + aligned(columns[:-1], [row[:-1] for row in table], colour=session.out.colour)
        for attempt, row in zip(rows, table, strict=True):
            if row[-1]:
                mark = words.outcome_words(attempt.outcome)[0][0]
                yield one_line(f"  {row[0]} {mark} {row[-1]}", 1000) + "\n"
    if view.skipped or view.switches:
        yield "\n"
    for skip in view.skipped:
        detail = f": {skip.detail}" if skip.detail else ""
        yield one_line(f"↷ skipped {words.who(skip.resolution)}: {words.plain_words(skip.reason)}{detail}") + "\n"
    for switch in view.switches:
        yield one_line(f"→ {switch_words(switch)}") + "\n"
    if written := writers(view):
        yield f"✎ {', then '.join(written)}\n"
    if view.answer is not None:
        yield f"\n{safe(view.answer.text).rstrip()}\n"


VERBS = {"list": list_runs, "show": show, **recorded.VERBS}
