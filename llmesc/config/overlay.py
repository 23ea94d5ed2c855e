"""A configuration file that says only what differs, laid over the one in force.

Tables are laid over each other key by key, all else stands in place of what was there: `[chains]` of one chain leaves the
others, a list of models is the new list.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmesc.config.load import Read, config_of, read_toml
from llmesc.config.locate import KeyPath, key_lines
from llmesc.config.model import Config
from llmesc.config.paths import config_path, named_config
from llmesc.config.reading import Document

_FOUND = Path("what this machine offers")
"""What stands in place of a file's name where there is none."""


def load_over(path: Path, below: Path | None, environ: Mapping[str, str]) -> Config:
    """What `path` says, over the configuration that `--config` (as `below`), `$LLMESC_CONFIG`, the user's file, or discovery
    says.

    Raises `ConfigError` with every mistake, each in the file where it stands.
    """
    outcome = _attempt(path, below, environ)
    if isinstance(outcome, Config):
        return outcome
    from llmesc.escalation.errors import ConfigError

    raise ConfigError(outcome)  # from here, where no variable holds a text, which may hold a secret


def _attempt(path: Path, below: Path | None, environ: Mapping[str, str]) -> Config | tuple[str, ...]:
    over = read_toml(path)
    under = _under(below, environ)
    if not isinstance(over, Read) or not isinstance(under, Read):
        return tuple(problem for each in (over, under) if not isinstance(each, Read) for problem in each)
    document = _Overlaid(over, under)
    config = config_of(document, laid_over(under.content, over.content), environ)
    return document.problems() or config


def _under(below: Path | None, environ: Mapping[str, str]) -> Read | tuple[str, ...]:
    path = config_path(below, environ)
    if named_config(below, environ) or path.exists():
        return read_toml(path)
    from llmesc.config.discover import discover
    from llmesc.config.write import init_text

    text = init_text(discover(environ))
    return Read(_FOUND, tomllib.loads(text), key_lines(text))


def laid_over(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both together. A duration may be said as `key` or as `key_seconds`: one takes the place of the other."""
    together = dict(below)
    for key, value in over.items():
        there = together.get(key)
        together.pop(key.removesuffix("_seconds") if key.endswith("_seconds") else f"{key}_seconds", None)
        together[key] = laid_over(there, value) if isinstance(there, Mapping) and isinstance(value, Mapping) else value
    return together


class _Overlaid(Document):
    """Of two files: a key stands in the upper one if that names it, or the nearest table around it."""

    def __init__(self, over: Read, under: Read) -> None:
        super().__init__(over.path, over.lines)
        self._under = Document(under.path, under.lines)

    def where(self, path: KeyPath) -> str:
        """`file:line`."""
        mine, theirs = _known(path, self.lines), _known(path, self._under.lines)
        return self._under.where(path) if theirs > mine else super().where(path)


def _known(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    """How much of `path` stands there."""
    return next((length for length in range(len(path), 0, -1) if path[:length] in lines), 0)
