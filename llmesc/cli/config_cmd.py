"""`llmesc config`: where the configuration is, what is in force, and whether it is right."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import typer

from llmesc.cli.options import Json

if TYPE_CHECKING:
    from pathlib import Path

    from llmesc.cli.session import Session

HELP = "Where the configuration is, what it says, is it right."


def path(ctx: typer.Context) -> int:
    """Print where the configuration file is, or would be."""
    session: Session = ctx.obj
    session.out.line(str(_path(session)))
    return 0


def show(ctx: typer.Context, as_json: Json = False) -> int:
    """Print every setting in force with its origin, no secret."""
    session: Session = ctx.obj
    session.promised_json = as_json
    from llmesc.config.describe import describe
    from llmesc.config.find import find_config
    from llmesc.story.table import Cell, Column

    config = find_config(session.config_file, os.environ)
    settings = describe(config)
    if as_json:
        session.out.json([setting._asdict() for setting in settings])
        return 0
    session.out.table(
        (Column("setting"), Column("value"), Column("from")),
        [(setting.key, _value(setting.value), Cell(setting.origin, "dim")) for setting in settings],
    )
    if config.discovered and session.out.is_terminal:
        session.err.say(f"there is no {_path(session)}; this is what was found on this machine; next: llmesc init")
    return 0


def edit(ctx: typer.Context) -> int:
    """Open the configuration in an editor, then check it."""
    import shlex
    import subprocess

    from llmesc.cli.bad_input import BadInput

    session: Session = ctx.obj
    file = _path(session)
    if not file.exists():
        raise BadInput(f"{file}: no such file", "llmesc init")
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        if not (session.streams.stdin_is_terminal and session.streams.stdout_is_terminal):
            raise BadInput(
                f"there is no terminal for an editor; the file is {file}", "llmesc config check, when you have edited it"
            )
        command = "vi"
    try:
        status = subprocess.run([*shlex.split(command), str(file)], check=False).returncode  # noqa: S603 - the user's own editor
    except (OSError, ValueError) as error:
        raise BadInput(f"the editor {command!r} cannot be started: {error}", "export EDITOR=nano") from None
    if status:
        raise BadInput(f"the editor {command!r} ended with {status}")
    return check(ctx)


def check(ctx: typer.Context, as_json: Json = False) -> int:
    """Name every mistake in the configuration at once.

    And every doubt. Calls nobody.
    """
    from llmesc.cli.exit_codes import ExitCode
    from llmesc.config.check import warnings
    from llmesc.config.load import load
    from llmesc.config.model import DashboardConfig
    from llmesc.escalation.errors import ConfigError

    session: Session = ctx.obj
    session.promised_json = as_json
    file = _path(session)
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    try:
        config = load(file, os.environ)
        if config.dashboard != DashboardConfig():
            from llmesc.cli.screen import configured

            configured(config)  # loaded only where something is said: it brings the whole screen
        doubts = warnings(config, os.environ)
    except ConfigError as error:
        if not as_json:
            raise
        problems = error.problems
    if as_json:
        session.out.json({"file": str(file), "problems": list(problems), "warnings": list(doubts)})
    else:
        for doubt in doubts:
            session.warn(doubt)
        session.out.line(f"{file}: no mistakes")
    return ExitCode.CONFIGURATION if problems else ExitCode.ANSWERED


def _path(session: Session) -> Path:
    from llmesc.config.paths import config_path

    return config_path(session.config_file, os.environ)


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


VERBS = {"path": path, "show": show, "edit": edit, "check": check}
