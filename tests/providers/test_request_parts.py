"""What several wires change in a request: an answer that was begun, and a limit beyond what a model gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmesc.escalation.messages import Message, Request, Text, ToolCall, ask_for
from llmesc.escalation.resolution import CircuitKey, Offering, Resolution, Tier
from llmesc.providers.anthropic_request import messages_body
from llmesc.providers.gemini_request import gemini_body
from llmesc.providers.ollama_request import ollama_body
from llmesc.providers.openai_request import chat_body
from llmesc.providers.request_parts import GO_ON, is_begun, with_a_last_word, within_limits
from llmesc.providers.responses_request import responses_body

ASK = ask_for("What is Raft?")
BEGUN = Message(role="assistant", parts=(Text(text="Raft is a "),))


@pytest.mark.parametrize(
    ("messages", "begun"),
    [
        ((), False),
        (ASK.messages, False),
        ((*ASK.messages, BEGUN), True),
        ((*ASK.messages, BEGUN, *ASK.messages), False),
        ((*ASK.messages, Message(role="assistant", parts=(Text(text=" \n"),))), False),
        ((*ASK.messages, replace(BEGUN, parts=(*BEGUN.parts, ToolCall(call_id="c", name="now", arguments="{}")))), False),
    ],
)
def test_an_answer_is_begun_where_the_model_has_the_last_word_and_waits_for_nothing(
    messages: tuple[Message, ...], begun: bool
) -> None:
    assert is_begun(messages) == begun
    assert (with_a_last_word(messages) != messages) == begun


def test_every_wire_but_the_one_that_goes_on_by_itself_gives_the_user_the_last_word() -> None:
    request = Request(messages=(*ASK.messages, BEGUN))
    there = Resolution(tier=Tier.CLOUD, provider="p", model="m", offering=Offering(offering_id="o"))

    assert chat_body(request, "m", {}, "")["messages"][1:] == [
        {"role": "assistant", "content": "Raft is a "},
        {"role": "user", "content": GO_ON},
    ]
    assert messages_body(request, there, {})["messages"][-1] == {"role": "user", "content": [{"type": "text", "text": GO_ON}]}
    assert gemini_body(request, "m", "p", {})["contents"][-1] == {"role": "user", "parts": [{"text": GO_ON}]}
    assert responses_body(request, "m", CircuitKey("p"), {})["input"][-1] == {"role": "user", "content": GO_ON}
    assert ollama_body(request, "m", "p", {}, None)["messages"][-1] == {"role": "assistant", "content": "Raft is a "}


@pytest.mark.parametrize(
    ("wanted", "given", "window", "limit"),
    [
        (None, 100, 100, None),
        (50, None, None, 50),
        (50, 100, 1000, 50),
        (500, 100, None, 100),
        (5000, None, 1000, 987),
        (5000, 2000, 1000, 987),
        (5000, None, 100, 87),
        (5000, None, 10, 1),
    ],
)
def test_no_longer_an_answer_is_asked_for_than_the_model_is_known_to_give(
    wanted: int | None, given: int | None, window: int | None, limit: int | None
) -> None:
    request = replace(ASK, max_output_tokens=wanted)

    assert within_limits(request, Offering(offering_id="o", max_output_tokens=given, context_window=window)) == replace(
        request, max_output_tokens=limit
    )
