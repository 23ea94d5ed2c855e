"""What the readers of all wires have in common: events in, pieces out, tolerant on the way and strict at the end.

Servers differ in what they put where, and repeat or leave out what does not matter; none of that is an error. That an answer
ended without any sign of being complete is one, and so is an error that the server reports inside of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from llmesc.escalation.failures import CallFailed
from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Activity, Finish, FinishReason, Piece, TextPiece, ThinkingPiece, UsagePiece
from llmesc.providers.lenient_json import parsed, storable
from llmesc.providers.sse import DONE, SseEvent
from llmesc.providers.tool_calls import ToolCallJoiner
from llmesc.providers.transport_error import TransportError


class ServerSaidError(Exception):
    """The server reported an error inside an answer that had begun well. `body` is its JSON text."""

    def __init__(self, body: str) -> None:
        super().__init__("an error inside the answer")
        self.body = body


class AnswerReader(ABC):
    """Turns the events of one answer into pieces; what comes together and is of one kind becomes one piece."""

    end_sign: ClassVar[str]
    """What the wire ends its streams with, for people."""

    def __init__(self) -> None:
        self.finished = False
        """The end of the answer was seen, and `Finish` handed on. Only usage may still come."""
        self.done = False
        """Nothing more can come."""
        self._pieces: list[Piece] = []
        self._run: list[str] = []
        self._run_kind: type[TextPiece | ThinkingPiece] = TextPiece
        self._half = ""
        self._active = False
        self._calls = ToolCallJoiner()
        self._usage: Usage | None = None
        self._model: Any = None
        self._logprobs: list[float] = []

    def read(self, events: Iterable[SseEvent]) -> Iterator[Piece]:
        """What these events bring. Raises `TransportError`, `ServerSaidError` and `CallFailed`, behind what came before."""
        failed: Exception | None = None
        try:
            for name, data in events:
                if name == "error":
                    raise ServerSaidError(data)
                if data.startswith("{"):
                    self._chunk(parsed(data), data)
                elif data.strip() == DONE:
                    self._over()
                elif not data.isspace() and data:
                    raise TransportError("bad_json", "an event that is no JSON object", data)
                if self.done:
                    break
        except (TransportError, ServerSaidError, CallFailed) as error:
            failed = error
        yield from self._take()
        if failed is not None:
            raise failed

    def read_whole(self, body: str) -> Iterator[Piece]:
        """The pieces of an answer that came as one JSON document. Raises as `read`."""
        self._whole(parsed(body), body)
        yield from self._take()

    @abstractmethod
    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        """Takes one event's JSON; `raw` is its text."""

    @abstractmethod
    def _whole(self, answer: dict[str, Any], raw: str) -> None:
        """Takes a whole answer, to its end."""

    def _over(self) -> None:
        """`[DONE]` was seen."""
        self.done = True

    def _say(self, kind: type[TextPiece | ThinkingPiece], text: Any) -> None:
        """Some of the answer or of the reasoning; what is no text is passed over."""
        if not text or not isinstance(text, str):
            return
        if kind is not self._run_kind:
            self._end_run()
            self._run_kind = kind
        self._run.append(text)

    def _sign(self, signature: Any) -> None:
        """The signature of the thinking before it, as reasoning without a text of its own."""
        if signature:
            self._end_run()
            self._pieces.append(ThinkingPiece("", storable(str(signature))))

    def _end_run(self) -> None:
        if not self._run:
            return
        text = self._half + "".join(self._run)
        self._run.clear()
        text, self._half = (text, "") if text.isascii() else _mended(text)
        if text:
            self._pieces.append(self._run_kind(text))

    def _finish(self, reason: FinishReason) -> None:
        """The first finish counts; others repeat it."""
        if self.finished:
            return
        self.finished = True
        self._end_run()
        calls = self._calls.joined()
        self._pieces += calls
        self._report_usage()
        mean = sum(self._logprobs) / len(self._logprobs) if self._logprobs else None
        # Some servers say "stop" though the answer is a tool call.
        model = storable(str(self._model)) if self._model else None
        self._pieces.append(Finish("tool_calls" if calls and reason != "length" else reason, model, mean))

    def _name_model(self, model: Any) -> None:
        """Told with every token, needed once."""
        self._model = model or self._model

    def _report_usage(self) -> None:
        if self._usage is not None:
            self._pieces.append(UsagePiece(self._usage))
            self._usage = None

    def _take(self) -> list[Piece]:
        self._end_run()
        self._report_usage()
        if self._active and not self._pieces:
            self._pieces.append(Activity())
        self._active = False
        pieces, self._pieces = self._pieces, []
        return pieces


def _mended(text: str) -> tuple[str, str]:
    """`text` in whole characters, and the half of one that its end may have cut off: some servers cut inside a pair."""
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return storable(text[: len(text) - len(half)]), half
