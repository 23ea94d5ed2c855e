"""Who goes on with an answer that was begun, and how each is asked to."""

from __future__ import annotations

from typing import Any

import pytest

from llmesc.escalation.continuation import handed_over
from llmesc.escalation.messages import ask_for
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.providers.anthropic_request import messages_body
from llmesc.providers.ollama_request import ollama_body
from llmesc.providers.openai_request import chat_body
from llmesc.providers.prefill import prefill
from llmesc.providers.preflight import preflight
from llmesc.providers.request_parts import GO_ON

BEGUN = handed_over(ask_for("What is Raft?"), "Raft is a con ")
LAST = {"role": "assistant", "content": "Raft is a con"}
URL = "http://127.0.0.1:1/v1"


def at(model: str) -> Resolution:
    return Resolution(
        tier=Tier.CLOUD, provider="p", instance="default", model=model, offering=Offering(offering_id="o", context_window=None)
    )


ANTHROPIC = {
    "claude-3-5-sonnet-20241022": "last_turn",
    "claude-3-haiku-20240307": "last_turn",
    "claude-2.1": "last_turn",
    "claude-sonnet-4-20250514": "last_turn",
    "claude-sonnet-4-0": "last_turn",
    "claude-opus-4-1-20250805": "last_turn",
    "claude-opus-4-5": "last_turn",
    "claude-sonnet-4-5-20250929": "last_turn",
    "claude-haiku-4-5@20251001": "last_turn",
    "claude-opus-4-6": "none",
    "claude-sonnet-4-6": "none",
    "claude-opus-4-6-20260205": "none",
    "claude-sonnet-5": "none",
    "claude-opus-4-10": "none",
    "something-else": "none",
}


@pytest.mark.parametrize("model", ANTHROPIC)
def test_of_anthropics_models_the_older_ones_go_on(model: str) -> None:
    assert prefill("anthropic", model, {}) == ANTHROPIC[model]
    assert prefill("anthropic", model, {"thinking": True}) == "none"


@pytest.mark.parametrize("api", ["openai", "openai-responses", "gemini", "llamacpp", "simulated"])
def test_of_others_nothing_is_assumed(api: str) -> None:
    assert prefill(api, "m", {}) == "none"


@pytest.mark.parametrize(
    ("said", "last", "more"),
    [
        ("continue_final_message", LAST, {"continue_final_message": True, "add_generation_prompt": False}),
        ("prefix", {**LAST, "prefix": True}, {}),
        ("last_turn", LAST, {}),
        ("none", {"role": "user", "content": GO_ON}, {}),
    ],
)
def test_chat_completions_asks_as_the_server_wants_it(said: str, last: dict[str, Any], more: dict[str, Any]) -> None:
    body = chat_body(BEGUN, "m", {"prefill": said}, URL)

    assert body["messages"][-1] == last
    assert {key: body[key] for key in body if key in ("continue_final_message", "add_generation_prompt")} == more
    told = preflight("openai", at("m"), BEGUN, {"prefill": said}).repairs
    assert bool(told) == (said == "none")


@pytest.mark.parametrize("said", ["continue_final_message", "prefix"])
def test_nothing_is_asked_for_where_no_answer_was_begun(said: str) -> None:
    request = ask_for("What is Raft?")

    assert chat_body(request, "m", {"prefill": said}, URL) == chat_body(request, "m", {}, URL)


def test_anthropic_gets_the_beginning_or_words() -> None:
    old, new = messages_body(BEGUN, at("claude-opus-4-5"), {}), messages_body(BEGUN, at("claude-opus-4-6"), {})

    assert old["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "Raft is a con"}]}
    assert new["messages"][-1] == {"role": "user", "content": [{"type": "text", "text": GO_ON}]}


def test_ollama_gets_the_beginning() -> None:
    assert ollama_body(BEGUN, "m", "p", {}, None)["messages"][-1] == LAST
