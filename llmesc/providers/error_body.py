"""An error body of any shape, read once into plain fields.

Providers and gateways wrap the same facts in a hundred shapes: `error` as an object or a sentence, a flat object, a list, JSON
as a string inside JSON, an event of a stream, a page of HTML, a Python repr in plain text. After this file there is one shape,
`ErrorBody`. Nothing here raises, and the work is bounded whatever the size of the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cache
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.providers.error_fields import Fields, collect, error_root, squash

_WHOLE = 262_144
"""Characters up to which a body is parsed as a whole; of a longer one only head and tail are read."""
_HEAD, _TAIL = 65_536, 16_384
_DEEPEST = 3
"""JSON inside a string inside JSON, this many times."""
_LINES = 200
"""Lines of a stream that are parsed, from its end."""
_RULE_TEXT = 6_000
_PLAIN = 2_000
_REPR = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """What a body says, whatever its shape."""

    message: str = ""
    """The sentence meant for people, as it came."""
    text: str = ""
    """All sentences, folded for the message rules: lower case, straight quotes, no addresses, one space."""
    codes: tuple[str, ...] = ()
    """Codes, types and reasons as they came, outermost first."""
    numbers: str = ""
    """Whose numbered codes these are (`zhipu`, `mistral`, …), told by the shape; empty: nobody's known."""
    status: int | None = None
    """An HTTP status that the body names in a field."""
    told_status: int | None = None
    """An HTTP status that its text names: `Error code: 429 - …`."""
    finish: tuple[str, ...] = ()
    """Finish, stop and block reasons, squashed."""
    quotas: tuple[str, ...] = ()
    """Names of exhausted quotas, squashed."""
    times: Mapping[str, Any] = field(default_factory=dict)
    """Fields about when to come back, by squashed name."""
    request_id: str | None = None
    inner: tuple[ErrorBody, ...] = ()
    """Bodies found inside strings of this one: what stands behind a gateway."""
    is_html: bool = False
    is_plain: bool = False
    """A sentence or two without any structure."""
    is_error: bool = False
    """The body itself says that it is an error, so that a status of 200 does not matter."""


def read_body(body: str | bytes) -> ErrorBody:
    """`body` as an `ErrorBody`; an empty one gives an empty `ErrorBody`."""
    text = _without_frames(sample(body))
    if _looks_like_html(text):
        return _from_html(text)
    finish = _finish_reasons(text)
    value = parse(text)
    if isinstance(value, dict | list):
        return _from_json(value, finish, depth=0)
    value = _error_in_lines(text)
    if value is not None:
        return _from_json(value, finish, depth=0)
    plain = len(text) < _PLAIN and not text.startswith(("{", "[", "data:", "event:", ":"))
    return replace(_from_fields(_fields_of_text(text), finish, depth=0, is_error=False), is_plain=plain)


def _without_frames(text: str) -> str:
    """Of a Python traceback only the exception at its end: the lines of code above it hold all kinds of words."""
    if not text.startswith("Traceback "):
        return text
    lines = text.splitlines()
    last = max((number for number, line in enumerate(lines) if line.startswith('  File "')), default=-1)
    raised = next((number for number in range(last + 1, len(lines)) if not lines[number].startswith(" ")), 0)
    return "\n".join(lines[raised:]).strip()


def sample(body: str | bytes) -> str:
    """`body` as text: whole if it is small, else its head and tail."""
    if len(body) > _WHOLE:
        head, tail = body[:_HEAD], body[-_TAIL:]
    else:
        head, tail = body, body[:0]
    parts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in (head, tail)]
    return "\n".join(part for part in parts if part).strip().lstrip("\ufeff")


def fold(text: str) -> str:
    """`text` as the message rules want it. An address is no sentence: `…/billing` in a link says nothing about money."""
    if len(text) > _RULE_TEXT:
        text = text[: _RULE_TEXT - 1000] + " … " + text[-1000:]
    text = _address().sub(" ", text.lower().replace("’", "'").replace("‘", "'"))
    return " ".join(text.split())


