"""`--responses-body`: a whole request, as the Responses API has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from llmesc.cli.bad_input import BadInput
from llmesc.cli.prompt import read
from llmesc.cli.schema import check_schema
from llmesc.cli.streams import Streams
from llmesc.engine import responses_request
from llmesc.escalation.messages import Request


def request_in(file: Path, streams: Streams, on_wait: Callable[[], None]) -> Request:
    """The request that the JSON object in `file` makes; `-` is standard input, waited for as a prompt is. Raises `BadInput`."""
    source = streams.stdin if str(file) == "-" else file
    content = read(f"--responses-body {file}", source, "the request body", on_wait=on_wait)
    try:
        request = responses_request(_object(content))
        if request.schema is not None:
            check_schema(request.schema)
    except ValueError as error:
        raise BadInput(f"--responses-body {file}: {error}") from None
    return request


def _object(content: bytes) -> dict[str, Any]:
    """Raises ValueError."""
    if not content.strip():
        raise ValueError("it is empty")
    try:
        body = json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError("a request body is a JSON object")
    return body


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
