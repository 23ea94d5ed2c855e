"""`llmesc dashboard`: the live screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine


def dashboard(
    ctx: typer.Context,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look only: nothing can be asked or changed.")] = False,
    theme: Annotated[str | None, typer.Option(metavar="NAME", help="A theme, e.g. ansi-dark, nord, textual-light.")] = None,
    print_answer: Annotated[bool, typer.Option("--print", help="Print the last accepted answer on leaving.")] = False,
) -> int:
    """Watch requests, switches and circuits live, and put them right.

    Shows what every process that shares the state does. Needs a terminal.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.screen import lent_to_the_screen, screen_settings

    session: Session = ctx.obj
    if not session.streams.takes_a_screen:
        raise BadInput("the dashboard needs a terminal; next: llmesc history list")
    chosen = screen_settings(session, theme)

    async def work(engine: Engine) -> str | None:
        from dataclasses import replace

        from llmesc.cli.session import operator
        from llmesc.dashboard import watch

        return await watch(engine, replace(chosen, read_only=read_only, who=operator()))

    session.err.keep_quiet()  # a warning would be written over the screen: it is said when that is left
    try:
        with lent_to_the_screen(session):
            answer = session.with_engine(work)
    finally:
        session.err.speak()
    if print_answer and answer is not None:
        session.out.line(answer)
    return 0
