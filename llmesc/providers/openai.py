"""The wire `openai`: Chat Completions, which OpenAI, vLLM, llama.cpp, Ollama, LM Studio and most hosted services speak."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from llmesc.escalation.pieces import Call
from llmesc.providers.answer_reader import AnswerReader
from llmesc.providers.base import Endpoint
from llmesc.providers.http import Http
from llmesc.providers.http_wire import HttpWire, Question, url_under
from llmesc.providers.openai_request import chat_body
from llmesc.providers.openai_stream import ChatReader


class OpenAiProvider(HttpWire):
    """Chat Completions at one endpoint.

    `locate` gives the base URL at each call, for a server that is only started then; it may raise `CallFailed`.
    """

    default_base_url = "https://api.openai.com/v1"
    models_path = "models"

    def __init__(self, endpoint: Endpoint, http: Http, locate: Callable[[], Awaitable[str]] | None = None) -> None:
        super().__init__(endpoint, http)
        self._locate = locate

    async def base_url(self) -> str:
        """Where the server is by now."""
        return await self._locate() if self._locate else await super().base_url()

    def question(self, call: Call, base_url: str) -> Question:
        """`POST chat/completions`."""
        body = chat_body(call.request, call.resolution.model, self.endpoint.options, base_url)
        return Question(url_under(base_url, "chat/completions"), body)

    def reader(self, call: Call) -> AnswerReader:  # noqa: ARG002
        """The same for every call."""
        return ChatReader()

    def key_header(self, key: str) -> tuple[str, str]:
        """As OAuth has it."""
        return "authorization", f"Bearer {key}"

    def model_names(self, listed: Any) -> Iterator[str]:
        """By their ids."""
        return (str(model["id"]) for model in listed["data"])
