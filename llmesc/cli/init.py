"""`llmesc init`: writes down what this machine offers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmesc.cli.session import Session


def init(
    ctx: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace the configuration that is there.")] = False,
) -> int:
    """Find what this machine offers, and write it down.

    Keys in the environment, local servers, the embedded model.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.config.discover import discover
    from llmesc.config.paths import config_path
    from llmesc.config.write import init_text, write_config

    session: Session = ctx.obj
    file = config_path(session.config_file, os.environ)
    if os.path.lexists(file) and not force:
        raise BadInput(f"{file}: there is a configuration already", "llmesc config edit, or llmesc init --force")
    config = discover(os.environ)
    write_config(file, init_text(config), overwrite=force)
    session.out.line(str(file))
    for provider in config.providers:
        session.err.say(f"● {provider.name} ({provider.tier.label}): {config.origins[f'providers.{provider.name}']}", "good")
    if not config.providers:
        session.err.say("nothing was found on this machine: no key, no local server, no embedded model", "doubtful")
    session.err.say(f"next: {'llmesc ask hello' if config.providers else 'llmesc config edit'}", "strong")
    return 0
