"""`llmesc history replay` and `import`: a run, or a file of events, played again or taken into the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete
from llmesc.cli.export import export
from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine, Imported
    from llmesc.escalation.events import Event


def replay(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="ID|FILE", help="A run, or a file that export or ask --jsonl wrote.", autocompletion=complete.runs
        ),
    ],
    theme: Annotated[str | None, typer.Option(metavar="NAME", help="A theme, e.g. ansi-dark, nord, textual-light.")] = None,
) -> int:
    """Play a past request on the dashboard at its recorded pace.

    Space stops and plays, [ and ] step, < and > change the pace.
    """
    import asyncio

    from llmesc.cli.bad_input import BadInput

    session: Session = ctx.obj
    path = Path(run)
    events = _of_file(session, run) if path.is_file() else _recorded(session, run)
    if not events:
        raise BadInput(f"{run}: holds no events of a run", "llmesc history list")
    if not session.streams.takes_a_screen:
        raise BadInput("a replay needs a terminal", f"llmesc history show {events[0].run_id}")

    from llmesc.cli.screen import lent_to_the_screen, screen_settings
    from llmesc.dashboard import play

    settings = screen_settings(session, theme)
    with lent_to_the_screen(session):
        asyncio.run(play(events, settings))
    return 0


def _recorded(session: Session, run: str) -> Sequence[Event]:
    async def work(engine: Engine) -> Sequence[Event]:
        return await engine.operations.run_events(await engine.operations.find_run(run))

    return session.with_engine(work)


def take(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What export or ask --jsonl wrote; - reads standard input.")],
    as_json: Json = False,
) -> int:
    """Take the runs of a file into the history.

    Twice is as once. Where a line is no event, a run has a gap, or another run of its id is here already, nothing is taken.
    """
    session: Session = ctx.obj
    session.promised_json = as_json
    lines = _lines(session, file)

    async def work(engine: Engine) -> Imported:
        return await engine.operations.take_recordings(lines)

    with _named(file):
        done = session.with_engine(work)
    if as_json:
        from llmesc.escalation.codec import encode

        session.out.json(encode(done))
    elif session.out.is_terminal:
        session.out.line(_told(done))
    else:
        outcomes = (("new", done.new), ("completed", done.completed), ("known", done.known))
        session.out.table((), [(run_id, word) for word, ids in outcomes for run_id in ids])
    if done.unknown_events:
        session.warn(f"{done.unknown_events} events of types that this version does not know were passed over")
    return 0


def _told(done: Imported) -> str:
    from llmesc.story.words import plural

    parts = [f"{plural(len(done.new), 'run')} imported"]
    parts += [f"{len(done.completed)} completed"] if done.completed else []
    parts += [f"{len(done.known)} here already"] if done.known else []
    return ", ".join(parts)


def _lines(session: Session, file: str) -> Sequence[str]:
    """Of the file, or of standard input. Raises `BadInput`."""
    from llmesc.cli.bad_input import BadInput

    if file == "-":
        return session.streams.stdin.read().decode("utf-8", "replace").splitlines()
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as lines:
            return list(lines)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from None


@contextmanager
def _named(file: str) -> Iterator[None]:
    """What is wrong in a recording is told with the name of its file."""
    from llmesc.cli.bad_input import BadInput
    from llmesc.engine.recordings import UnusableRecording

    try:
        yield
    except UnusableRecording as error:
        problem = str(error)
        where = f"{file}, {problem}" if problem.startswith("line ") else f"{file}: {problem}"
        raise BadInput(where) from None


def _of_file(session: Session, file: str) -> Sequence[Event]:
    """Those of its one run. Raises `BadInput`."""
    from llmesc.cli.bad_input import BadInput
    from llmesc.engine.recordings import read_lines

    with _named(file):
        events = [line.event for line in read_lines(_lines(session, file)) if line.event is not None]
    events.sort(key=lambda event: event.seq)
    if len({event.run_id for event in events}) > 1:
        raise BadInput(f"{file}: holds events of several runs; one at a time can be played")
    return events


VERBS = {"export": export, "import": take, "replay": replay}
