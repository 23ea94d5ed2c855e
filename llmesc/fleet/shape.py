"""Whether a decoded dataclass holds what its hints say: the codec trusts what it reads, and strangers may have written it."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_Check = Callable[[Any], bool]

DEEPEST = 40
"""Levels that free JSON (a schema, metadata) may be nested; what reads it goes down by recursion."""


def shaped(value: Any) -> bool:
    """Whether every field of a dataclass instance, and of those inside it, is of its type."""
    cls: Any = type(value)
    return _of_dataclass(cls)(value)


@cache
def _of_dataclass(cls: Any) -> _Check:
    checks = [(field.name, _check(get_type_hints(cls)[field.name])) for field in dataclasses.fields(cls)]
    return lambda value: isinstance(value, cls) and all(check(getattr(value, name)) for name, check in checks)


def _check(hint: Any) -> _Check:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return is_json
    if origin is Literal:
        return lambda value: isinstance(value, str) and value in args
    if origin in (Union, types.UnionType):
        members = [_check(arg) for arg in args]
        return lambda value: any(member(value) for member in members)
    if origin in (tuple, frozenset, list):
        item = _check(args[0])
        return lambda value: isinstance(value, origin) and all(map(item, value))
    if origin is not None:
        return _mapping(_check(args[1]))
    return _plain(hint)


def _plain(hint: Any) -> _Check:
    if hint is types.NoneType:
        return lambda value: value is None
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    if hint is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if hint is str:
        return lambda value: isinstance(value, str) and is_text(value)
    if isinstance(hint, type) and (issubclass(hint, Enum | bool | Decimal)):
        return lambda value: isinstance(value, hint)
    return _of_dataclass(hint)


def _mapping(item: _Check) -> _Check:
    return lambda value: (
        isinstance(value, Mapping) and all(isinstance(key, str) and is_text(key) and item(each) for key, each in value.items())
    )


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON may smuggle in lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_json(value: Any, deepest: int = DEEPEST) -> bool:
    """Whether it is a JSON value, not nested too deeply."""
    if deepest == 0:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_text(key) and is_json(each, deepest - 1) for key, each in value.items())
    if isinstance(value, list):
        return all(is_json(each, deepest - 1) for each in value)
    if isinstance(value, str):
        return is_text(value)
    return value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
