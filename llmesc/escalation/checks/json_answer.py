"""Answers that should be JSON."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from llmesc.escalation.light_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What an answer holds as JSON."""

    text: str
    """The JSON text alone, ready for a program to read."""
    value: Any
    fenced: bool
    """Whether it stood in a code fence, as models like to put it."""


def read_json(text: str) -> JsonAnswer:
    """The JSON that `text` is, or that its only content, one code fence, holds.

    Raises ValueError that says where it goes wrong. `NaN` and `Infinity` are no JSON.
    """
    body = text.strip()
    fenced = body.startswith("```") and body.endswith("```") and "\n" in body
    if fenced:
        body = body[body.index("\n") : -3].strip()
    try:
        return JsonAnswer(body, json.loads(body, parse_constant=_no_number), fenced)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} column {error.colno}: {error.msg}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
