"""The wire `ollama`: the native chat of Ollama, on this machine or hosted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmesc.escalation.pieces import Call
from llmesc.providers.http_wire import HttpWire, Question, url_under
from llmesc.providers.ndjson import LineDecoder
from llmesc.providers.ollama_request import ollama_body
from llmesc.providers.ollama_stream import OllamaReader


class OllamaProvider(HttpWire):
    """`/api/chat` at one endpoint."""

    default_base_url = "http://127.0.0.1:11434"
    models_path = "api/tags"
    decoder = LineDecoder

    def question(self, call: Call, base_url: str) -> Question:
        """Raises `CallFailed` for a picture that only has an address."""
        model, window = call.resolution.model, call.resolution.offering.context_window
        body = ollama_body(call.request, model, self.endpoint.provider, self.endpoint.options, window)
        return Question(url_under(base_url, "api/chat"), body)

    def is_document(self, start: bytes, call: Call) -> bool:  # noqa: ARG002
        """A line of a stream begins like a document; Ollama does as it is asked."""
        return not call.request.stream

    def reader(self, call: Call) -> OllamaReader:  # noqa: ARG002
        """The same for every call."""
        return OllamaReader()

    def key_header(self, key: str) -> tuple[str, str]:
        """Only ollama.com and proxies ask for one."""
        return "authorization", f"Bearer {key}"

    def model_names(self, listed: Any) -> Iterator[str]:
        """The models that are on its disk."""
        return (str(model["name"]) for model in listed["models"])
