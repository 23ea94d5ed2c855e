"""What a command says when it fails: what is wrong, where, and the next command to run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from llmesc.cli.bad_input import BadInput
from llmesc.cli.crash import write_crash_file
from llmesc.cli.exit_codes import ExitCode, code_of
from llmesc.cli.output import CannotWrite
from llmesc.cli.session import Session
from llmesc.config.paths import config_path
from llmesc.escalation.errors import ConfigError, LlmescError, UnknownName
from llmesc.escalation.untrusted import safe

_NEXT_BY_NAME = {
    "candidate": "llmesc chain show",
    "chain": "llmesc config show",
    "circuit": "llmesc circuits list",
    "language": "llmesc ask --help",
    "model": "llmesc models list",
    "run": "llmesc history list",
    "sink": "llmesc records",
    "worker": "llmesc fleet list",
    "worker or lane": "llmesc fleet list",
}


def explain(error: Exception, session: Session) -> ExitCode:
    """Says what went wrong on standard error, and on standard output where JSON was promised; the exit code."""
    session.err.no_status()
    session.err.speak()
    if isinstance(error, typer.TyperException):
        # "Value error, " is how pydantic, which validates for Typer, begins
        _say(session, error.format_message().replace(": Value error, ", ": "), next_command=_help_for(error))
        return ExitCode.USAGE
    if isinstance(error, CannotWrite):
        _say(session, str(error))
        return ExitCode.UNEXPECTED
    if isinstance(error, LlmescError):
        problems = error.problems if isinstance(error, ConfigError) else ()
        headline = _headline(problems) if len(problems) > 1 else str(error)
        _report(session, error, headline, problems if len(problems) > 1 else (), _next(error, session))
        return code_of(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        _report(session, error, f"{where}{error.strerror or error}", (), "llmesc doctor")
        return ExitCode.UNEXPECTED
    crash = write_crash_file(error, os.environ, session.now())
    kept = f"; {crash} says where it happened, and holds no key" if crash else ""
    _report(session, error, f"a fault of llmesc itself: {type(error).__name__}{kept}", (), "llmesc doctor")
    return ExitCode.FAULT


def _report(session: Session, error: Exception, headline: str, details: Sequence[str], next_command: str) -> None:
    _say(session, headline, details, next_command)
    if session.promised_json:
        from llmesc.story.run_json import failure_json

        problems = error.problems if isinstance(error, ConfigError) else ()
        hint = session.err.onward(f"next: {next_command}").removeprefix("next: ")
        session.out.json(failure_json(type(error).__name__, headline, problems=problems, hint=hint))


def _say(session: Session, headline: str, details: Sequence[str] = (), next_command: str = "") -> None:
    session.err.say(f"error: {safe(headline)}", "bad")
    for detail in details:
        session.err.say(f"  {safe(detail)}")
    if next_command:
        session.err.say(f"next: {safe(next_command)}", "strong")


def _headline(problems: Sequence[str]) -> str:
    return f"the configuration has {len(problems)} mistakes"


def _next(error: LlmescError, session: Session) -> str:
    match error:
        case LlmescError(hint=hint) if hint:
            return hint
        case BadInput():
            return ""
        case UnknownName(what=what):
            return _NEXT_BY_NAME.get(what, "llmesc config show")
        case ConfigError():
            return _next_for(config_path(session.config_file, os.environ))
        case _:
            return "llmesc doctor"


def _next_for(config: Path) -> str:
    if not config.exists():
        return "llmesc init"
    return "llmesc config edit" if config.is_file() else "llmesc config path"


def _help_for(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context is not None else 'llmesc'} --help"
