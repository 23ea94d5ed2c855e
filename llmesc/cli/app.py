"""The tree of commands. What a command needs is imported when it runs, so that the tree itself costs next to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from llmesc.cli import (
    ask,
    budgets,
    chain,
    circuits,
    classify,
    config_cmd,
    dashboard,
    doctor,
    drill,
    explain,
    fleet,
    history,
    init,
    models,
    records,
    topics,
    usage,
)
from llmesc.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from llmesc.cli.session import Session


_ORDER = (
    "ask",
    "dashboard",
    "chain",
    "circuits",
    "models",
    "budgets",
    "history",
    "explain",
    "usage",
    "records",
    "fleet",
    "drill",
    "classify",
    "init",
    "config",
    "doctor",
    "help",
)


class _Root(TyperGroup):
    """Lists the commands in the order in which they are needed."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(_ORDER)


def verbs(default: str) -> type[TyperGroup]:
    """The class of a group whose bare name, with or without options, means its verb `default`."""

    class WithDefaultVerb(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            asks_for_help = bool(args) and args[0] in ctx.help_option_names
            if not asks_for_help and (not args or args[0].startswith("-")):
                args = [default, *args]
            return super().parse_args(ctx, args)

    return WithDefaultVerb


def _tree() -> typer.Typer:
    root = typer.Typer(
        cls=_Root,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        invoke_without_command=True,
        callback=_root,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.command("ask", epilog=ask.EXAMPLES)(ask.ask)
    root.command("dashboard")(dashboard.dashboard)
    root.command("explain")(explain.explain)
    root.command("usage", epilog=usage.NOTES)(usage.usage)
    root.command("drill", epilog=drill.EXAMPLES)(drill.drill)
    root.command("classify")(classify.classify)
    root.command("init")(init.init)
    root.command("doctor")(doctor.doctor)
    root.command("help")(topics.help_topic)
    for name, module, default in (
        ("chain", chain, "show"),
        ("circuits", circuits, "list"),
        ("models", models, "list"),
        ("budgets", budgets, "list"),
        ("history", history, "list"),
        ("records", records, "status"),
        ("fleet", fleet, "list"),
        ("config", config_cmd, "show"),
    ):
        group = typer.Typer(help=module.HELP, cls=verbs(default), rich_markup_mode=None)
        for verb, command in module.VERBS.items():
            group.command(verb)(command)
        root.add_typer(group, name=name)
    return root


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
        from importlib.metadata import version as installed

        session.out.line(f"llmesc {installed('llmesc')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        session.err.say(ctx.get_help())
        return ExitCode.USAGE
    return ExitCode.ANSWERED


app = _tree()
