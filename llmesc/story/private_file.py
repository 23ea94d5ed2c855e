"""Files of somebody's own (a configuration, prompts and answers): for their owner alone, and whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


class Exists(Exception):
    """There is such a file already."""


def write_private(pieces: Iterable[str], place: str | Path, *, replace: bool = False) -> Path:
    """Writes the file in UTF-8, readable by its owner alone. Its absolute path.

    The file appears whole or not at all; a symbolic link stays one. Raises `Exists` where there is one that was not to be
    replaced, and OSError.
    """
    path = Path(place).expanduser().absolute()
    target = path.resolve()
    unfinished = _beside(target, pieces)
    try:
        if replace:
            unfinished.replace(target)
        else:
            target.hardlink_to(unfinished)  # unlike a rename, it fails where something is
    except FileExistsError:
        raise Exists(str(path)) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _beside(target: Path, pieces: Iterable[str]) -> Path:
    """A temporary file next to `target`, complete on disk, mode 0600."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)
