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
from operator import attrgetter
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from llmesc.escalation.events import EVENT_TYPES, SCHEMA, Event
from llmesc.escalation.resolution import Resolution, Tier
from llmesc.escalation.times import Timestamp, from_rfc3339, rfc3339

T = TypeVar("T")

_Convert = Callable[[Any], Any]

RARE = ("sealed", "characters_not_kept", "unfinished_judge")
"""Fields of events that stand in the JSON only where they say something: there are many events."""

_JSON = "_json"
"""Under which a `Resolution` keeps its JSON object."""

_ENCODERS: dict[Any, _Convert] = {}
_DECODERS: dict[Any, _Convert] = {}


def _same(value: Any) -> Any:
    return value


def encode(value: Any) -> dict[str, Any]:
    """The JSON object of one dataclass instance. Not to be changed: that of a `Resolution` is handed out again."""
    return cast("dict[str, Any]", encoder_of(type(value))(value))


def decode(cls: type[T], data: Mapping[str, Any], **known: Any) -> T:
    """The reverse of `encode`; `known` are fields that were kept elsewhere. Raises ValueError, KeyError or TypeError where `data`
    does not fit `cls`.
    """
    return cast("T", _decoder(cls)(data, **known))


def encode_event(event: Event) -> dict[str, Any]:
    """One event as JSON, `schema` and `type` first."""
    body = {"schema": SCHEMA, "type": event.type, **encoder_of(type(event))(event)}
    for rare in RARE:
        if not body.get(rare, True):
            del body[rare]
    return body


def decode_event(data: Mapping[str, Any]) -> Event | None:
    """The event, or None for a type this version does not know. Raises as `decode` does."""
    cls = EVENT_TYPES.get(data.get("type", ""))
    return None if cls is None else decode(cls, data)


def fields_of(cls: type) -> tuple[tuple[str, Any, bool], ...]:
    """Name, type hint, and whether it has to be there."""
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


def is_plain(hint: Any) -> bool:
    """Whether its values are JSON as they are."""
    return hint in (str, int, float, bool, Any, types.NoneType, object) or get_origin(hint) is Literal


def encoder_of(hint: Any) -> _Convert:
    """What makes JSON values of the values of a type hint."""
    if (made := _ENCODERS.get(hint)) is None:
        made = _ENCODERS[hint] = _make_encoder(hint)
    return made


def _make_encoder(hint: Any) -> _Convert:
    if hint is Timestamp:
        return rfc3339
    if is_plain(hint):
        return _same
    if hint is Decimal:
        return str
    if hint is Tier:
        return lambda tier: tier.label
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if (present := _present(hint)) is not hint:
            inner = encoder_of(present)
            return _same if inner is _same else lambda value: None if value is None else inner(value)
        return lambda value: None if value is None else encoder_of(type(value))(value)
    if origin in (tuple, frozenset, list):
        inner = encoder_of(args[0])
        if origin is frozenset:
            return lambda values: sorted(inner(value) for value in values)
        return lambda values: [inner(value) for value in values]
    if origin is not None:  # Mapping
        return dict
    if dataclasses.is_dataclass(hint):
        return _kept(_dataclass_encoder(hint)) if hint is Resolution else _dataclass_encoder(cast("type", hint))
    if _is_namedtuple(hint):
        columns = tuple(encoder_of(kind) for kind in get_type_hints(hint).values())
        return lambda row: [convert(cell) for convert, cell in zip(columns, row, strict=True)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda member: member.value
    raise TypeError(f"no JSON form for {hint!r}")


def _present(hint: Any) -> Any:
    """What a value that may be None is if it is not; the hint itself, where that is not one thing."""
    present = [arg for arg in get_args(hint) if arg is not types.NoneType]
    return present[0] if get_origin(hint) in (Union, types.UnionType) and len(present) == 1 else hint


def _dataclass_encoder(cls: type) -> _Convert:
    plan = [(name, encoder_of(_present(kind))) for name, kind, _ in fields_of(cls)]
    names = [name for name, _ in plan]
    values = attrgetter(*names) if len(names) > 1 else lambda value: [getattr(value, name) for name in names]
    # Most values are JSON as they are, and many of the others None: there are many events.
    others = [(name, convert) for name, convert in plan if convert is not _same]

    def build(value: Any) -> dict[str, Any]:
        body = dict(zip(names, values(value), strict=True))
        for name, convert in others:
            if (cell := body[name]) is not None:
                body[name] = convert(cell)
        return body

    return build


def _kept(convert: _Convert) -> _Convert:
    """Of what has a dictionary, where it is kept: a candidate is written with each of its events, in every run."""

    def encode_once(value: Any) -> Any:
        if (known := value.__dict__.get(_JSON)) is None:
            known = value.__dict__[_JSON] = convert(value)
        return known

    return encode_once


def _decoder(hint: Any) -> _Convert:
    if (made := _DECODERS.get(hint)) is None:
        made = _DECODERS[hint] = _make_decoder(hint)
    return made


def _make_decoder(hint: Any) -> _Convert:
    if hint is Timestamp:
        return from_rfc3339
    if is_plain(hint):
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
        if all(map(is_plain, present)):
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
    plan = tuple((name, _decoder(kind), required) for name, kind, required in fields_of(cls))

    def build(data: Mapping[str, Any], **known: Any) -> Any:
        return cls(**{name: convert(data[name]) for name, convert, required in plan if required or name in data} | known)

    return build


def _union_decoder(members: list[Any]) -> _Convert:
    by_type = {member.__dataclass_fields__["type"].default: member for member in members}
    return lambda data: None if data is None else _decoder(by_type[data["type"]])(data)
