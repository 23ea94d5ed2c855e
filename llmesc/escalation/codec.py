"""Dataclasses to plain JSON values and back: how events and circuits leave the process.

Works from the type hints, so a new field needs no line here. Timestamps are RFC 3339, money is a decimal string, enums are
their value (a tier is its label), None stays explicit. Reading ignores unknown keys and fills in missing ones from the
defaults, because what is written outlives the version that wrote it.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from llmesc.escalation.events import EVENT_TYPES, SCHEMA, Event
from llmesc.escalation.resolution import Tier
from llmesc.escalation.times import Timestamp, from_rfc3339, rfc3339

T = TypeVar("T")

_Convert = Callable[[Any], Any]

_ENCODERS: dict[Any, _Convert] = {}
_DECODERS: dict[Any, _Convert] = {}


def _same(value: Any) -> Any:
    return value


def encode(value: Any) -> dict[str, Any]:
    """The JSON object of one dataclass instance."""
    return cast("dict[str, Any]", _encoder(type(value))(value))


def decode(cls: type[T], data: Mapping[str, Any], **known: Any) -> T:
    """The reverse of `encode`; `known` are fields that were kept elsewhere. Raises ValueError, KeyError or TypeError where `data`
    does not fit `cls`.
    """
    return cast("T", _decoder(cls)(data, **known))


def encode_event(event: Event) -> dict[str, Any]:
    """One event as JSON, `schema` and `type` first."""
    body = encode(event)
    for rare in ("sealed", "characters_not_kept", "unfinished_judge"):
        if not body.get(rare, True):
            del body[rare]  # there are many events
    return {"schema": SCHEMA, "type": body.pop("type"), **body}


def decode_event(data: Mapping[str, Any]) -> Event | None:
    """The event, or None for a type this version does not know. Raises as `decode` does."""
    cls = EVENT_TYPES.get(data.get("type", ""))
    return None if cls is None else decode(cls, data)


def _fields(cls: type) -> tuple[tuple[str, Any, bool], ...]:
    hints = get_type_hints(cls)
    return tuple(
        (
            field.name,
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
    )


def _is_namedtuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _is_plain(hint: Any) -> bool:
    """Whether its values are JSON as they are."""
    return hint in (str, int, float, bool, Any, types.NoneType, object) or get_origin(hint) is Literal


def _encoder(hint: Any) -> _Convert:
    if (made := _ENCODERS.get(hint)) is None:
        made = _ENCODERS[hint] = _make_encoder(hint)
    return made


def _make_encoder(hint: Any) -> _Convert:
    if hint is Timestamp:
        return rfc3339
    if _is_plain(hint):
        return _same
    if hint is Decimal:
        return str
    if hint is Tier:
        return lambda tier: tier.label
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        present = [arg for arg in args if arg is not types.NoneType]
        if len(present) == 1:
            inner = _encoder(present[0])
            return _same if inner is _same else lambda value: None if value is None else inner(value)
        return lambda value: None if value is None else _encoder(type(value))(value)
    if origin in (tuple, frozenset, list):
        inner = _encoder(args[0])
        if origin is frozenset:
            return lambda values: sorted(inner(value) for value in values)
        return lambda values: [inner(value) for value in values]
    if origin is not None:  # Mapping
        return dict
    if dataclasses.is_dataclass(hint):
        plan = tuple((name, _encoder(kind)) for name, kind, _ in _fields(cast("type", hint)))
        return lambda value: {name: convert(getattr(value, name)) for name, convert in plan}
    if _is_namedtuple(hint):
        columns = tuple(_encoder(kind) for kind in get_type_hints(hint).values())
        return lambda row: [convert(cell) for convert, cell in zip(columns, row, strict=True)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda member: member.value
    raise TypeError(f"no JSON form for {hint!r}")


def _decoder(hint: Any) -> _Convert:
    if (made := _DECODERS.get(hint)) is None:
        made = _DECODERS[hint] = _make_decoder(hint)
    return made


def _make_decoder(hint: Any) -> _Convert:
    if hint is Timestamp:
        return from_rfc3339
    if _is_plain(hint):
        return _same
    if hint is Decimal:
        return Decimal
    if hint is Tier:
        return Tier.parse
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        present = [arg for arg in args if arg is not types.NoneType]
        if len(present) == 1:
            inner = _decoder(present[0])
            return _same if inner is _same else lambda value: None if value is None else inner(value)
        if all(map(_is_plain, present)):
            return _same
        return _union_decoder(present)
    if origin in (tuple, frozenset, list):
        inner = _decoder(args[0])
        return lambda values: origin(inner(value) for value in values)
    if origin is not None:
        return dict
    if dataclasses.is_dataclass(hint):
        return _dataclass_decoder(cast("type", hint))
    if _is_namedtuple(hint):
        columns = tuple(_decoder(kind) for kind in get_type_hints(hint).values())
        return lambda row: hint(*(convert(cell) for convert, cell in zip(columns, row, strict=True)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    raise TypeError(f"no JSON form for {hint!r}")


def _dataclass_decoder(cls: type) -> _Convert:
    plan = tuple((name, _decoder(kind), required) for name, kind, required in _fields(cls))

    def build(data: Mapping[str, Any], **known: Any) -> Any:
        return cls(**{name: convert(data[name]) for name, convert, required in plan if required or name in data} | known)

    return build


def _union_decoder(members: list[Any]) -> _Convert:
    by_type = {member.__dataclass_fields__["type"].default: member for member in members}
    return lambda data: None if data is None else _decoder(by_type[data["type"]])(data)
