"""The wire `openai-responses`: the Responses API of OpenAI, which xAI, OpenRouter, vLLM and llama.cpp speak, too."""

from __future__ import annotations

from llmesc.escalation.pieces import Call
from llmesc.providers.answer_reader import AnswerReader
from llmesc.providers.http_wire import Question, url_under
from llmesc.providers.openai import OpenAiProvider
from llmesc.providers.responses_request import responses_body
from llmesc.providers.responses_stream import ResponsesReader


class ResponsesProvider(OpenAiProvider):
    """The Responses API at one endpoint: the address, key and models of Chat Completions, and another conversation."""

    def question(self, call: Call, base_url: str) -> Question:
        """`POST responses`."""
        body = responses_body(call.request, call.resolution.model, call.resolution.circuit_key, self.endpoint.options)
        return Question(url_under(base_url, "responses"), body)

    def reader(self, call: Call) -> AnswerReader:  # noqa: ARG002
        """The same for every call."""
        return ResponsesReader()
