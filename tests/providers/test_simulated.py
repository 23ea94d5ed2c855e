"""Scripted answers and failures without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind as K
from llmesc.escalation.messages import Message, ToolCall, ask_for
from llmesc.escalation.pieces import Call, Finish, Opened, Piece, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.providers.base import Endpoint
from llmesc.providers.simulated import STEP_KEYS, SimulatedProvider, Step
from tests.escalation.world import VirtualLoop, run_virtually

pytestmark = pytest.mark.anyio


def simulated(script: Any = None, **models: Any) -> SimulatedProvider:
    return SimulatedProvider(
        Endpoint(
            provider="demo",
            instance="default",
            api="simulated",
            options={} if script is None else {"script": script},
            model_options={name: {"script": own} for name, own in models.items()},
        )
    )


def told(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


async def test_without_a_script_it_says_that_it_is_simulated(a_call: Callable[..., Call], outcome: Any) -> None:
    pieces, failure = await outcome(simulated(), a_call("m"))

    assert failure is None
    assert "simulated" in told(pieces)
    assert [type(piece) for piece in pieces if not isinstance(piece, TextPiece)] == [Opened, UsagePiece, Finish]
    assert all(piece.usage.estimated for piece in pieces if isinstance(piece, UsagePiece))


async def test_steps_are_played_in_order_and_then_again(a_call: Callable[..., Call], outcome: Any) -> None:
    provider = simulated([{"text": "one"}, {"fail": "503"}, {"text": "three"}])
    seen = []
    for _ in range(4):
        pieces, failure = await outcome(provider, a_call("m"))
        seen.append(failure.kind if failure else told(pieces))

    assert seen == ["one", K.OVERLOADED, "three", "one"]


async def test_a_model_has_its_own_script_and_its_own_turn(a_call: Callable[..., Call], outcome: Any) -> None:
    provider = simulated([{"text": "a"}, {"text": "b"}], big={"text": "c"})
    seen = [told((await outcome(provider, a_call(model)))[0]) for model in ("m", "big", "other", "m", "big")]

    assert seen == ["a", "c", "a", "b", "c"]


@pytest.mark.parametrize(
    ("fail", "kind"),
    [
        ("auth", K.AUTH),
        ("no_credit", K.ACCOUNT),
        ("permission", K.PERMISSION),
        ("rate_limit", K.RATE_LIMIT),
        ("overflow", K.CONTEXT_OVERFLOW),
        ("no_model", K.MODEL_UNAVAILABLE),
        ("bad_request", K.PAYLOAD),
        ("policy", K.CONTENT_POLICY),
        ("overloaded", K.OVERLOADED),
        ("server_error", K.SERVER_ERROR),
        ("502", K.SERVER_ERROR),
        ("refused", K.CONNECTION),
        ("dns", K.CONNECTION),
        ("tls", K.CONNECTION),
        ("reset", K.CONNECTION),
        ("closed", K.CONNECTION),
        ("timeout", K.TIMEOUT),
        ("cut", K.PROTOCOL),
        ("no_end", K.PROTOCOL),
        ("html", K.PROTOCOL),
        ("bad_json", K.PROTOCOL),
        ("empty_body", K.PROTOCOL),
    ],
)
async def test_a_failure_is_classified_like_a_real_one(a_call: Callable[..., Call], outcome: Any, fail: str, kind: K) -> None:
    pieces, failure = await outcome(simulated({"fail": fail}), a_call("m"))

    assert (pieces, failure.kind) == ([], kind)
    assert "simulated" in failure.message


async def test_a_failure_comes_behind_the_text_of_its_step(a_call: Callable[..., Call], outcome: Any) -> None:
    pieces, failure = await outcome(simulated({"text": "half an", "fail": "cut"}), a_call("m"))

    assert (told(pieces), failure.kind) == ("half an", K.PROTOCOL)


async def test_a_rate_limit_says_when(a_call: Callable[..., Call], outcome: Any) -> None:
    _, failure = await outcome(simulated({"fail": "rate_limit", "retry_after": 2}), a_call("m"))

    assert failure.retry_after_seconds == 2


async def test_text_comes_in_pieces_of_the_size_that_was_asked_for(a_call: Callable[..., Call], outcome: Any) -> None:
    pieces, _ = await outcome(simulated({"text": "abcdefg", "chunk": 3, "thinking": "hm", "finish": "length"}), a_call("m"))

    assert pieces[1:5] == [ThinkingPiece("hm"), TextPiece("abc"), TextPiece("def"), TextPiece("g")]
    assert isinstance(pieces[-1], Finish)
    assert pieces[-1].reason == "length"


async def test_what_it_waits_for_can_be_cancelled(a_call: Callable[..., Call], outcome: Any) -> None:
    for step in ({"fail": "hang"}, {"delay_seconds": 3600}, {"text": "a b", "tokens_per_second": 0.001}):
        waiting = asyncio.create_task(outcome(simulated(step), a_call("m")))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"txt": "a"}, "found 'txt'; allowed: text, thinking"),
        ([{"text": "a"}, {"fail": "nonsense"}], "step 2 of the script: found fail = 'nonsense'; allowed: auth,"),
        ({"text": 3}, "found text = 3; allowed: a text"),
        ({"delay_seconds": -1}, "found delay_seconds = -1; allowed: seconds from 0"),
        ({"until_seconds": "noon"}, "found until_seconds = 'noon'; allowed: seconds from 0"),
        ({"chunk": 1.5}, "found chunk = 1.5; allowed: a whole number from 0"),
        ({"finish": "done"}, "found finish = 'done'; allowed: stop, length"),
        ({"tool_calls": "f"}, "found tool_calls = 'f'; allowed: a list like [{ name = \"…\", arguments = { … } }]"),
        ({"tool_calls": [{"arguments": {}}]}, "found a tool call {'arguments': {}}; allowed: { name = "),
        (["503"], "found '503'; allowed: a table"),
    ],
)
async def test_a_script_that_cannot_be_played_says_what_is_allowed(
    a_call: Callable[..., Call], outcome: Any, script: Any, said: str
) -> None:
    provider = simulated(script)
    _, failure = await outcome(provider, a_call("m"))
    probed = await provider.probe()

    assert failure.kind is K.PAYLOAD
    assert said in failure.message
    assert probed.failure == failure


async def test_steps_about_something_are_for_the_prompts_that_have_the_words(a_call: Callable[..., Call], outcome: Any) -> None:
    provider = simulated([{"about": "raft", "text": "a log"}, {"about": "raft", "text": "a vote"}, {"text": "whatever"}])

    def asked(prompt: str) -> Call:
        call = a_call("m")
        return replace(call, request=ask_for(prompt))

    prompts = ("Explain Raft", "What is Rome?", "more about raft", "Raft again")
    seen = [told((await outcome(provider, asked(prompt)))[0]) for prompt in prompts]

    assert seen == ["a log", "whatever", "a vote", "a log"]


def test_steps_with_a_time_are_played_in_that_time_after_the_first_use(a_call: Callable[..., Call], outcome: Any) -> None:
    async def main(loop: VirtualLoop) -> list[Any]:
        provider = simulated([{"from_seconds": 10, "until_seconds": 20, "fail": "503"}, {"text": "well"}])
        await provider.probe()
        seen = []
        for _ in range(5):
            pieces, failure = await outcome(provider, a_call("m"))
            seen.append(failure.kind if failure else told(pieces))
            await asyncio.sleep(5)
        return seen

    assert run_virtually(main) == ["well", "well", K.OVERLOADED, K.OVERLOADED, "well"]


async def test_a_call_that_no_step_is_for_gets_an_answer_that_says_it_is_simulated(
    a_call: Callable[..., Call], outcome: Any
) -> None:
    pieces, failure = await outcome(simulated([{"about": "nothing that is asked", "fail": "503"}]), a_call("m"))

    assert failure is None
    assert "simulated" in told(pieces)


async def test_a_probe_lists_the_scripted_models() -> None:
    found = await simulated(small={"text": "a"}, big={"text": "b"}).probe()

    assert (found.reachable, found.models, found.failure) == (True, ("small", "big"), None)


def test_every_field_of_a_step_can_be_written() -> None:
    assert [field.name for field in fields(Step)] == list(STEP_KEYS)


async def test_tool_calls_have_ids_of_their_own_in_a_conversation(a_call: Callable[..., Call], outcome: Any) -> None:
    provider = simulated({"tool_calls": [{"name": "look_up", "arguments": {"n": 1}}, {"name": "add", "arguments": "{cut"}]})
    call = a_call("m")
    before = Message(role="assistant", parts=(ToolCall(call_id="call_0", name="look_up", arguments="{}"),))
    grown = replace(call, request=replace(call.request, messages=(*call.request.messages, before)))

    pieces, failure = await outcome(provider, grown)

    assert failure is None
    assert [piece for piece in pieces if isinstance(piece, ToolCallPiece | TextPiece | Finish)] == [
        ToolCallPiece("call_1", "look_up", '{"n": 1}'),
        ToolCallPiece("call_2", "add", "{cut"),
        Finish("tool_calls", model="m"),
    ]
