"""Typed functions as tools: what the model is told of them, and what reaches them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal, Optional

import pytest

import llmesc
from llmesc.engine.python_tools import python_tool, toolbox
from llmesc.engine.tool_types import schema_of, value_of
from llmesc.escalation.tools import NoResult

pytestmark = pytest.mark.anyio


class Unit(Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Level(Enum):
    LOW = 1
    HIGH = "high"


def weather(city: str, unit: Unit = Unit.CELSIUS, days: int = 1) -> dict[str, Any]:
    """The weather in a city.

    Not for the past.

    Args:
        city: the name of the city,
            in English
        days (int): how far ahead

    Returns:
        what it will be like
    """
    return {"city": city, "unit": unit.name, "days": days, "thread": threading.current_thread().daemon}


async def test_signature_and_docstring_make_what_the_model_is_told() -> None:
    spec = python_tool(weather).spec

    assert spec.name == "weather"
    assert spec.description == "The weather in a city.\n\nNot for the past.\n\nReturns:\n    what it will be like"
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "the name of the city, in English"},
            "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
            "days": {"type": "integer", "description": "how far ahead", "default": 1},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert json.dumps(spec.parameters)


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Any, {}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict, {"type": "object"}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Mapping[str, list[str]], {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045 - people write it so
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Level, {"enum": [1, "high"]}),
    ],
)
async def test_a_type_is_a_schema(hint: Any, schema: dict[str, Any]) -> None:
    assert schema_of(hint) == schema


@pytest.mark.parametrize(
    ("hint", "value", "wanted"),
    [
        (Unit, "kelvin", Unit.KELVIN),
        (list[Unit], ["kelvin"], [Unit.KELVIN]),
        (dict[str, Unit], {"a": "kelvin"}, {"a": Unit.KELVIN}),
        (Unit | None, None, None),
        (Unit | None, "kelvin", Unit.KELVIN),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (list, [1, "a"], [1, "a"]),
        (str, "x", "x"),
    ],
)
async def test_a_value_is_what_the_function_expects(hint: Any, value: Any, wanted: Any) -> None:
    made = value_of(hint, value)

    assert (made, type(made)) == (wanted, type(wanted))


async def test_a_function_runs_in_a_thread_that_holds_up_nobody_and_gives_text() -> None:
    assert json.loads(await python_tool(weather).run({"city": "Rome", "unit": "kelvin"})) == {
        "city": "Rome",
        "unit": "KELVIN",
        "days": 1,
        "thread": True,
    }


async def test_a_coroutine_function_runs_on_the_loop_and_its_text_stays_as_it_is() -> None:
    loop = asyncio.get_running_loop()

    async def say(text: str) -> str:
        assert asyncio.get_running_loop() is loop
        return f'"{text}"'

    assert await python_tool(say).run({"text": "hi"}) == '"hi"'


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "'city' is a required property"),
        ({"city": 3}, "$.city: 3 is not of type 'string'"),
        ({"city": "Rome", "unit": "rankine"}, "$.unit: 'rankine' is not one of"),
        ({"city": "Rome", "town": "Rome"}, "'town' was unexpected"),
    ],
)
async def test_arguments_that_do_not_fit_never_reach_the_function(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(NoResult, match="the arguments do not fit") as raised:
        await python_tool(weather).run(arguments)

    assert told in str(raised.value)


async def test_what_a_function_raises_comes_out_of_its_thread() -> None:
    def take(first: list[int]) -> int:
        return next(iter(first))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await python_tool(take).run({"first": []})


async def test_results_that_json_does_not_know_are_told_by_their_text() -> None:
    def today() -> dict[str, Any]:
        return {"day": date(2026, 1, 2)}

    assert await python_tool(today).run({}) == '{"day": "2026-01-02"}'


def untyped(x) -> None:  # type: ignore[no-untyped-def]
    pass


def many(*x: str) -> None:
    pass


def of_a_date(when: date) -> None:
    pass


def by_number(x: dict[int, str]) -> None:
    pass


def unknown(x: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


@dataclass
class Callable_:  # noqa: N801
    """Callable, but without a name."""

    def __call__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (untyped, "untyped: the parameter 'x' has no type; allowed: str, int"),
        (many, r"many: \*x: .* cannot be given by name"),
        (of_a_date, "of_a_date: the parameter 'when' has the type date; allowed: str, int"),
        (by_number, r"by_number: the parameter 'x' has the type dict\[int, str\]"),
        (unknown, "unknown: its types cannot be read: name 'Nowhere' is not defined"),
        (lambda: 1, "'<lambda>' is no name for a tool"),
        (Callable_(), "is no name for a tool"),
    ],
)
async def test_a_function_that_cannot_be_a_tool_is_refused_with_what_to_change(function: Any, told: str) -> None:
    with pytest.raises(llmesc.UnusableTool, match=told):
        toolbox([function])


async def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(llmesc.UnusableTool, match="several tools are called weather"):
        toolbox([weather, weather])
