"""`llmesc history replay`: a run, or a file of its events, played again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete
from llmesc.cli.export import export

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine
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
    events = _of_file(path) if path.is_file() else _recorded(session, run)
    if not events:
        raise BadInput(f"{run}: holds no events of a run; next: llmesc history list")
    if not session.streams.takes_a_screen:
        raise BadInput(f"a replay needs a terminal; next: llmesc history show {events[0].run_id}")

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


def _of_file(path: Path) -> Sequence[Event]:
    from llmesc.cli.bad_input import BadInput

    try:
        events = list(_read(path))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    events.sort(key=lambda event: event.seq)
    if len({event.run_id for event in events}) > 1:
        raise BadInput(f"{path}: holds events of several runs; one at a time can be played")
    return events


def _read(path: Path) -> Iterator[Event]:
    """Its events; of types that a newer version wrote nothing is known, and they are passed over. Raises `BadInput`, OSError."""
    import json

    from llmesc.cli.bad_input import BadInput
    from llmesc.escalation.codec import decode_event

    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                event = decode_event(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise BadInput(f"{path}, line {number}: no event of a run: {error}") from None
            if event is not None:
                yield event


VERBS = {"export": export, "replay": replay}
