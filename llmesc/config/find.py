"""The configuration in force: from a file, or from what the machine offers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from llmesc.config.model import Config
from llmesc.config.paths import config_path, named_config


def find_config(flag: Path | None, environ: Mapping[str, str]) -> Config:
    """`--config` (as `flag`), `$LLMESC_CONFIG`, the user's file, or, where nobody named a file and there is none, discovery.

    Raises `ConfigError` with every mistake in the file. Discovery takes up to 0.3 seconds.
    """
    path = config_path(flag, environ)
    if named_config(flag, environ) or os.path.lexists(path):
        from llmesc.config.load import load

        return load(path, environ)
    from llmesc.config.discover import discover

    return discover(environ)