def parse(text: str) -> Any:
    """`text` as JSON, or None where it is none, too deep, or holds absurd numbers."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@cache
def _address() -> re.Pattern[str]:
    return re.compile(r"https?://[^\s\"'<>)\]]+")


@cache
def _finish() -> re.Pattern[str]:
    # A quotation inside a string would carry a backslash: what the model wrote is not taken for what the provider says.
    return re.compile(r'(?<!\\)"(?:finish|stop|block|done)_?reason"\s*:\s*"([A-Za-z_\-]{2,60})"', re.IGNORECASE)


@cache
def _cut_message() -> re.Pattern[str]:
    return re.compile(r'(?<!\\)"(?:message|detail|error|msg)"\s*:\s*"((?:[^"\\]|\\.){1,500})')


@cache
def _loose() -> re.Pattern[str]:
    return re.compile(
        r"""["'](?:code|type|status|reason|error_?code|error_?type)["']\s*:\s*["']?([A-Za-z0-9_.\-]{3,80})"""
        r"""|["']error["']\s*:\s*["']([A-Za-z0-9_.\-]{3,80})["']"""
        r"""|\bcode = ([A-Za-z]{3,40})"""
        r"""|\b(?:exceptions|errors)\.([A-Z][A-Za-z]{3,60})\b"""
        r"""|\b([A-Z][A-Za-z]{3,60}(?:Exception|Error))\b"""
    )


@cache
def _status_in_text() -> re.Pattern[str]:
    return re.compile(
        r"^\W{0,3}([45]\d\d)\b|\b(?:error code|status ?code|status|http(?:/\d(?:\.\d)?)?|code)\W{0,4}([45]\d\d)\b"
        r"|\b(?:exceptions|errors)\.\w{1,60}: ([45]\d\d)\b|\berror\W{1,3}([45]\d\d)\b",
        re.IGNORECASE,
    )


@cache
def _request_id() -> re.Pattern[str]:
    return re.compile(r"\brequest[ _-]?id\b\W{0,4}([A-Za-z0-9_\-]{8,80})|\b(req_[A-Za-z0-9]{8,60})", re.IGNORECASE)


def _looks_like_html(text: str) -> bool:
    head = text[:1000].lstrip().lower()
    return head.startswith(("<!doctype html", "<html", "<head", "<center", "<h1")) or (
        "<html" in head and "<body" in text[:8000].lower()
    )


def _from_html(text: str) -> ErrorBody:
    """Title and first heading: the rest of a page is furniture, and its scripts hold every word there is."""
    from html import unescape  # its table of names is only for pages

    heads = re.findall(r"<(title|h1|h2)\b[^>]{0,200}>([^<]{1,300})", text[:_HEAD], re.IGNORECASE)
    words = sorted({unescape(hit).strip() for _, hit in heads[:3]}, key=len, reverse=True)
    message = " · ".join(word for index, word in enumerate(words) if not any(word in longer for longer in words[:index]))
    return ErrorBody(message=message, text=fold(message), is_html=True)


def _finish_reasons(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(squash(hit) for hit in _finish().findall(text)))


def _error_in_lines(text: str) -> Any:
    """The first error among the lines of an event stream or of NDJSON; `error:` as a field name is one, too (old llama.cpp)."""
    for line, named in _payload_lines(text):
        if not named and ("{" not in line or not _says_error(line)):
            continue
        value = parse(line)
        if named and line and value is None:
            return {"error": line}
        if isinstance(value, dict) and (named or error_root(value) is not None):
            return value if "error" in value or not named else {"error": value}
    return None


