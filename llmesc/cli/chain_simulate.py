"""`llmesc chain simulate`: past requests, played under another policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete
from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.config.model import Config
    from llmesc.engine import Engine
    from llmesc.engine.simulation.what_if import Simulation


def simulate(
    ctx: typer.Context,
    policy: Annotated[Path, typer.Option(metavar="FILE", help="What would be configured: a TOML file that says what differs.")],
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare with this policy instead of the present configuration.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="The files are whole configurations, not laid over the present one.")
    ] = False,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A duration (30d) or a date (2026-11-22).")] = "30d",
    chain: Annotated[
        str | None, typer.Option(metavar="NAME", help="Requests to that chain.", autocompletion=complete.chains)
    ] = None,
    caller: Annotated[str | None, typer.Option(metavar="NAME", help="Who asked: the name given, or user@host.")] = None,
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="Requests that called it.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another draw of what is not on record.")] = 0,
    as_json: Json = False,
) -> int:
    """Play past requests under another policy, without a call.

    Other chains, thresholds, deadlines, attempts, circuits: what would have been answered, when and for how much. What a
    request did call is taken from its record; of what it did not, a call of the same model about that time counts for it; what
    nobody called is unknown, and said to be.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.options import moment
    from llmesc.cli.run_filter import as_recorded
    from llmesc.engine.simulation.what_if import Question

    session: Session = ctx.obj
    session.promised_json = as_json
    now = session.now()
    began = moment("--since", since, now)
    if began >= now:
        raise BadInput(f"--since: {since!r} is not past")
    question = Question(
        policy=_config(session, "--policy", policy, whole=whole),
        against=None if against is None else _config(session, "--against", against, whole=whole),
        since=began,
        until=now,
        chain=chain,
        caller=as_recorded(caller),
        provider=provider,
        seed=seed,
    )

    async def work(engine: Engine) -> Simulation:
        return await engine.operations.what_if(question, session.err.progress)

    told = session.with_engine(work)
    session.err.no_status()
    _print(session, told, policy.name, as_json=as_json)
    return 0


def _config(session: Session, option: str, path: Path, *, whole: bool) -> Config:
    """What the file says, over the present configuration unless it is `whole`. Raises `ConfigError` with every mistake in it, and
    `BadInput` where there is no such file.
    """
    import os

    from llmesc.cli.bad_input import BadInput
    from llmesc.config.load import load
    from llmesc.config.overlay import load_over
    from llmesc.escalation.errors import ConfigError

    if not path.is_file():
        says = "a whole configuration" if whole else "what would differ from the present configuration"
        what = "a folder, and no file" if path.is_dir() else "no such file"
        raise BadInput(
            f"{option} {path}: {what}; write into one {says}, such as [escalation] and below it max_attempts = 2",
            "llmesc config show, for the keys and what holds now",
        )
    try:
        return load(path, os.environ) if whole else load_over(path, session.config_file, os.environ)
    except ConfigError as error:
        error.hint = f"put {path} right, then the same again"
        raise


def _print(session: Session, told: Simulation, name: str, *, as_json: bool) -> None:
    from llmesc.story import simulation_words
    from llmesc.story.simulation_json import simulation_json
    from llmesc.story.style import paint

    if as_json:
        session.out.json(simulation_json(told))
        return
    if not told.recorded.runs:
        session.err.say("no such requests have ended in that time; next: llmesc history list --since 30d")
        return
    if not session.out.is_terminal:
        session.out.table((), simulation_words.rows(told))
        return
    for line in simulation_words.head(told, name):
        session.out.line(paint(line.text, line.style, session.out.colour))
    session.out.line()
    session.out.table(simulation_words.COLUMNS, simulation_words.rows(told))
    session.out.line()
    for line in simulation_words.tail(told):
        session.out.line(paint(line.text, line.style, session.out.colour))
