"""The wire `gemini`: `generateContent` of the Gemini API, and of Vertex AI where a header brings its token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from llmesc.escalation.pieces import Call
from llmesc.providers.gemini_request import gemini_body
from llmesc.providers.gemini_stream import GeminiReader
from llmesc.providers.http_wire import HttpWire, Question, url_under


class GeminiProvider(HttpWire):
    """`generateContent` at one endpoint."""

    default_base_url = "https://generativelanguage.googleapis.com/v1beta"
    models_path = "models?pageSize=1000"

    def question(self, call: Call, base_url: str) -> Question:
        """Without `alt=sse` a stream would be one JSON array."""
        method = "streamGenerateContent?alt=sse" if call.request.stream else "generateContent"
        model = call.resolution.model
        body = gemini_body(call.request, model, self.endpoint.provider, self.endpoint.options)
        return Question(url_under(base_url, f"{_path(model)}:{method}"), body)

    def reader(self, call: Call) -> GeminiReader:  # noqa: ARG002
        """The same for every call."""
        return GeminiReader()

    def key_header(self, key: str) -> tuple[str, str]:
        """Never `?key=`: addresses are logged everywhere."""
        return "x-goog-api-key", key

    def model_names(self, listed: Any) -> Iterator[str]:
        """The models that answer, without the folder that all of them are in."""
        for model in listed["models"]:
            if "generateContent" in model.get("supportedGenerationMethods", ("generateContent",)):
                yield str(model["name"]).removeprefix("models/")


def _path(model: str) -> str:
    """`models/NAME`; a name that has a folder of its own (`tunedModels/…`) keeps it."""
    return quote(model if "/" in model else f"models/{model}", safe="/@.-_~")
