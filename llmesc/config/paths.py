"""Where things lie: the configuration, the state, the data. `$LLMESC_HOME` moves all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platformdirs import PlatformDirs

_APP = "llmesc"


def config_dir(environ: Mapping[str, str]) -> Path:
    """The user's configuration directory."""
    return _home(environ) or _platform().user_config_path


def state_dir(environ: Mapping[str, str]) -> Path:
    """Where circuits, history and crash files are kept."""
    home = _home(environ)
    return home / "state" if home else _platform().user_state_path


def data_dir(environ: Mapping[str, str]) -> Path:
    """Where model weights are kept."""
    home = _home(environ)
    return home / "data" if home else _platform().user_data_path


def config_path(flag: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: `flag` (`--config`), else `$LLMESC_CONFIG`, else the user's own. It need not exist."""
    return named_config(flag, environ) or config_dir(environ) / "config.toml"


def named_config(flag: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file that somebody asked for by name, which therefore has to exist; None: nobody did."""
    name = flag or environ.get("LLMESC_CONFIG")
    return located(name, Path.cwd()) if name else None


def located(name: str | Path, base_dir: Path) -> Path:
    """The path that `name` means when it is written in `base_dir`; `~` is the user's home."""
    return base_dir / os.path.expanduser(name)  # noqa: PTH111 -- Path.expanduser raises where nobody has that name


def default_state_url(environ: Mapping[str, str]) -> str:
    """The store where nothing else is said: a SQLite file in the state directory."""
    return "sqlite:///" + (state_dir(environ) / "state.db").as_posix().removeprefix("/")


def _home(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("LLMESC_HOME")
    return located(home, Path.cwd()) if home else None


def _platform() -> PlatformDirs:
    import platformdirs

    return platformdirs.PlatformDirs(_APP, appauthor=False)
