"""Reads Chat Completions answers, streamed or whole: tolerant of every dialect on the way, strict at the end.

Servers differ in where they put usage, reasoning and tool calls, repeat the finish, or leave out `[DONE]`. None of that is an
error. That an answer ended without any sign of being complete is one, and so is an `error` object wherever it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Activity, Finish, FinishReason, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.providers.sse import DONE, SseEvent
from llmesc.providers.transport_error import TransportError

_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_GAVE_UP = ("error", "insufficient_system_resource")
"""Finish reasons by which a server says that it gave up."""


class ServerSaidError(Exception):
    """The server reported an error inside an answer that had begun well. `body` is its JSON text."""

    def __init__(self, body: str) -> None:
        super().__init__("an error inside the answer")
        self.body = body


class ChatReader:
    """Turns the events of one answer into pieces; what comes together and is of one kind becomes one piece."""

    def __init__(self) -> None:
        self.finished = False
        """The end of the answer was seen, and `Finish` handed on. Only usage may still come."""
        self.done = False
        """`[DONE]` was seen: nothing more can come."""
        self._pieces: list[Piece] = []
        self._run: list[str] = []
        self._run_kind: type[TextPiece | ThinkingPiece] = TextPiece
        self._half = ""
        self._active = False
        self._calls = ToolCallJoiner()
        self._usage: Usage | None = None
        self._model: str | None = None
        self._logprobs: list[float] = []

    def read(self, events: Iterable[SseEvent]) -> Iterator[Piece]:
        """What these events bring. Raises `TransportError` and `ServerSaidError`, behind the pieces that came before."""
        failed: Exception | None = None
        try:
            for name, data in events:
                if name == "error":
                    raise ServerSaidError(data)
                if data.startswith("{"):
                    self._chunk(_parse(data), data)
                elif data.strip() == DONE:
                    self.done = True
                    self._finish("unknown")
                    break
                elif not data.isspace() and data:
                    raise TransportError("bad_json", "an event that is no JSON object", data)
        except (TransportError, ServerSaidError) as error:
            failed = error
        yield from self._take()
        if failed is not None:
            raise failed

    def read_whole(self, body: str) -> Iterator[Piece]:
        """The pieces of an answer that came as one JSON document; that it parses is the sign that it is complete."""
        answer = _parse(body)
        self._chunk(answer, body)
        if "choices" not in answer:
            raise TransportError("bad_json", "the JSON has no choices", body)
        self._finish("unknown")
        yield from self._take()

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        choice = _first_choice(chunk)
        if _is_error(chunk) or choice.get("error"):
            raise ServerSaidError(raw)
        if model := chunk.get("model"):
            self._model = _storable(str(model))
        if usage := chunk.get("usage") or choice.get("usage") or _object(chunk.get("x_groq")).get("usage"):
            self._usage = _usage(_object(usage))
        if message := choice.get("delta") or choice.get("message"):
            self._message(_object(message))
        if logprobs := choice.get("logprobs"):
            self._logprobs += _token_logprobs(logprobs)
        if reason := choice.get("finish_reason"):
            if reason in _GAVE_UP:
                raise ServerSaidError(raw)
            self._finish(_FINISH.get(str(reason), "unknown"))

    def _message(self, message: dict[str, Any]) -> None:
        if thinking := message.get("reasoning_content") or message.get("reasoning"):
            self._say(ThinkingPiece, thinking)
        if content := message.get("content") or message.get("refusal"):
            if isinstance(content, list):
                self._parts(content)
            else:
                self._say(TextPiece, content)
        for fragment in _list(message.get("tool_calls")):
            self._calls.add(_object(fragment))
            self._active = True

    def _parts(self, parts: list[Any]) -> None:
        for part in map(_object, parts):
            if part.get("type") == "thinking":
                thoughts = part.get("thinking")
                for thought in thoughts if isinstance(thoughts, list) else [{"text": thoughts}]:
                    self._say(ThinkingPiece, _object(thought).get("text"))
            else:
                self._say(TextPiece, part.get("text"))

    def _say(self, kind: type[TextPiece | ThinkingPiece], text: Any) -> None:
        if not text or not isinstance(text, str):
            return
        if kind is not self._run_kind:
            self._end_run()
            self._run_kind = kind
        self._run.append(text)

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
        self._pieces.append(Finish("tool_calls" if calls and reason != "length" else reason, self._model, mean))

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


class ToolCallJoiner:
    """Joins the fragments of tool calls: by index, or by order where a server gives none."""

    def __init__(self) -> None:
        self._calls: list[_PartialCall] = []
        self._by_index: dict[Any, _PartialCall] = {}

    def add(self, fragment: dict[str, Any]) -> None:
        """Takes one fragment; a whole call is one too."""
        function = _object(fragment.get("function"))
        call_id, name, index = (str(value or "") for value in (fragment.get("id"), function.get("name"), fragment.get("index")))
        call = self._by_index.get(index)
        # One server counts every call as 0, another gives each fragment a new id: only both together begin a call.
        if call is None or (name and call_id and call.call_id and call_id != call.call_id):
            call = self._by_index[index] = _PartialCall()
            self._calls.append(call)
        call.call_id = call.call_id or call_id
        call.name = call.name or name
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            call.arguments.append(arguments)
        elif arguments is not None:
            call.arguments.append(json.dumps(arguments, ensure_ascii=False))

    def joined(self) -> list[ToolCallPiece]:
        """The calls, in order. A call without arguments has the empty object, one without an id gets one."""
        return [
            ToolCallPiece(
                call_id=_storable(call.call_id) or f"call_{number}",
                name=_storable(call.name),
                arguments=_storable("".join(call.arguments)) or "{}",
            )
            for number, call in enumerate(self._calls)
        ]


@dataclass(slots=True)
class _PartialCall:
    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


def _parse(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TransportError("bad_json", f"broken JSON: {error}", data) from None
    if not isinstance(value, dict):
        raise TransportError("bad_json", "JSON that is no object", data)
    return value


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _first_choice(chunk: dict[str, Any]) -> dict[str, Any]:
    choices = _list(chunk.get("choices"))
    return _object(choices[0]) if choices else {}


def _is_error(chunk: dict[str, Any]) -> bool:
    return bool(chunk.get("error")) or "error" in (chunk.get("object"), chunk.get("type"))


def _usage(usage: dict[str, Any]) -> Usage:
    prompt = _object(usage.get("prompt_tokens_details"))
    completion = _object(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))),
        reasoning_tokens=_count(completion.get("reasoning_tokens")),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _token_logprobs(logprobs: Any) -> list[float]:
    found = [_object(token).get("logprob") for token in _list(_object(logprobs).get("content"))]
    return [value for value in found if isinstance(value, int | float) and isfinite(value)]


def _storable(text: str) -> str:
    """`text` with lone halves of characters replaced: they can be neither stored nor printed."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mended(text: str) -> tuple[str, str]:
    """`text` in whole characters, and the half of one that its end may have cut off: some servers cut inside a pair."""
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return _storable(text[: len(text) - len(half)]), half
