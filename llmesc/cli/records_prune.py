"""`llmesc records prune`: old requests go, and the chain says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli.options import Json, duration

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine, Pruned, Retention


def prune(
    ctx: typer.Context,
    older_than: Annotated[
        str | None, typer.Option(metavar="DURATION", help="E.g. 30d; without it what [records] keep and max_size say.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> int:
    """Let old requests go, with their attempts and events.

    Says what goes, and asks. Requests that still run, circuits, denials and retry budgets stay. Others can write meanwhile. What
    goes is overwritten in the file, and its room is given back.
    """
    session: Session = ctx.obj
    session.promised_json = as_json
    older_than_seconds = duration("--older-than", older_than)

    async def plan(engine: Engine) -> tuple[Retention, Pruned, tuple[int, int]]:
        wanted = _wanted(older_than_seconds, engine)
        return wanted, await engine.keeping.prunable(wanted), await engine.keeping.sizes()

    wanted, planned, before = session.with_engine(plan)
    if not as_json:
        _say_what_goes(session, planned, before[0] - before[1], dry_run=dry_run)
    if dry_run or not planned.runs:
        if as_json:
            _print_json(session, planned, before, dry_run=dry_run)
        return 0
    if not yes and not _permitted(session):
        session.err.say("nothing was pruned")
        return 0

    async def work(engine: Engine) -> tuple[Pruned, tuple[int, int]]:
        from llmesc.cli.session import operator

        return await engine.keeping.prune(wanted, operator()), await engine.keeping.sizes()

    gone, after = session.with_engine(work)
    if as_json:
        _print_json(session, gone, after, dry_run=False)
    else:
        _say_what_went(session, gone, after)
    return 0


def _wanted(older_than_seconds: float | None, engine: Engine) -> Retention:
    from llmesc.cli.bad_input import BadInput
    from llmesc.engine import Retention

    records = engine.config.records
    if older_than_seconds is not None:
        return Retention(keep_seconds=older_than_seconds)
    if records.keep_seconds is None and records.max_bytes is None:
        raise BadInput(
            "say which requests are to go: --older-than 30d, or keep and max_size in [records]", "llmesc records prune --help"
        )
    return Retention(keep_seconds=records.keep_seconds, max_bytes=records.max_bytes)


def _permitted(session: Session) -> bool:
    from llmesc.cli.bad_input import BadInput

    if not (session.streams.stdin_is_terminal and session.err.is_terminal):
        raise BadInput("nobody is there to be asked; --yes prunes unasked", "llmesc records prune --dry-run")
    session.err.ask("let them go? [y/N] ")
    answer = session.streams.stdin.readline()
    if not answer.endswith(b"\n"):
        session.err.say("")
    return answer.strip().lower() in (b"y", b"yes")


def _say_what_goes(session: Session, planned: Pruned, used: int, *, dry_run: bool) -> None:
    from llmesc.escalation.sizes import format_size
    from llmesc.story import words

    if planned.oldest is None or planned.newest is None:
        session.err.say("nothing to prune: no ended request is old enough")
        return
    goes = "would go" if dry_run else "to go"
    session.out.line(
        f"{goes}: {_what(planned)} of {format_size(used)}, "
        f"begun between {words.moment(planned.oldest)} and {words.moment(planned.newest)}"
    )


def _say_what_went(session: Session, gone: Pruned, after: tuple[int, int]) -> None:
    from llmesc.escalation.sizes import format_size

    size, free = after
    session.out.line(f"pruned: {_what(gone)}; the file has {format_size(size)}")
    if free > size // 10:
        session.err.say(
            f"{format_size(free)} of that are free for what comes: an older llmesc made the file, which cannot shrink; "
            "while no llmesc runs: sqlite3 FILE 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'"
        )


def _what(gone: Pruned) -> str:
    from llmesc.escalation.sizes import format_size

    return f"{gone.runs:,} request{'' if gone.runs == 1 else 's'}, {gone.events:,} events, {format_size(gone.bytes)}"


def _print_json(session: Session, gone: Pruned, sizes: tuple[int, int], *, dry_run: bool) -> None:
    from llmesc.escalation.codec import encode

    session.out.json({"dry_run": dry_run, **encode(gone), "file_bytes": sizes[0], "free_bytes": sizes[1]})


VERBS = {"prune": prune}
