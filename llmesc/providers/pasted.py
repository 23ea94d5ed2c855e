"""A response as `curl -i` prints it, taken apart: what a person pastes has its status and headers on top."""

from __future__ import annotations

import re
from typing import NamedTuple


class Pasted(NamedTuple):
    """What was on top of the body, and the body."""

    status: int
    headers: dict[str, str]
    body: str


_STATUS_LINE = re.compile(r"[<*\s]*HTTP/\d(?:\.\d)? (\d{3})\b[^\n]*")
_HEADER = re.compile(r"(?:< ?)?([A-Za-z0-9-]{1,80}):[ \t]*([^\n]*)")


def take_apart(text: str) -> Pasted | None:
    """The parts of `text`; None where it does not begin with a status line. Of several responses (a proxy's, `100 Continue`) the
    last is meant. The `<` that `curl -v` puts before its lines is no part of them.
    """
    status, headers, at = None, dict[str, str](), 0
    while (found := _STATUS_LINE.match(text, at)) is not None:
        status, headers, at = int(found[1]), {}, found.end() + 1
        while (header := _HEADER.match(text, at)) is not None:
            headers[header[1].lower()] = header[2].strip()
            at = header.end() + 1
    return None if status is None else Pasted(status, headers, text[at:].lstrip("< \t\r\n"))
