"""The wire `anthropic`: the Messages API, spoken by Anthropic, and beside their own wires by vLLM, llama.cpp and Ollama."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from llmesc.escalation.pieces import Call
from llmesc.providers.answer_reader import AnswerReader
from llmesc.providers.anthropic_request import messages_body
from llmesc.providers.anthropic_stream import MessagesReader
from llmesc.providers.http_wire import HttpWire, Question, url_under


class AnthropicProvider(HttpWire):
    """The Messages API at one endpoint."""

    default_base_url = "https://api.anthropic.com"
    models_path = "models?limit=1000"
    own_headers: ClassVar[Mapping[str, str]] = {"anthropic-version": "2023-06-01"}

    async def base_url(self) -> str:
        """With its `/v1`, which most configurations leave out on this wire, but not all."""
        url = await super().base_url()
        path = url.partition("?")[0].rstrip("/")
        return url if path.endswith("/v1") else url_under(url, "v1")

    def question(self, call: Call, base_url: str) -> Question:
        """`POST messages`."""
        return Question(url_under(base_url, "messages"), messages_body(call.request, call.resolution, self.endpoint.options))

    def reader(self, call: Call) -> AnswerReader:  # noqa: ARG002
        """The same for every call."""
        return MessagesReader()

    def key_header(self, key: str) -> tuple[str, str]:
        """Not the one of OAuth."""
        return "x-api-key", key

    def model_names(self, listed: Any) -> Iterator[str]:
        """By their ids."""
        return (str(model["id"]) for model in listed["data"])
