"""What travels arrives as it was; whatever else arrives is refused as what it is, and never otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.failures import Failure, FailureKind, SkipScope
from llmesc.escalation.messages import (
    Image,
    Message,
    Request,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)
from llmesc.escalation.pieces import Activity, Finish, Opened, TextPiece, ThinkingPiece, ToolCallPiece, UsagePiece
from llmesc.fleet.messages import (
    LARGEST_ANSWER,
    LARGEST_ASK,
    Ask,
    BadMessage,
    Part,
    Serving,
    WorkerSays,
    read_ask,
    read_part,
    read_worker,
    write,
    write_part,
)

REQUEST = Request(
    messages=(
        Message(role="system", parts=(Text(text="Be brief."),)),
        Message(role="user", parts=(Text(text="Was ist das? 🙂"), Image(base64="aGk=", media_type="image/png"))),
        Message(
            role="assistant",
            parts=(Thinking(text="hm", signature="s", provider="p"), ToolCall(call_id="1", name="f", arguments="{}")),
        ),
        Message(role="tool", parts=(ToolResult(call_id="1", content="4", is_error=False),)),
    ),
    tools=(
        ToolSpec(name="f", description="d", parameters={"type": "object", "properties": {"a": {"type": ["null", "integer"]}}}),
    ),
    schema={"type": "object"},
    temperature=0.5,
    seed=7,
)
ASK = Ask(
    job="0a1b", lane="m@8k", attempt="r.1", until=1.5, request=REQUEST, caller={"user": "ann", "host": "h"}, capture="metadata"
)
PART = Part(
    job="0a1b",
    worker="w1",
    number=3,
    pieces=(
        Opened("r1", {"x": "y"}),
        TextPiece("é🙂"),
        ThinkingPiece("hm", "sig"),
        ToolCallPiece("1", "f", '{"a":1}'),
        Activity(),
        UsagePiece(Usage(input_tokens=1, output_tokens=2)),
        Finish("stop", model="m", mean_logprob=-0.5),
    ),
    failure=Failure(
        kind=FailureKind.RATE_LIMIT, rule="r", message="m", retry_after_seconds=7.0, scope=SkipScope.MODEL_ON_INSTANCE
    ),
    last=True,
)
WORKER = WorkerSays(
    name="w1",
    host="h",
    pid=1,
    version="1",
    started=1.0,
    serves=(Serving(lane="m@8k", reference="lab/m"),),
    concurrency=2,
    queue=8,
)


def test_what_is_written_is_read_as_it_was() -> None:
    assert read_ask(write(ASK)) == ASK
    assert read_part(write_part(PART)) == PART
    assert read_worker(write(WORKER)) == WORKER


READERS = {"ask": (read_ask, write(ASK)), "part": (read_part, write_part(PART)), "worker": (read_worker, write(WORKER))}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, each in inside for deeper in paths(each, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: changed(value[key], tuple(rest), new)}
    return [changed(each, tuple(rest), new) if index == key else each for index, each in enumerate(value)]


@pytest.mark.parametrize("kind", READERS)
@given(body=st.binary(max_size=200))
def test_bytes_of_any_kind_are_refused_as_no_message(kind: str, body: bytes) -> None:
    with pytest.raises(BadMessage):
        READERS[kind][0](body)


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_a_message_with_anything_in_any_place_is_read_whole_or_refused(kind: str, data: st.DataObject) -> None:
    read, good = READERS[kind]
    content = json.loads(good)
    path = data.draw(st.sampled_from(paths(content)))
    hostile = json.dumps(changed(content, path, data.draw(JSON))).encode()

    try:
        message = read(hostile)
    except BadMessage:
        return

    again = write_part(message) if isinstance(message, Part) else write(message)
    assert read(again) == message, "what is accepted can be written, and is of its types"


@pytest.mark.parametrize("kind", READERS)
def test_another_version_is_refused(kind: str) -> None:
    read, good = READERS[kind]
    with pytest.raises(BadMessage, match="another version"):
        read(good.replace(b'{"v":1,', b'{"v":2,'))


def test_what_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(BadMessage, match="larger than"):
        read_ask(b" " * (LARGEST_ASK + 1))
    with pytest.raises(BadMessage, match="larger than"):
        read_part(b" " * (LARGEST_ANSWER + 1))


@pytest.mark.parametrize("depth", [50, 5_000, 200_000])
def test_what_is_nested_too_deeply_is_refused(depth: int) -> None:
    body = write(ASK).replace(b'"schema":{"type":"object"}', b'"schema":{"a":' + b"[" * depth + b"]" * depth + b"}")
    assert body != write(ASK)
    with pytest.raises(BadMessage):
        read_ask(body)


def test_a_refusal_repeats_nothing_of_what_was_read() -> None:
    body = write(ASK).replace(b'"role":"user"', b'"role":"secret-canary"')
    with pytest.raises(BadMessage) as refused:
        read_ask(body)
    assert "canary" not in str(refused.value)
