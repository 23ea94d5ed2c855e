"""A text in the user's own editor, while the dashboard stands aside and its requests go on."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmesc.dashboard.app import Dashboard

DEFAULT_EDITOR = "vi"


async def edited(app: Dashboard, text: str) -> str:
    """`text` as it is when the editor closes; as it was, where the editor failed."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or DEFAULT_EDITOR)
    place = _write(text)
    try:
        with app.standing_aside():
            process = await asyncio.create_subprocess_exec(*command, str(place))
            failed = await process.wait() != 0
        return text if failed else _read(place)
    except OSError:
        return text
    finally:
        os.unlink(place)  # noqa: PTH108 - blocks no longer than Path's


def _write(text: str) -> Path:
    """A new file, readable by its owner alone."""
    descriptor, name = tempfile.mkstemp(prefix="llmesc-", suffix=".md", text=True)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def _read(place: Path) -> str:
    return place.read_text(encoding="utf-8", errors="replace").rstrip("\n")
