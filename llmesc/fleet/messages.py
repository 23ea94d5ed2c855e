"""What travels: a request one way, parts of its answer the other, what a worker says of itself. JSON, versioned, bounded. Pure.

Reading raises `BadMessage` for whatever is not exactly such a message, and nothing else: anybody may have written it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeVar

from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.codec import decode, encode
from llmesc.escalation.failures import Failure
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Request
from llmesc.escalation.pieces import Activity, Finish, Opened, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.fleet.shape import shaped

VERSION = 1
"""A newer one is refused: what it means cannot be guessed."""

LARGEST_ASK = 16 * 1024 * 1024
"""Bytes: a conversation with some pictures in it."""

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of one part of an answer: a whole one that came at once, or a tool call with a file in its arguments."""

LARGEST_WORD = 64 * 1024
"""Bytes of what a worker says of itself."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""Of workers and requests: fit for keys, terminals and records."""

DRAIN = "drain"
"""The operator's word to a worker for: take no more, and leave when all is done."""

_PIECES: Mapping[str, type[Any]] = {
    "opened": Opened,
    "text": TextPiece,
    "thinking": ThinkingPiece,
    "tool_call": ToolCallPiece,
    "activity": Activity,
    "usage": UsagePiece,
    "finish": Finish,
}
_NAMES = {cls: name for name, cls in _PIECES.items()}

M = TypeVar("M")


class BadMessage(ValueError):
    """What was read is no message of this version; says what is wrong, and repeats nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request for whoever serves its lane."""

    job: str
    lane: str
    attempt: str
    """The attempt's id at home, for the record at the far end."""
    until: float
    """When nobody waits for its answer any more, in seconds of the Redis's clock."""
    request: Request
    caller: Mapping[str, str] = field(default_factory=dict)
    capture: CaptureMode = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of an answer. Parts of one job count 0, 1, 2 … for each worker that answers it."""

    job: str
    worker: str
    number: int
    failure: Failure | None = None
    """How it ended badly."""
    last: bool = False
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    """A part without its pieces, whose types stand beside them."""

    job: str
    worker: str
    number: int
    failure: Failure | None = None
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """One lane of a worker."""

    lane: str
    reference: str
    """What answers there, as the worker's own configuration calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSays:
    """What a worker says of itself, about once a second."""

    name: str
    host: str
    pid: int
    version: str
    started: float
    """Seconds of the Redis's clock."""
    serves: tuple[Serving, ...]
    concurrency: int
    """How many requests it runs at once."""
    queue: int
    """How many may wait for it in each lane."""
    running: int = 0
    answered: int = 0
    failed: int = 0
    tokens_per_second: float = 0.0
    """Over the last ten seconds."""
    draining: bool = False
    """It takes no more."""

    @property
    def lanes(self) -> tuple[str, ...]:
        """Those that it serves."""
        return tuple(serving.lane for serving in self.serves)


def write(message: Ask | WorkerSays) -> bytes:
    """The bytes of a message."""
    return _bytes(encode(message))


def write_part(part: Part) -> bytes:
    """The bytes of a part of an answer."""
    body = encode(_Envelope(job=part.job, worker=part.worker, number=part.number, failure=part.failure, last=part.last))
    return _bytes({**body, "pieces": [{"type": _NAMES[type(piece)], **encode(piece)} for piece in part.pieces]})


def read_ask(body: bytes) -> Ask:
    """The request. Raises `BadMessage`."""
    ask = _read(Ask, _object(body, LARGEST_ASK))
    if not ask.request.messages or not NAME.fullmatch(ask.job):
        raise BadMessage("asks nothing")
    return ask


def read_part(body: bytes) -> Part:
    """A part of an answer. Raises `BadMessage`."""
    content = _object(body, LARGEST_ANSWER)
    pieces = content.pop("pieces", [])
    if not isinstance(pieces, list):
        raise BadMessage("has pieces of another shape")
    said = _read(_Envelope, content)
    return Part(
        job=said.job,
        worker=said.worker,
        number=said.number,
        failure=said.failure,
        last=said.last,
        pieces=tuple(_piece(piece) for piece in pieces),
    )


def read_worker(body: bytes) -> WorkerSays:
    """What a worker says. Raises `BadMessage`."""
    worker = _read(WorkerSays, _object(body, LARGEST_WORD))
    if not NAME.fullmatch(worker.name) or min(worker.concurrency, worker.queue, worker.running) < 0:
        raise BadMessage("says what no worker says")
    return worker


def _bytes(content: Mapping[str, Any]) -> bytes:
    return json.dumps({"v": VERSION, **content}, separators=(",", ":"), ensure_ascii=True).encode()


def _object(body: bytes, largest: int) -> dict[str, Any]:
    if len(body) > largest:
        raise BadMessage(f"is larger than {largest:,} bytes")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise BadMessage("is no JSON object")
    if content.pop("v", None) != VERSION:
        raise BadMessage(f"is of another version than {VERSION}")
    return content


def _read(cls: type[M], content: Mapping[str, Any]) -> M:
    try:
        message = decode(cls, content)
        good = shaped(message)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        good = False
    if not good:
        raise BadMessage(f"is no {cls.__name__}")
    return message


def _piece(content: Any) -> Piece:
    name = content.get("type") if isinstance(content, dict) else None
    cls = _PIECES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise BadMessage("has a piece of no known type")
    piece: Piece = _read(cls, content)
    return piece
