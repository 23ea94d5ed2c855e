"""Secrets: where they are to be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmesc.escalation.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Where a secret is to be found; resolved only when a call needs it."""

    source: Literal["env", "command", "file", "keyring", "inline"]
    target: str
    """The variable, command line, path or keyring entry; for `inline` empty."""
    inline: Secret | None = None
