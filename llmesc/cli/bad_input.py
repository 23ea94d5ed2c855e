"""The error of a command whose input cannot be used."""

from __future__ import annotations

from llmesc.escalation.errors import LlmescError


class BadInput(LlmescError):
    """What the user gave cannot be used as it is: a prompt, a file, an option's value. `hint` is the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
