"""Reads the answers of Ollama's `/api/chat`: one JSON object a line, or one alone. `"done": true` is the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import FinishReason, TextPiece, ThinkingPiece
from llmesc.providers.answer_reader import ServerSaidError
from llmesc.providers.lenient_json import as_count, as_list, as_numbers, as_object
from llmesc.providers.whole_calls import WholeCallsReader

_FINISH: Mapping[str, FinishReason] = {"stop": "stop", "length": "length"}


class OllamaReader(WholeCallsReader):
    """Turns the lines of one answer into pieces."""

    end_sign = '"done": true'

    def _chunk(self, chunk: dict[str, Any], raw: str) -> None:
        if chunk.get("error"):
            raise ServerSaidError(raw)
        self._name_model(chunk.get("model"))
        message = as_object(chunk.get("message"))
        self._say(ThinkingPiece, message.get("thinking"))
        self._say(TextPiece, message.get("content"))
        for call in map(as_object, as_list(message.get("tool_calls"))):
            function = as_object(call.get("function"))
            self._call(call.get("id"), function.get("name"), function.get("arguments"))
        self._logprobs += as_numbers(as_object(token).get("logprob") for token in as_list(chunk.get("logprobs")))
        if chunk.get("done") is True:
            self._usage = _usage(chunk)
            self._finish(_FINISH.get(str(chunk.get("done_reason")), "unknown"))
            self.done = True


def _usage(line: dict[str, Any]) -> Usage | None:
    """The prompt's count is missing where all of it was in the cache."""
    prompt, answer = as_count(line.get("prompt_eval_count")), as_count(line.get("eval_count"))
    return Usage(input_tokens=prompt, output_tokens=answer) if (prompt, answer) != (None, None) else None
