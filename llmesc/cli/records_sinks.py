"""`llmesc records status` and `flush`: how far each sink is with what is recorded, and delivering what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine, Left, SinkStatus
    from llmesc.story.style import Style
    from llmesc.story.table import Cell, Row

_ROOMY = 140
"""Columns of a terminal; with fewer the list says less of when, nothing of where, and leaves out what is none."""

_LEFT = {"busy": "another process delivers to it", "failed": "it did not take it", "stopped": "it wants no more"}


def status(ctx: typer.Context, as_json: Json = False) -> int:
    """List the sinks: how far each is, and what waits for it.

    And what was dropped, and what went wrong last.
    """
    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> Sequence[SinkStatus]:
        return await engine.outbox.status()

    sinks = session.with_engine(work)
    if as_json:
        from llmesc.escalation.codec import encode

        session.out.json([encode(sink) for sink in sinks])
    elif sinks or not session.out.is_terminal:
        _print_table(session, sinks)
    else:
        session.err.say("no sinks are configured; next: add [[records.sinks]], llmesc config edit")
    return 0


def flush(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Of a sink; without one, all.")] = None,
    as_json: Json = False,
) -> int:
    """Deliver now what waits, and wait for it.

    Does not leave a sink to rest after a failure, and starts one that wanted no more.

    Exit 0: nothing is left. 1: something is.
    """
    from llmesc.cli.exit_codes import ExitCode

    session: Session = ctx.obj
    session.promised_json = as_json
    delivered: dict[str, int] = {}

    def told(name: str, events: int) -> None:
        delivered[name] = delivered.get(name, 0) + events
        session.err.status(f"{name}: {delivered[name]:,} events delivered")

    async def work(engine: Engine) -> tuple[Mapping[str, Left], Sequence[SinkStatus]]:
        _check(names or (), [sink.name for sink in engine.config.records.sinks])
        left = await engine.outbox.flush(names or (), told)
        return left, await engine.outbox.status()

    left, sinks = session.with_engine(work)
    session.err.no_status()
    standing = {sink.name: sink for sink in sinks}
    if as_json:
        session.out.json(
            [
                {"name": name, "outcome": outcome, "delivered": delivered.get(name, 0), "waiting": standing[name].waiting}
                for name, outcome in left.items()
            ]
        )
    else:
        for name, outcome in left.items():
            _say(session, standing[name], outcome, delivered.get(name, 0))
        if not left:
            session.err.say("no sinks are configured; next: add [[records.sinks]], llmesc config edit")
    return ExitCode.ANSWERED if set(left.values()) <= {"nothing"} else ExitCode.UNEXPECTED


def _check(names: Sequence[str], known: Sequence[str]) -> None:
    """Raises `UnknownName`."""
    from difflib import get_close_matches

    from llmesc.escalation.errors import UnknownName

    for name in names:
        if name not in known:
            raise UnknownName("sink", name, tuple(get_close_matches(name, known, cutoff=0.3)) or tuple(known))


def _say(session: Session, sink: SinkStatus, outcome: Left, delivered: int) -> None:
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words

    done = f"{sink.name}: {words.plural(delivered, 'event')} delivered"
    if outcome == "nothing":
        session.err.say(done)
        return
    why = one_line(sink.last_error) or _LEFT[outcome]
    session.err.say(f"{done}, {words.plural(sink.waiting, 'event')} left: {why}", "bad")


def _print_table(session: Session, sinks: Sequence[SinkStatus]) -> None:
    from llmesc.story.table import Column

    columns = (
        Column("sink"),
        Column("kind"),
        Column("state"),
        Column("delivered", right=True),
        Column("up to"),
        Column("waiting", right=True),
        Column("since"),
        Column("dropped", right=True),
        Column("last error"),
        Column("target"),
    )
    session.out.table(columns, [_row(session, sink) for sink in sinks])


def _row(session: Session, sink: SinkStatus) -> Row:
    from llmesc.escalation.times import Timestamp, rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    is_roomy = session.streams.width >= _ROOMY

    def at(moment: Timestamp | None) -> Cell:
        if moment is None:
            return Cell("")
        return Cell(words.moment(moment) if is_roomy else words.lately(moment, session.now()), raw=rfc3339(moment))

    def counted(number: int, style: Style = "plain") -> Cell:
        return Cell(f"{number:,}" if number or is_roomy else "", style, raw=str(number))

    return (
        sink.name,
        sink.kind,
        _state(session, sink),
        Cell(f"{sink.delivered:,}", raw=str(sink.delivered)),
        at(sink.delivered_at) if is_roomy or not session.out.is_terminal else "",
        counted(sink.waiting),
        at(sink.waiting_since),
        counted(sink.dropped, "bad" if sink.dropped else "plain"),
        sink.last_error,
        Cell(sink.target if is_roomy else "", raw=sink.target),
    )


def _state(session: Session, sink: SinkStatus) -> Cell:
    from llmesc.story import words
    from llmesc.story.table import Cell

    if sink.kind == "forgotten":
        return Cell("○ not configured", "doubtful", raw="forgotten")
    if sink.stopped:
        return Cell("✗ stopped", "bad", raw="stopped")
    if sink.failures:
        is_told = sink.retry_at is not None and session.streams.width >= _ROOMY
        retry = "" if sink.retry_at is None or not is_told else f", again {words.ahead(sink.retry_at, session.now())}"
        return Cell(f"✗ {words.plural(sink.failures, 'failure')}{retry}", "bad", raw="failing")
    return Cell("● waiting", "doubtful", raw="waiting") if sink.waiting else Cell("✓ delivered", "good", raw="delivered")


VERBS = {"status": status, "flush": flush}
