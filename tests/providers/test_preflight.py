"""What a wire cannot carry, and what it changes, is known before it is called, and is what it then really does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, ask_for
from llmesc.escalation.ports import Fit
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.providers.anthropic_request import messages_body
from llmesc.providers.preflight import preflight

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
PLAIN = ask_for("hi")
BY_ADDRESS = Request(messages=(Message(role="user", parts=(Text(text="what?"), Image(url="https://example.org/a.png"))),))
BY_BYTES = Request(messages=(Message(role="user", parts=(Text(text="what?"), Image(base64="aGk="))),))
ODD_IDS = Request(
    messages=(
        Message(role="user", parts=(Text(text="hi"),)),
        Message(role="assistant", parts=(ToolCall(call_id="functions.now:0", name="now", arguments="{}"),)),
        Message(role="tool", parts=(ToolResult(call_id="functions.now:0", content="noon"),)),
    )
)
THOUGHT = Request(
    messages=(
        Message(role="user", parts=(Text(text="hi"),)),
        Message(role="assistant", parts=(Thinking(text="hm", signature="s", provider="claude"), Text(text="Hello."))),
    )
)
TOOLS = (ToolSpec(name="now", description="The time.", parameters={"type": "object"}),)


def at(provider: str = "p", **offering: Any) -> Resolution:
    return Resolution(tier=Tier.CLOUD, provider=provider, model="m", offering=Offering(offering_id="o", **offering))


ENFORCING = {"capabilities": frozenset({"schema"})}
IN_WORDS = "the schema is asked for in words, and checked afterwards"

CASES = [
    ("ollama", at(), BY_ADDRESS, Fit(obstacle="takes pictures as bytes only, and one has just an address")),
    ("ollama", at(), BY_BYTES, Fit()),
    ("openai", at(), BY_ADDRESS, Fit()),
    ("anthropic", at(), ODD_IDS, Fit(repairs=("tool calls get new ids",))),
    ("openai-responses", at(), ODD_IDS, Fit(repairs=("tool calls get new ids",))),
    ("openai", at(), ODD_IDS, Fit()),
    ("openai", at(), THOUGHT, Fit(repairs=("thinking of claude is left out",))),
    ("anthropic", at("claude"), THOUGHT, Fit()),
    ("anthropic", at(), replace(PLAIN, schema=SCHEMA), Fit(repairs=(IN_WORDS,))),
    ("anthropic", at(**ENFORCING), replace(PLAIN, schema=SCHEMA), Fit()),
    ("gemini", at(), replace(PLAIN, schema=SCHEMA), Fit()),
    ("gemini", at(), replace(PLAIN, schema=SCHEMA, tools=TOOLS), Fit(repairs=(IN_WORDS,))),
    *((api, at(), PLAIN, Fit()) for api in ("openai", "openai-responses", "anthropic", "gemini", "ollama", "llamacpp")),
]


@pytest.mark.parametrize(("api", "resolution", "request_", "fit"), CASES)
def test_it_tells_what_does_not_fit(api: str, resolution: Resolution, request_: Request, fit: Fit) -> None:
    assert preflight(api, resolution, request_) == fit


@pytest.mark.parametrize("resolution", [at(), at(**ENFORCING)], ids=["in words", "enforced"])
def test_what_it_says_of_a_schema_is_what_the_wire_does(resolution: Resolution) -> None:
    asked = replace(PLAIN, schema=SCHEMA)

    body = messages_body(asked, resolution, {})

    assert ("output_config" in body) == (preflight("anthropic", resolution, asked) == Fit())
