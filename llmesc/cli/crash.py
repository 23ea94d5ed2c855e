"""The crash file: where a fault of ours happened, and nothing that a user typed, a provider said or a key holds."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

from llmesc import __version__
from llmesc.config.paths import state_dir
from llmesc.escalation.redact import redact
from llmesc.escalation.times import Timestamp, rfc3339


def write_crash_file(error: BaseException, environ: Mapping[str, str], at: Timestamp) -> Path | None:
    """Writes frames and the redacted message of `error`, readable by the user alone; None where that cannot be done."""
    place = state_dir(environ) / "crashes" / f"{rfc3339(at).replace(':', '')}-{os.getpid()}.txt"
    text = "\n".join(_lines(error, at)) + "\n"
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - Path.open gives no file mode
            file.write(text)
    except OSError:
        return None
    return place


def _lines(error: BaseException, at: Timestamp) -> Iterator[str]:
    yield f"llmesc {__version__}, Python {platform.python_version()}, {sys.platform}, {rfc3339(at)}"
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield ""
        yield f"{type(current).__module__}.{type(current).__qualname__}: {redact(str(current), 500)}"
        for frame in traceback.extract_tb(current.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        current = current.__cause__ or current.__context__
