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
    from llmesc.config.write import init_text
    from llmesc.story.private_file import Exists, write_private

    session: Session = ctx.obj
    file = config_path(session.config_file, os.environ)
    there = BadInput(f"{file}: there is a configuration already", "llmesc config edit, or llmesc init --force")
    if os.path.lexists(file) and not force:
        raise there
    config = discover(os.environ)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private([init_text(config)], file, replace=force)
    except Exists:
        raise there from None
    except OSError as error:
        raise OSError(error.errno, f"cannot be written: {error.strerror or error}", str(file)) from None
    session.out.line(str(file))
    for provider in config.providers:
        session.err.say(f"● {provider.name} ({provider.tier.label}): {config.origins[f'providers.{provider.name}']}", "good")
    if not config.providers:
        session.err.say("nothing was found on this machine: no key, no local server, no embedded model", "doubtful")
    session.err.say(f"next: {'llmesc ask hello' if config.providers else 'llmesc config edit'}", "strong")
    return 0
