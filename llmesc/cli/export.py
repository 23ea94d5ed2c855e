"""`llmesc history export`: runs as events that can be imported and replayed, or as a page to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete
from llmesc.cli.run_filter import Caller, Conversation, Correlation, Outcome, ProviderName, Since, StatusWords, Text, run_filter

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import AttemptRow, Engine, RunFilter
    from llmesc.escalation.events import Event

    Recorded = tuple[Sequence[Event], Sequence[AttemptRow]]


def export(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="The id, or how it begins; without it all that fit.", autocompletion=complete.runs),
    ] = None,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write one page that needs nothing else; - prints it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    since: Since = None,
    outcome: Outcome = None,
    status: StatusWords = None,
    provider: ProviderName = None,
    text: Text = None,
    caller: Caller = None,
    conversation: Conversation = None,
    correlation: Correlation = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Of those that fit, at most so many, the newest.")] = 100,
) -> int:
    """Print events, one JSON object a line, or write a page.

    `llmesc history import` takes the lines back, `history replay` plays those of one run. The page shows what `history show`
    does; of many runs with a summary. No network, no script, light and dark.
    """
    session: Session = ctx.obj
    chosen = {
        "since": since,
        "outcome": outcome,
        "provider": provider,
        "text": text,
        "caller": caller,
        "conversation": conversation,
        "correlation": correlation,
    }
    given = {name: value for name, value in {**chosen, "status": ", ".join(status or ()) or None}.items() if value is not None}
    if run is not None and given:
        from llmesc.cli.bad_input import BadInput

        raise BadInput(f"an id and --{next(iter(given))}: one of them")
    where = run_filter(session, **chosen, status=status, limit=limit)
    found = session.with_engine(lambda engine: _read(engine, run, where))
    if run is None and len(found) == limit:
        session.warn(f"these are the newest {limit}, there may be more; --limit N")
    if html is None:
        _print_events(session, found)
    else:
        _write_page(session, found, html, ", ".join(f"{name} {value}" for name, value in given.items()), replace=force)
    return 0


async def _read(engine: Engine, run: str | None, where: RunFilter) -> list[Recorded]:
    """The newest run first."""
    operations = engine.operations
    found = [summary.run_id for summary in await operations.history(where)] if run is None else []
    ids = found if run is None else [await operations.find_run(run)]
    return [(await operations.run_events(run_id), await operations.run_attempts(run_id)) for run_id in ids]


def _print_events(session: Session, found: Sequence[Recorded]) -> None:
    from llmesc.escalation.leaving import all_leaving

    for events, _ in reversed(found):
        for made in all_leaving(events):
            session.out.line(session.out.json_text(made))


def _write_page(session: Session, found: Sequence[Recorded], place: str, asked_for: str, *, replace: bool) -> None:
    from llmesc.cli.bad_input import BadInput
    from llmesc.story.page.page import page
    from llmesc.story.private_file import Exists, write_private
    from llmesc.story.run_report import report
    from llmesc.story.words import plural

    pieces = page([report(events, rows) for events, rows in found], made_at=session.now(), asked_for=asked_for)
    if place == "-":
        for piece in pieces:
            session.out.write(piece)
        return
    try:
        path = write_private(pieces, place, replace=replace)
    except Exists as exists:
        raise BadInput(f"{exists}: there is a file already", "--force replaces it") from None
    except OSError as error:
        raise BadInput(f"{place}: {error.strerror or error}") from None
    session.err.say(f"{plural(len(found), 'run')} written to {path}")
