"""Files that hold prompts and answers: for their owner alone, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class Exists(Exception):
    """There is such a file already."""


def write_private(pieces: Iterable[str], place: str, *, replace: bool = False) -> Path:
    """Writes the file in UTF-8, readable by its owner alone. Its absolute path.

    The file appears whole or not at all. Raises `Exists` where there is one that was not to be replaced, and OSError.
    """
    path = Path(place).expanduser().absolute()
    if path.exists() and not replace:
        raise Exists(str(path))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
