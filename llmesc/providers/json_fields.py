"""JSON from a server, read without trust: what has the wrong type counts as absent."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from llmesc.providers.transport_error import TransportError


def parse_object(data: str) -> dict[str, Any]:
    """`data` as a JSON object. Raises `TransportError` (`bad_json`)."""
    value = parse(data)
    if not isinstance(value, dict):
        raise TransportError("bad_json", "JSON that is no object", data)
    return value


def parse(data: str) -> Any:
    """`data` as any JSON. Raises `TransportError` (`bad_json`)."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TransportError("bad_json", f"broken JSON: {error}", data) from None


def as_object(value: Any) -> dict[str, Any]:
    """`value`, or an empty object."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value`, or an empty list."""
    return value if isinstance(value, list) else []


def as_count(value: Any) -> int | None:
    """`value` where it is a count, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def as_number(value: Any) -> float | None:
    """`value` where it is a finite number, else None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) else None
