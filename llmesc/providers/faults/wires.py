"""Which wire a request to the fault server speaks."""

from __future__ import annotations

from collections.abc import Mapping

from llmesc.providers.faults.chat_wire import ChatWire
from llmesc.providers.faults.gemini_wire import GeminiWire
from llmesc.providers.faults.messages_wire import MessagesWire
from llmesc.providers.faults.ollama_wire import OllamaWire
from llmesc.providers.faults.responses_wire import ResponsesWire
from llmesc.providers.faults.wire import FaultWire

WIRES: Mapping[str, type[FaultWire]] = {
    "/v1/chat/completions": ChatWire,
    "/v1/responses": ResponsesWire,
    "/v1/messages": MessagesWire,
    ":generateContent": GeminiWire,
    ":streamGenerateContent": GeminiWire,
    "/api/chat": OllamaWire,
}
"""By how the path ends."""


def wire_at(path: str) -> type[FaultWire] | None:
    """The wire of that path, which has no query; None where there is none."""
    return next((wire for end, wire in WIRES.items() if path.endswith(end)), None)
