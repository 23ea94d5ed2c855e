"""How a screen is to look: `--theme`, and `[dashboard]` of the configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from llmesc.cli.bad_input import BadInput

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.config.model import Config
    from llmesc.dashboard.app import Settings


def configured(config: Config) -> Settings:
    """`[dashboard]` as settings. Raises `ConfigError` with every mistake."""
    from llmesc.dashboard.configured import settings_of

    return settings_of(config.dashboard.theme, config.dashboard.keys, config.origins)


def screen_settings(session: Session, theme: str | None, *, with_configuration: bool = True) -> Settings:
    """What the configuration says, and over it `--theme`. Nothing is looked for on the machine where there is no file.

    Raises `BadInput` that lists the nearest themes, or all; `ConfigError`.
    """
    from difflib import get_close_matches

    from llmesc.config.load import load
    from llmesc.config.paths import config_path
    from llmesc.dashboard import theme_names
    from llmesc.dashboard.app import Settings

    known = theme_names()
    if theme is not None and theme not in known:
        near = get_close_matches(theme, known) or known
        raise BadInput(f"--theme: no theme {theme!r}; themes are {', '.join(near)}")
    file = config_path(session.config_file, os.environ)
    settings = configured(load(file, os.environ)) if with_configuration and file.exists() else Settings()
    return replace(settings, theme=theme or settings.theme)


@contextmanager
def lent_to_the_screen(session: Session) -> Iterator[None]:
    """Where standard output is no terminal, it is that of standard error meanwhile; nothing is written to it.

    Textual draws on standard error, but asks standard output how large the terminal is.
    """
    streams = session.streams
    if streams.stdout_is_terminal:
        yield
        return
    streams.stdout.flush()
    output, terminal = streams.stdout.fileno(), streams.stderr.fileno()
    kept = os.dup(output)
    os.dup2(terminal, output)
    try:
        yield
    finally:
        os.dup2(kept, output)
        os.close(kept)
