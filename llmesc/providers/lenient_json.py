"""JSON from a server, of which nothing is certain: what is not of the shape it should have is taken as absent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from llmesc.providers.transport_error import TransportError

_decode = json.JSONDecoder().raw_decode
"""What `json.loads` does less looking for blanks, for every token."""


def parsed(data: str) -> dict[str, Any]:
    """The object that `data` is. Raises `TransportError` (`bad_json`)."""
    try:
        value, end = _decode(data)
        if end != len(data) and not data[end:].isspace():
            raise ValueError(f"something behind its end, at {end}")
    except (ValueError, RecursionError) as error:
        raise TransportError("bad_json", f"broken JSON: {error}", data) from None
    if not isinstance(value, dict):
        raise TransportError("bad_json", "JSON that is no object", data)
    return value


def as_object(value: Any) -> dict[str, Any]:
    """`value`, or an empty object where it is none."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value`, or an empty list where it is none."""
    return value if isinstance(value, list) else []


def as_count(value: Any) -> int | None:
    """`value` where it counts something."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def as_numbers(values: Iterable[Any]) -> list[float]:
    """Those of `values` that are finite numbers."""
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)]


def storable(text: str) -> str:
    """`text` with lone halves of characters replaced: they can be neither stored nor printed."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
