"""Whether a value that was read from outside is what its type hint says. `codec` takes plain values as they come, which is right
for what we wrote ourselves, and not for a file from anywhere.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints


def misfit(value: Any, hint: Any, where: str = "") -> str | None:
    """The first place in `value` that is not of its type, and what is wrong there; None where all is right.

    Words of a `Literal` are only held to be words: a newer version may know more of them.
    """
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _of_fields(value, hint, where)
    if isinstance(hint, NewType):
        return misfit(value, hint.__supertype__, where)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if any(misfit(value, each) is None for each in args) else _none_of(value, args, where)
    if origin is Literal:
        return None if any(type(value) is type(each) for each in args) else f"{where} is no word"
    if origin in (tuple, frozenset, list):
        if not isinstance(value, origin):
            return f"{where} is no list"
        return _first(misfit(each, args[0], f"{where}[{index}]") for index, each in enumerate(value))
    if origin is not None:
        plain = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
        if not plain:
            return f"{where} is no table"
        return _first(misfit(each, args[1], f"{where}.{key}") for key, each in value.items())
    return _of_plain(value, hint, where)


def _of_plain(value: Any, hint: Any, where: str) -> str | None:
    if hint is Any or hint is object:
        return None
    if hint is float:
        return None if type(value) in (int, float) and math.isfinite(value) else f"{where} is no number"
    if hint is int:
        return None if type(value) is int else f"{where} is no whole number"
    if hint is Decimal:
        return None if isinstance(value, Decimal) and value.is_finite() else f"{where} is no amount"
    if isinstance(hint, type) and issubclass(hint, tuple):  # one with names
        fields = get_type_hints(hint)
        if not isinstance(value, hint):
            return f"{where} is no {hint.__name__}"
        return _first(misfit(getattr(value, name), kind, f"{where}.{name}") for name, kind in fields.items())
    if isinstance(hint, type) and (issubclass(hint, Enum) or hint in (str, bool, types.NoneType)):
        return None if isinstance(value, hint) else f"{where} is no {'text' if hint is str else hint.__name__}"
    raise TypeError(f"no check for {hint!r}")


def _of_fields(value: Any, hint: type, where: str) -> str | None:
    if not isinstance(value, hint):
        return f"{where} is no {hint.__name__}"
    prefix = f"{where}." if where else ""
    return _first(misfit(getattr(value, name), kind, f"{prefix}{name}") for name, kind in _hints(hint).items())


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _none_of(value: Any, args: Iterable[Any], where: str) -> str:
    """The words of the member that it should most likely be."""
    members = [each for each in args if each is not types.NoneType]
    same = [each for each in members if type(value) is each]
    return misfit(value, (same or members)[0], where) or f"{where} does not fit"


def _first(found: Iterable[str | None]) -> str | None:
    return next((each for each in found if each is not None), None)
