"""`llmesc dashboard`: the live screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.dashboard.app import Settings
    from llmesc.engine import Engine


def dashboard(
    ctx: typer.Context,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look only: nothing can be asked or changed.")] = False,
    theme: Annotated[str | None, typer.Option(metavar="NAME", help="A theme, e.g. ansi-dark, nord, textual-light.")] = None,
    print_answer: Annotated[bool, typer.Option("--print", help="Print the last accepted answer on leaving.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="A simulated chain and its troubles: nothing is called or kept.")] = False,
) -> int:
    """Watch requests, switches and circuits live, and put them right.

    Shows what every process that shares the state does. Needs a terminal. New here? --demo shows all of it in a minute.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.screen import lent_to_the_screen, screen_settings

    session: Session = ctx.obj
    if not session.streams.takes_a_screen:
        raise BadInput("the dashboard needs a terminal", "llmesc history list")
    if demo and (session.config_file is not None or session.state is not None):
        raise BadInput("--demo brings its own chain and keeps no state: leave --config and --state out")
    chosen = screen_settings(session, theme, with_configuration=not demo)

    def settings() -> Settings:
        from dataclasses import replace

        from llmesc.cli.session import operator

        return replace(chosen, read_only=read_only, who=operator())

    async def work(engine: Engine) -> str | None:
        from llmesc.dashboard import watch

        return await watch(engine, settings())

    async def play() -> str | None:
        from llmesc.dashboard import demonstrate

        return await demonstrate(settings(), on_warning=session.warn)

    session.err.keep_quiet()  # a warning would be written over the screen: it is said when that is left
    try:
        with lent_to_the_screen(session):
            answer = session.run(play) if demo else session.with_engine(work, warns_at_once=True)
    finally:
        session.err.speak()
    if print_answer and answer is not None:
        session.out.line(answer)
    return 0
