"""What a wire cannot carry, and what it changes, is known before it is called, and is what it then really does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, ask_for
from llmesc.escalation.ports import Fit
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.providers import preflight as rules
from llmesc.providers.anthropic_request import messages_body
from llmesc.providers.preflight import preflight
from llmesc.providers.responses_body import request_of

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
        Message(role="user", parts=(Text(text="And?"),)),
    )
)
TOOLS = (ToolSpec(name="now", description="The time.", parameters={"type": "object"}),)


def at(provider: str = "p", **offering: Any) -> Resolution:
    return Resolution(tier=Tier.CLOUD, provider=provider, model="m", offering=Offering(offering_id="o", **offering))


ENFORCING = {"capabilities": frozenset({"schema"})}
IN_WORDS = "the schema is asked for in words, and checked afterwards"

BEGUN = Request(messages=(*PLAIN.messages, Message(role="assistant", parts=(Text(text="Raft is a "),))))
NO_SEED = "the seed is left out"
GO_ON = "in words, it is asked to go on with the answer that was begun"
TUNED = request_of({"input": "hi", "top_p": 0.5, "reasoning": {"effort": "low"}})
SERVED = request_of({"input": [{"id": "msg_1"}], "tools": [{"type": "web_search"}], "top_p": 0.5})
UNSERVED = "only the Responses API takes the tool web_search, item_reference"
LIMITED = replace(PLAIN, max_output_tokens=50_000)
GROWN = Request(messages=(*PLAIN.messages, Message(role="tool", parts=(ToolResult(call_id="c", content="x" * 40_000),))))
TOO_LONG = Fit(obstacle="about 10,012 tokens of prompt by now; a window of 8,000", reason="context_too_small")
ALL = ("openai", "openai-responses", "anthropic", "gemini", "ollama", "llamacpp")

CASES = [
    ("ollama", at(), BY_ADDRESS, Fit(obstacle="takes pictures as bytes only, and one has just an address")),
    ("ollama", at(), BY_BYTES, Fit()),
    ("openai", at(), BY_ADDRESS, Fit()),
    ("anthropic", at(), ODD_IDS, Fit(repairs=("tool calls get new ids",))),
    ("openai-responses", at(), ODD_IDS, Fit(repairs=("tool calls get new ids",))),
    ("openai", at(), ODD_IDS, Fit()),
    ("openai", at(), THOUGHT, Fit(repairs=("thinking of claude is left out",))),
    ("anthropic", at("claude"), THOUGHT, Fit()),
    ("anthropic", replace(at("claude"), instance="team-b"), THOUGHT, Fit()),
    ("openai-responses", at("claude"), THOUGHT, Fit()),
    ("openai-responses", replace(at("claude"), instance="team-b"), THOUGHT, Fit(repairs=("thinking of claude is left out",))),
    ("anthropic", at(), replace(PLAIN, schema=SCHEMA), Fit(repairs=(IN_WORDS,))),
    ("anthropic", at(**ENFORCING), replace(PLAIN, schema=SCHEMA), Fit()),
    ("gemini", at(), replace(PLAIN, schema=SCHEMA), Fit()),
    ("gemini", at(), replace(PLAIN, schema=SCHEMA, tools=TOOLS), Fit(repairs=(IN_WORDS,))),
    ("ollama", at(), replace(PLAIN, schema=SCHEMA), Fit()),
    ("ollama", at(), replace(PLAIN, schema=SCHEMA, tools=TOOLS), Fit(repairs=(IN_WORDS,))),
    ("anthropic", at(**ENFORCING), replace(PLAIN, expect="json"), Fit(repairs=(IN_WORDS.replace("the schema", "JSON"),))),
    ("openai", at(), replace(PLAIN, expect="json", temperature=1.5, seed=7), Fit()),
    ("anthropic", at(), replace(PLAIN, temperature=1.0), Fit()),
    ("anthropic", at(), replace(PLAIN, temperature=1.5, seed=7), Fit(repairs=(NO_SEED, "the temperature is lowered to 1"))),
    ("openai-responses", at(), replace(PLAIN, seed=0), Fit(repairs=(NO_SEED,))),
    ("llamacpp", at(), BY_BYTES, Fit(obstacle="the embedded engine reads text only")),
    *((api, at(), PLAIN, Fit()) for api in ALL),
    *((api, at(), BEGUN, Fit(repairs=() if api == "ollama" else (GO_ON,))) for api in ALL),
    *((api, at(), SERVED, Fit() if api == "openai-responses" else Fit(obstacle=UNSERVED)) for api in ALL),
    ("openai-responses", at(), TUNED, Fit()),
    ("openai", at(), TUNED, Fit(repairs=("of the request body, top_p, reasoning are left out",))),
    ("openai", at(), request_of({"input": "hi", "top_p": 0.5}), Fit(repairs=("of the request body, top_p is left out",))),
    ("openai", at(max_output_tokens=8_000), LIMITED, Fit(repairs=("the answer may have 8,000 tokens at most",))),
    ("openai", at(context_window=8_000), LIMITED, Fit(repairs=("the answer may have 7,990 tokens at most",))),
    ("openai", at(max_output_tokens=64_000, context_window=200_000), LIMITED, Fit()),
    *((api, at(context_window=8_000), GROWN, TOO_LONG) for api in ALL),
    # The estimate may be too high by as much.
    ("openai", at(context_window=8_100), GROWN, Fit()),
]


@pytest.mark.parametrize(("api", "resolution", "request_", "fit"), CASES)
def test_it_tells_what_does_not_fit(api: str, resolution: Resolution, request_: Request, fit: Fit) -> None:
    assert preflight(api, resolution, request_) == fit


def test_a_model_that_is_to_think_takes_no_temperature() -> None:
    warm = replace(PLAIN, temperature=0.5)

    assert preflight("anthropic", at(), warm, {"thinking": True}).repairs == ("the temperature is left out, for it is to think",)
    assert "temperature" not in messages_body(warm, at(), {"thinking": True})


@pytest.mark.parametrize("resolution", [at(), at(**ENFORCING)], ids=["in words", "enforced"])
def test_what_it_says_of_a_schema_is_what_the_wire_does(resolution: Resolution) -> None:
    asked = replace(PLAIN, schema=SCHEMA)

    body = messages_body(asked, resolution, {})

    assert ("output_config" in body) == (preflight("anthropic", resolution, asked) == Fit())


@pytest.mark.parametrize("api", ALL)
def test_what_is_taken_for_plain_is_nothing_to_any_rule(api: str) -> None:
    """The short way past the rules, for the many requests that none of them is about."""
    asked = [PLAIN, BEGUN, ODD_IDS, THOUGHT, BY_BYTES, LIMITED, replace(PLAIN, tools=TOOLS), *(case[2] for case in CASES)]
    plain = [request for request in asked if request.is_plain]

    assert len({request.messages for request in plain}) > 0
    for request in plain:
        for where in (at(), at(**ENFORCING), at(context_window=8_000, max_output_tokens=100)):
            assert (rules._obstacle(api, request), [*rules._repairs(api, where, request, {})]) == ("", [])
