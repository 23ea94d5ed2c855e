"""What a wire is to the fault server, and which one a request speaks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple


class Wanted(NamedTuple):
    """A tool that an answer asks for."""

    call_id: str
    """Left out where the wire has none."""
    name: str
    arguments: Mapping[str, Any]


class FaultWire(ABC):
    """A wire API as a well-behaved server writes it. Faults are made by sending less, or other, than this.

    Streams are event streams where nothing else is said.
    """

    content_type: ClassVar[str] = "text/event-stream"
    """Of a stream."""

    def __init__(self, model: str) -> None:
        self._model = model

    @abstractmethod
    def role(self) -> bytes:
        """The first frame of a stream, which has no content."""

    @abstractmethod
    def token(self, text: str) -> bytes:
        """A frame with some of the answer."""

    @abstractmethod
    def finish(self, reason: str = "stop") -> bytes:
        """The frame that says why the answer ended: `stop` or `length`."""

    @abstractmethod
    def whole(self, text: str, reason: str, tokens: int) -> bytes:
        """The body of an answer that is not streamed."""

    @abstractmethod
    def calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The frames that ask for tools, in fragments where the wire knows any, and end the answer."""

    @abstractmethod
    def whole_calls(self, wanted: Sequence[Wanted]) -> bytes:
        """The body of an answer that asks for tools and is not streamed."""

    @abstractmethod
    def error(self, message: str, code: str | None = None) -> bytes:
        """The body of an error; `code` as Chat Completions has it."""

    def usage(self, tokens: int) -> bytes:  # noqa: ARG002
        """The frame that counts tokens; nothing where another one does."""
        return b""

    def done(self) -> bytes:
        """The frame behind the last; nothing where there is none."""
        return b""

    def keep_alive(self) -> bytes:
        """A frame that says nothing."""
        return b": keep-alive\n\n"

    def frame(self, data: bytes) -> bytes:
        """A frame that holds `data`, whatever that is."""
        return b"data: " + data + b"\n\n"

    def error_frame(self, message: str, code: str | None = None) -> bytes:
        """An error inside a stream."""
        return self.frame(self.error(message, code))

    def named_error(self, message: str, code: str) -> bytes:
        """The same where frames have names."""
        return b"event: error\n" + self.error_frame(message, code)

    def error_field(self, message: str) -> bytes:
        """The error in a field named `error`, which the standard tells readers to ignore."""
        return b"error: " + self.error(message) + b"\n\n"


def halves(text: str) -> tuple[str, str]:
    """`text` in two fragments."""
    return text[: len(text) // 2], text[len(text) // 2 :]


def asked(path: str, body: Any) -> tuple[str, bool]:
    """Model and stream of a request, which one wire says in its path and the others in the body."""
    name, _, method = path.partition("?")[0].rpartition("/models/")[2].partition(":")
    if method in {"generateContent", "streamGenerateContent"}:
        return name, method.startswith("stream")
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    return str(said.get("model", "")), bool(said.get("stream"))
