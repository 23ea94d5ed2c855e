"""Tools that run between two calls: what they are, and what a model may ask of them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import ToolCall, ToolSpec

MAX_RESULT_BYTES = 64 * 1024
"""Of one result, as UTF-8: what goes to a provider, into the record and into every later call of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: how the model is told of it, and what runs."""

    spec: ToolSpec
    run: Callable[[Mapping[str, Any]], Awaitable[str]]
    """Takes the arguments, gives the result as text. What it raises goes to the model as an error; `NoResult`: just its text."""


Permit = Callable[[ToolCall], Awaitable[str | None]]
"""Asked before each call; None lets it run, a text refuses it and is what the model is told. May wait for a person: that is
no part of the time for the tool or the run.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The tools of one run. Raises ValueError where two have the same name."""

    tools: tuple[Tool, ...]
    max_rounds: int | None = None
    """How often the model gets results. One that asks for more has not answered, and fails the quality bar. None: as configured.
    """
    timeout_seconds: float | None = None
    """For one call of one tool. None: as configured."""
    permit: Permit | None = None

    def __post_init__(self) -> None:
        names = [spec.name for spec in self.specs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several tools are called {', '.join(twice)}")

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told."""
        return tuple(tool.spec for tool in self.tools)

    def find(self, name: str) -> Tool:
        """The tool of that name. Raises `NoResult`."""
        for tool in self.tools:
            if tool.spec.name == name:
                return tool
        raise NoResult(f"there is no tool {name!r}; there are: {', '.join(spec.name for spec in self.specs)}")


class NoResult(Exception):
    """A call came to no result; the message is what the model is told, as an error."""


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """The arguments as the object that they have to be. Raises `NoResult`."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise NoResult(f"the arguments are not JSON: {error}") from None
    if not isinstance(arguments, dict):
        raise NoResult("the arguments have to be one JSON object")
    return arguments


def bounded(result: str) -> str:
    """`result`, cut to `MAX_RESULT_BYTES` and saying so, without lone surrogates, which no wire takes."""
    content = result.encode("utf-8", "replace")
    if len(content) <= MAX_RESULT_BYTES:
        return content.decode()
    note = f"\n[cut: {MAX_RESULT_BYTES} of {len(content)} bytes are shown]"
    return content[: MAX_RESULT_BYTES - len(note)].decode("utf-8", "ignore") + note
