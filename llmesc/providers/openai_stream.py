"""Reads Chat Completions answers, streamed or whole, in every dialect there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import FinishReason, TextPiece, ThinkingPiece
from llmesc.providers.answer_reader import AnswerReader, ServerSaidError
from llmesc.providers.lenient_json import as_count, as_list, as_numbers, as_object
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


class ChatReader(AnswerReader):
    """Turns the events of one answer into pieces."""

    end_sign = "a finish_reason and without [DONE]"

    def _over(self) -> None:
        """Where no reason was given, `[DONE]` is the sign that the answer is complete."""
        super()._over()
        self._finish("unknown")

    def _whole(self, answer: dict[str, Any], raw: str) -> None:
        """That it parses is the sign that it is complete."""
        self._chunk(answer, raw)
        if "choices" not in answer:
            raise TransportError("bad_json", "the JSON has no choices", raw)
        self._finish("unknown")

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        choice = _first_choice(chunk)
        if _is_error(chunk) or choice.get("error"):
            raise ServerSaidError(raw)
        self._name_model(chunk.get("model"))
        if usage := chunk.get("usage") or choice.get("usage") or as_object(chunk.get("x_groq")).get("usage"):
            self._usage = _usage(as_object(usage))
        if message := choice.get("delta") or choice.get("message"):
            self._message(as_object(message))
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
        for fragment in as_list(message.get("tool_calls")):
            self._call(as_object(fragment))

    def _call(self, fragment: dict[str, Any]) -> None:
        function = as_object(fragment.get("function"))
        self._calls.add(
            fragment.get("index"), call_id=fragment.get("id"), name=function.get("name"), arguments=function.get("arguments")
        )
        self._active = True

    def _parts(self, parts: list[Any]) -> None:
        for part in map(as_object, parts):
            if part.get("type") == "thinking":
                thoughts = part.get("thinking")
                for thought in thoughts if isinstance(thoughts, list) else [{"text": thoughts}]:
                    self._say(ThinkingPiece, as_object(thought).get("text"))
            else:
                self._say(TextPiece, part.get("text"))


def _first_choice(chunk: dict[str, Any]) -> dict[str, Any]:
    choices = as_list(chunk.get("choices"))
    return as_object(choices[0]) if choices else {}


def _is_error(chunk: dict[str, Any]) -> bool:
    return bool(chunk.get("error")) or "error" in (chunk.get("object"), chunk.get("type"))


def _usage(usage: dict[str, Any]) -> Usage:
    prompt = as_object(usage.get("prompt_tokens_details"))
    completion = as_object(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=as_count(usage.get("prompt_tokens")),
        output_tokens=as_count(usage.get("completion_tokens")),
        cached_tokens=as_count(prompt.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))),
        reasoning_tokens=as_count(completion.get("reasoning_tokens")),
    )


def _token_logprobs(logprobs: Any) -> list[float]:
    return as_numbers(as_object(token).get("logprob") for token in as_list(as_object(logprobs).get("content")))
