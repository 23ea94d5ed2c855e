"""Typed Python functions as tools: signature and docstring make what the model is told, JSON Schema guards what it asks for."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from llmesc.engine.daemon_thread import in_daemon_thread
from llmesc.engine.tool_types import ALLOWED, schema_of, value_of
from llmesc.escalation.errors import UnusableTool
from llmesc.escalation.messages import ToolSpec
from llmesc.escalation.tools import NoResult, Permit, Tool, Toolbox

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
"""What every API takes as the name of a tool."""

_PARAMETER_LINE = re.compile(r"\s*[-*]?\s*`{0,2}(?P<name>\w+)`{0,2}\s*(?:\([^)]*\))?\s*:\s+(?P<text>\S.*)")
_HEADLINE = re.compile(r"\s*(args|arguments|parameters|params)\s*:?\s*", re.IGNORECASE)


def toolbox(
    functions: Sequence[Callable[..., Any]],
    *,
    max_rounds: int | None = None,
    timeout_seconds: float | None = None,
    permit: Permit | None = None,
) -> Toolbox:
    """The tools that `functions` make; None: as configured. Raises `UnusableTool`."""
    tools = tuple(map(python_tool, functions))
    try:
        return Toolbox(tools=tools, max_rounds=max_rounds, timeout_seconds=timeout_seconds, permit=permit)
    except ValueError as error:
        raise UnusableTool(str(error)) from None


def python_tool(function: Callable[..., Any]) -> Tool:
    """One typed function as a tool: a coroutine function runs on the event loop, any other in a thread of its own, where a
    time-out ends the waiting but not the function. A parameter with a default may be left out. Raises `UnusableTool`.
    """
    name = getattr(function, "__name__", "")
    if not _NAME.fullmatch(name):
        raise UnusableTool(f"{name or function!r} is no name for a tool: use letters, digits and _, at most 64")
    hints = _parameters(function, name)
    about, about_parameters = _described(inspect.getdoc(function) or "", hints)
    spec = ToolSpec(name=name, description=about, parameters=_schema(function, hints, about_parameters))

    async def run(arguments: Mapping[str, Any]) -> str:
        _check(spec, arguments)
        values = {key: value_of(hints[key], value) for key, value in arguments.items()}
        if inspect.iscoroutinefunction(function):
            return _text(await function(**values))
        return _text(await in_daemon_thread(lambda: function(**values)))

    return Tool(spec=spec, run=run)


def _parameters(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """The types of the parameters, by name."""
    try:
        hints = get_type_hints(function)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise UnusableTool(f"{name}: its types cannot be read: {error}") from None
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise UnusableTool(f"{name}: {parameter} cannot be given by name")
        if parameter.name not in hints:
            raise UnusableTool(f"{name}: the parameter {parameter.name!r} has no type; allowed: {ALLOWED}")
    return {parameter.name: hints[parameter.name] for parameter in parameters}


def _schema(function: Callable[..., Any], hints: Mapping[str, Any], about: Mapping[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for name, parameter in inspect.signature(function).parameters.items():
        try:
            properties[name] = schema_of(hints[name])
        except TypeError as odd:
            problem = f"{function.__name__}: the parameter {name!r} has the type {odd}; allowed: {ALLOWED}"
            raise UnusableTool(problem) from None
        if name in about:
            properties[name]["description"] = about[name]
        if parameter.default is parameter.empty:
            required.append(name)
        elif type(parameter.default) in (str, int, float, bool):
            properties[name]["default"] = parameter.default
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _described(documentation: str, names: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The description of the function, and those of its parameters: lines `name: text`, with what is indented below them."""
    about: list[str] = []
    parameters: dict[str, str] = {}
    current, depth = "", 0
    for line in documentation.splitlines():
        indent = len(line) - len(line.lstrip())
        found = _PARAMETER_LINE.fullmatch(line)
        if found is not None and found["name"] in names:
            current, depth = found["name"], indent
            parameters[current] = found["text"].rstrip()
        elif current and line.strip() and indent > depth:
            parameters[current] += f" {line.strip()}"
        elif not _HEADLINE.fullmatch(line):
            current = ""
            about.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(about)).strip(), parameters


def _check(spec: ToolSpec, arguments: Mapping[str, Any]) -> None:
    """Raises `NoResult` with every mistake."""
    from llmesc.engine.quality import schema_mistakes

    if mistakes := schema_mistakes(spec.parameters, arguments):
        raise NoResult("the arguments do not fit the parameters: " + "; ".join(mistakes))


def _text(result: Any) -> str:
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
