"""Digests of texts that are not kept.

They are keyed, because most texts are short: whoever has the store could find a plain SHA-256 of "yes" or of a birthday by
trying. The key is made once, at random, and stays in the state directory, readable by its owner alone: the same text has the
same digest on this machine, so that a request seen twice can be told, and elsewhere it has another.
"""

from __future__ import annotations

import hmac
import os
from contextlib import suppress
from pathlib import Path

KEY_FILE = "digest.key"
_KEY_BYTES = 32
_SHOWN_DIGITS = 16


class Digests:
    """Under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_machine(cls, directory: Path) -> Digests:
        """With the key in `directory`, which is made where there is none; where it cannot be kept, with one of this process."""
        with suppress(OSError):
            return cls(_kept_key(directory / KEY_FILE))
        return cls(os.urandom(_KEY_BYTES))

    def of(self, text: str) -> str:
        """HMAC-SHA256, its first 64 bits in hexadecimal digits."""
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:_SHOWN_DIGITS]


def _kept_key(path: Path) -> bytes:
    """Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written beside and linked: who reads it at the same time finds all of it, and the first of two that make it wins.
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    if not path.exists():
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, os.urandom(_KEY_BYTES))
        finally:
            os.close(file)
        try:
            with suppress(FileExistsError):
                os.link(fresh, path)
        finally:
            fresh.unlink()
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise OSError("not a key")
    return key
