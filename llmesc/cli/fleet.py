"""`llmesc fleet`: workers that serve models to other hosts, and what they are doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmesc.cli import complete
from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine
    from llmesc.engine.serving.job import JobDone
    from llmesc.engine.serving.overview import FleetView, WorkerSays
    from llmesc.engine.serving.served import Served
    from llmesc.story.style import Style
    from llmesc.story.table import Row

HELP = "Workers that serve models to other hosts, and what they do."

Serve = Annotated[
    list[str], typer.Option("--serve", metavar="REF", help="What to serve; repeatable.", autocompletion=complete.references)
]
Lanes = Annotated[
    str | None,
    typer.Option(metavar="LANES", help="Window classes (8k,32k) or whole lanes (MODEL@8k); each model's own unless said."),
]
Names = Annotated[list[str], typer.Argument(metavar="WORKER", help="What `llmesc fleet list` calls it.")]


def worker(
    ctx: typer.Context,
    serve: Serve,
    lanes: Lanes = None,
    concurrency: Annotated[int, typer.Option(metavar="N", min=1, max=1024, help="Requests at once.")] = 1,
    queue: Annotated[int, typer.Option(metavar="N", min=0, max=100_000, help="Requests that may wait for it in a lane.")] = 8,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What it is called; HOST-PID unless said.")] = None,
) -> int:
    """Serve models to whoever asks at the fleet's Redis.

    They are models of this configuration. On Ctrl-C, SIGTERM or `llmesc fleet drain` it takes no more requests, finishes those
    that it has begun, and leaves. A second Ctrl-C ends it at once.
    """
    session: Session = ctx.obj
    windows = [part.strip() for part in (lanes or "").split(",") if part.strip()]

    async def work(engine: Engine) -> int:
        from llmesc.cli.bad_input import BadInput
        from llmesc.cli.interrupts import on_interrupt
        from llmesc.engine.serving.open_worker import open_worker, worker_name
        from llmesc.engine.serving.served import served

        try:
            what, called = served(engine.config, engine.offerings, serve, windows), worker_name(name)
        except ValueError as error:
            raise BadInput(str(error)) from None
        async with open_worker(
            engine,
            what,
            name=called,
            concurrency=concurrency,
            queue=queue,
            on_done=lambda done: _say_done(session, done),
            warn=session.warn,
            on_drain=lambda running: _say_drained(session, called, running),
        ) as one:
            _say_ready(session, called, what, concurrency)
            with on_interrupt(one.drain):
                await one.run()
        session.err.say(f"{called} has left")
        return 0

    return session.with_engine(work, warns_at_once=True)


def _say_ready(session: Session, name: str, what: Sequence[Served], concurrency: int) -> None:
    session.err.no_status()
    for each in what:
        session.err.say(f"{name} serves {', '.join(map(str, each.lanes))} from {each.reference}, {concurrency} at once", "strong")


def _say_drained(session: Session, name: str, running: int) -> None:
    if running:  # else it has left before anybody could read this
        from llmesc.story.words import plural

        session.err.say(f"{name} takes no more, and finishes {plural(running, 'request')}; Ctrl-C ends it at once", "doubtful")


def _say_done(session: Session, done: JobDone) -> None:
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words

    mark: tuple[str, Style] = ("✓", "plain")
    how = f"{done.tokens:,} tokens"
    if done.left:
        mark, how = ("↷", "dim"), "nobody waits for it any more"
    elif done.failure is not None:
        mark, how = ("✗", "bad"), f"{words.plain_words(done.failure.kind)}: {done.failure.message}"
    run = f" · run {done.run_id}" if done.run_id else ""
    session.err.say(
        one_line(f"{mark[0]} {done.lane} for {done.asked_by or '?'} · {how} · {words.seconds(done.seconds)}{run}"), mark[1]
    )


def list_fleet(ctx: typer.Context, as_json: Json = False) -> int:
    """List the workers that live: their lanes, how busy, how fast."""
    session: Session = ctx.obj
    session.promised_json = as_json
    view = _look(session)
    if as_json:
        session.out.json(_fleet_json(view))
        return 0
    if not view.workers and session.out.is_terminal:
        session.err.say(f"no worker lives at {view.place}; next: llmesc fleet worker --serve REF")
        return 0
    from llmesc.story.table import Column

    columns = (
        Column("worker"),
        Column("state"),
        Column("lanes"),
        Column("running", right=True),
        Column("tok/s", right=True),
        Column("answered", right=True),
        Column("failed", right=True),
        Column("up", right=True),
    )
    session.out.table(columns, [_row(each, view) for each in view.workers])
    return 0


def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="WORKER|LANE", help="What `llmesc fleet list` calls it.")],
    as_json: Json = False,
) -> int:
    """Show one worker, or one lane: who serves it, how many wait."""
    from llmesc.escalation.errors import UnknownName

    session: Session = ctx.obj
    session.promised_json = as_json
    view = _look(session)
    workers = [each for each in view.workers if each.name == name]
    lanes = [each for each in view.lanes if each.lane == name or (workers and name in each.workers)]
    if not workers and not lanes:
        known = tuple(each.name for each in view.workers) + tuple(each.lane for each in view.lanes)
        raise UnknownName("worker or lane", name, known)
    from llmesc.escalation.codec import encode

    if as_json:
        session.out.json(encode((workers or lanes)[0]))
        return 0
    from llmesc.story.table import Column

    facts = encode(workers[0]) if workers else {}
    rows: list[Row] = [_fact(key, value) for key, value in facts.items() if key != "serves"]
    rows += [(f"serves {each['lane']}", str(each["reference"])) for each in facts.get("serves", ())]
    for lane in lanes:
        rows.append((f"lane {lane.lane}", f"{lane.running} running, {lane.waiting} waiting, room for {lane.room}"))
        rows.append((f"workers of {lane.lane}", ", ".join(lane.workers)))
    session.out.table((Column("what"), Column("is")), rows)
    return 0


def _fact(key: str, value: Any) -> Row:
    from llmesc.escalation.times import Timestamp, rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    told = Cell(str(value))
    if key == "started":
        told = Cell(words.moment(Timestamp(value)), raw=rfc3339(Timestamp(value)))
    elif isinstance(value, bool):
        told = Cell("yes" if value else "no", raw=str(value).lower())
    return Cell(words.plain_words(key), raw=key), told


def drain(ctx: typer.Context, names: Names, as_json: Json = False) -> int:
    """Have workers take no more, finish what they began, and leave."""
    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> Sequence[WorkerSays]:
        from llmesc.engine.serving.overview import drain_workers

        return await drain_workers(engine, names)

    told = session.with_engine(work)
    if as_json:
        session.out.json([{"worker": each.name, "running": each.running} for each in told])
    else:
        for each in told:
            session.out.line(f"{each.name}: takes no more; {each.running} running")
    return 0


def _look(session: Session) -> FleetView:
    async def work(engine: Engine) -> FleetView:
        from llmesc.engine.serving.overview import look_at_fleet

        return await look_at_fleet(engine)

    return session.with_engine(work)


def _row(each: WorkerSays, view: FleetView) -> Row:
    from llmesc.story import words
    from llmesc.story.table import Cell

    state: tuple[str, Style] = ("draining", "doubtful") if each.draining else ("ready", "good")
    if not each.draining and each.running >= each.concurrency:
        state = ("busy", "plain")
    up = max(0.0, view.now - each.started)
    return (
        each.name,
        Cell(*state),
        ", ".join(each.lanes),
        f"{each.running}/{each.concurrency}",
        f"{each.tokens_per_second:g}",
        str(each.answered),
        str(each.failed),
        Cell(words.seconds(up), raw=f"{up:.0f}"),
    )


def _fleet_json(view: FleetView) -> dict[str, Any]:
    from llmesc.escalation.codec import encode

    return {**encode(view), "tokens_per_second": view.tokens_per_second}


VERBS = {"list": list_fleet, "show": show, "drain": drain, "worker": worker}
