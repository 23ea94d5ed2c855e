"""The tree of commands. A command is made when it is named, and what it needs is imported when it runs, so that the tree itself
costs next to nothing: to make all of it takes 20 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from llmesc import __version__
from llmesc.cli.examples import examples
from llmesc.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from llmesc.cli.session import Session

Make = Callable[[], Any]
"""Makes what stands for a command; Typer keeps its type to itself."""


def lazily(makers: Mapping[str, Make], default: str | None = None) -> type[TyperGroup]:
    """The class of a group that lists its commands in the order of `makers` and makes each when it is named. Its bare name, with
    or without options, means the verb `default`.
    """

    class Lazy(TyperGroup):
        def list_commands(self, _ctx: Any) -> list[str]:
            return list(makers)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            # For a name that nobody has, all are made: those that are like it are suggested.
            for name in [cmd_name] if cmd_name in makers else makers:
                if name not in self.commands:
                    self.commands[name] = makers[name]()
            return super().get_command(ctx, cmd_name)

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            asks_for_help = bool(args) and args[0] in ctx.help_option_names
            if default is not None and not asks_for_help and (not args or args[0].startswith("-")):
                args = [default, *args]
            return super().parse_args(ctx, args)

    return Lazy


def _command(function: Callable[..., int], name: str, epilog: str | None = None) -> Any:
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, epilog=epilog)(function)
    made: Any = get_command(alone)
    for parameter in made.params:
        if parameter.param_type_name == "argument":  # its name says enough: no `<list[str]>` behind it
            parameter.display_type_rich = lambda **_: ""
    return made


def _one(name: str, module: str | None = None, function: str | None = None, epilog: str | None = None) -> Make:
    """Makes the command `name` of a module: by default one, and a function of it, of the same name. `epilog` is the name of its
    text.
    """

    def make() -> Any:
        home = import_module(f"llmesc.cli.{module or name}")
        notes = getattr(home, epilog) if epilog else None
        below = "\n\n".join(filter(None, (notes, examples(name))))
        return _command(getattr(home, function or name), name, below or None)

    return make


def _verbs(name: str, default: str, module: str | None = None) -> Make:
    """Makes the group `name` of the verbs of a module, by default that of the same name."""

    def make() -> Any:
        home = import_module(f"llmesc.cli.{module or name}")
        makers = {
            verb: partial(_command, function, verb, examples(name, verb, is_default=verb == default))
            for verb, function in home.VERBS.items()
        }
        group = lazily(makers, default)
        return get_group(typer.Typer(name=name, help=home.HELP, epilog=examples(name), cls=group, rich_markup_mode=None))

    return make


_COMMANDS = {
    "ask": _one("ask", epilog="EXAMPLES"),
    "dashboard": _one("dashboard"),
    "chain": _verbs("chain", "show"),
    "circuits": _verbs("circuits", "list"),
    "models": _verbs("models", "list"),
    "budgets": _verbs("budgets", "list"),
    "history": _verbs("history", "list"),
    "explain": _one("explain"),
    "usage": _one("usage", epilog="NOTES"),
    "records": _verbs("records", "status"),
    "fleet": _verbs("fleet", "list"),
    "drill": _one("drill", epilog="EXAMPLES"),
    "classify": _one("classify"),
    "init": _one("init"),
    "config": _verbs("config", "show", "config_cmd"),
    "doctor": _one("doctor"),
    "help": _one("help", "topics", "help_topic"),
}
"""In the order in which they are needed."""


def _tree() -> typer.Typer:
    return typer.Typer(
        cls=lazily(_COMMANDS),
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        invoke_without_command=True,
        callback=_root,
        epilog=examples(""),
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _root(
    ctx: typer.Context,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="The configuration to use instead of the user's own.")
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the state is: sqlite:///absolute/path.db, redis://host/0 or memory:.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour, also on a terminal.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Ask once: a chain of models answers, and every switch says why."""
    session: Session = ctx.obj
    session.config_file, session.state = Path(config) if config else None, state
    if no_color:
        session.streams = session.streams.without_colour()
    if version:
        session.out.line(f"llmesc {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        session.err.say(ctx.get_help())
        return ExitCode.USAGE
    return ExitCode.ANSWERED


app = _tree()