def _payload_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Lines without their field name, and whether an event or field named `error` holds them; the last ones of a long stream."""
    named = False
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line in lines[-_LINES:] if len(lines) > _LINES else lines:
        name, colon, rest = line.partition(":")
        if colon and name == "event":
            named = rest.strip().lower() in {"error", "exception"}
        elif colon and name in {"data", "error"}:
            yield rest.strip(), named or name == "error"
        elif line.startswith("{"):
            yield line, False
        elif not line:
            named = False


def _says_error(line: str) -> bool:
    lowered = line.lower()
    return "error" in lowered or "exception" in lowered or "base_resp" in lowered


def _from_json(value: Any, finish: tuple[str, ...], *, depth: int) -> ErrorBody:
    root = error_root(value)
    return _from_fields(collect(value if root is None else root), finish, depth=depth, is_error=root is not None)


def _from_fields(fields: Fields, finish: tuple[str, ...], *, depth: int, is_error: bool) -> ErrorBody:
    sentences, inner = [], []
    for sentence in fields.sentences:
        outside, nested = _split_json(sentence) if depth < _DEEPEST else (sentence, None)
        if nested is not None:
            inner.append(_from_json(nested, (), depth=depth + 1))
        if outside:
            sentences.append(outside)
    joined = " \n".join(sentences)
    codes = (*fields.codes, *_loose_codes(joined))
    found = _status_in_text().search(joined[:2000])
    request_id = fields.request_id or next((a or b for a, b in _request_id().findall(joined[:_RULE_TEXT])), None)
    return ErrorBody(
        message=next((body.message for body in inner if body.message), None) or (sentences[0] if sentences else ""),
        text=fold(joined),
        codes=tuple(dict.fromkeys(codes)),
        numbers=fields.numbers,
        status=fields.status,
        told_status=int(next(filter(None, found.groups()))) if found else None,
        finish=finish,
        quotas=tuple(fields.quotas),
        times=fields.times,
        request_id=request_id or next((body.request_id for body in inner if body.request_id), None),
        inner=tuple(inner),
        is_error=is_error,
    )


def _fields_of_text(text: str) -> Fields:
    """Plain text, or JSON that was cut: its message is still there to be read."""
    cut = [str(parse(f'"{said}"') or said).strip() for said in _cut_message().findall(text[:_HEAD])[:3]]
    if cut and text.startswith(("{", "[")):
        return Fields(sentences=cut, codes=_loose_codes(text))
    return Fields(sentences=[*cut, text] if text else [])


def _loose_codes(text: str) -> list[str]:
    """Codes that stand in running text: a Python repr, a cut JSON body, `code = InvalidArgument`, the name of an exception."""
    return [next(filter(None, hit)) for hit in _loose().findall(text[:_RULE_TEXT])[:12]]


def _split_json(sentence: str) -> tuple[str, Any]:
    """The words around a JSON object, and the object; (sentence, None) where there is none."""
    start = sentence.find("{")
    if start < 0 or len(sentence) > _WHOLE:
        return sentence, None
    for written in _spelled_as_json(sentence[start:]):
        try:
            value, end = json.JSONDecoder().raw_decode(written)
        except (ValueError, RecursionError):
            continue
        if value and isinstance(value, dict):
            return (sentence[:start].rstrip(" [-:") + " " + written[end:].lstrip(" ]")).strip(), value
    return sentence, None


def _spelled_as_json(text: str) -> Iterator[str]:
    """`text`; then, where it may be a Python repr or be escaped once more, what it would be in JSON."""
    yield text
    if len(text) < _REPR:
        if text[1:].lstrip().startswith("'"):
            yield _repr_token().sub(_as_json, text)
        if "\\" in text:
            yield text.replace("\\n", " ").replace('\\"', '"')


@cache
def _repr_token() -> re.Pattern[str]:
    # A string without an end runs to the end of the text: looked for from each of its quotes, it would cost the square of that.
    return re.compile(r"""'((?:[^'\\]|\\[\s\S])*+)(?:'|\\?\Z)|"(?:[^"\\]|\\[\s\S])*+(?:"|\\?\Z)|\b(None|True|False)\b""")


def _as_json(token: re.Match[str]) -> str:
    if token[2]:
        return {"None": "null", "True": "true", "False": "false"}[token[2]]
    if token[1] is None:
        return token[0]
    inside = token[1].replace("\\'", "'")
    return '"' + re.sub(r'(?<!\\)"', r'\\"', inside) + '"'
