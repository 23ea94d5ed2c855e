"""Types of Python parameters as JSON Schema, and JSON values as those types."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

_PLAIN: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}
_LISTS = (list, Sequence)
_DICTS = (dict, Mapping)

ALLOWED = "str, int, float, bool, list[…], dict[str, …], … | None, Literal, Enum"


def schema_of(hint: Any) -> dict[str, Any]:
    """The JSON Schema of a type. Raises TypeError, naming the type, where there is none."""
    if hint is Any:
        return {}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice([member.value for member in hint])
    origin, args = get_origin(hint) or hint, get_args(hint)
    if origin is Literal:
        return _choice(list(args))
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(arg) for arg in args]}
    if origin in _LISTS:
        return {"type": "array", **({"items": schema_of(args[0])} if args else {})}
    if origin in _DICTS and (not args or args[0] is str):
        return {"type": "object", **({"additionalProperties": schema_of(args[1])} if args else {})}
    raise TypeError(getattr(hint, "__name__", None) if not args and isinstance(hint, type) else str(hint))


def value_of(hint: Any, value: Any) -> Any:
    """A JSON value that satisfies the schema of `hint` as the function expects it: enum members, whole numbers as int."""
    origin, args = get_origin(hint) or hint, get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is int:
        return int(value)  # JSON Schema takes 3.0 for an integer
    if hint is float:
        return float(value)
    if origin in (Union, types.UnionType):
        return _first_fitting(args, value)
    if origin in _LISTS and args:
        return [value_of(args[0], item) for item in value]
    if origin in _DICTS and args:
        return {key: value_of(args[1], item) for key, item in value.items()}
    return value


def _choice(values: list[Any]) -> dict[str, Any]:
    """Raises TypeError for values that JSON does not have."""
    odd = [value for value in values if type(value) not in _PLAIN]
    if odd:
        raise TypeError(f"choice with {odd[0]!r}")
    kinds = {_PLAIN[type(value)] for value in values}
    return {**({"type": kinds.pop()} if len(kinds) == 1 else {}), "enum": values}


def _first_fitting(hints: tuple[Any, ...], value: Any) -> Any:
    """`value` as the first member of a union whose schema it satisfies."""
    import jsonschema

    for hint in hints:
        if jsonschema.Draft202012Validator(schema_of(hint)).is_valid(value):
            return value_of(hint, value)
    return value
