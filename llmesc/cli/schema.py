"""`--schema FILE`: the JSON Schema that an answer has to satisfy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmesc.cli.bad_input import BadInput


def schema_in(file: Path) -> dict[str, Any]:
    """The schema that `file` holds. Raises `BadInput`."""
    try:
        schema = _object(file.read_bytes())
        check_schema(schema)
    except OSError as error:
        raise BadInput(f"--schema {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadInput(f"--schema {file}: {error}") from None
    return schema


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises ValueError for what is no JSON Schema."""
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(dict(schema))
    except SchemaError as error:
        raise ValueError(f"no JSON Schema: {error.message}") from None


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("a JSON Schema is an object")
    return value
