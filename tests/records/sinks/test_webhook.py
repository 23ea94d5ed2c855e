"""A signed webhook over a real endpoint on loopback."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.events import Event
from llmesc.escalation.secret import Secret
from llmesc.escalation.status import statuses
from llmesc.escalation.times import Timestamp
from llmesc.records.sinks.base import NotDelivered
from llmesc.records.sinks.webhook import WebhookSink
from tests.escalation.world import answer, candidate, world
from tests.hook_receiver import Hook, hooked

pytestmark = pytest.mark.anyio

SECRET = "correct horse battery staple"
NOW = 1_800_000_000.7


class Clock:
    def now(self) -> Timestamp:
        return Timestamp(NOW)

    def monotonic(self) -> float:
        return NOW


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


@pytest.fixture(scope="module")
def events() -> Sequence[Event]:
    return world((candidate("a/m"), [answer()])).play()


@dataclass
class Sending:
    """A sink that is ready, and what it is to be closed with."""

    sink: WebhookSink

    async def deliver(self, events: Sequence[Event]) -> None:
        try:
            await self.sink.prepare()
            await self.sink.deliver(events)
        finally:
            await self.sink.aclose()


def to(url: str, secret: str | None = SECRET, batch: int = 100, seconds: float = 30.0) -> Sending:
    async def credentials() -> tuple[Secret | None, Mapping[str, str]]:
        return (None if secret is None else Secret(secret)), {"X-Team": "ops"}

    return Sending(WebhookSink(url, batch=batch, timeout_seconds=seconds, credentials=credentials, clock=Clock()))


@pytest.fixture
def is_genuine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Mapping[str, str], bytes], bool]:
    """As the README has it."""
    text = (Path(__file__).parents[3] / "README.md").read_text()
    code = text.partition("<!-- verify -->\n```python\n")[2].partition("```\n<!-- /verify -->")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    monkeypatch.setattr(names["time"], "time", lambda: NOW)
    verify: Callable[[str, Mapping[str, str], bytes], bool] = names["is_from_llmesc"]
    return verify


async def test_events_come_as_arrays_with_ids_and_a_signature_that_holds(
    hook: Hook, events: Sequence[Event], is_genuine: Callable[[str, Mapping[str, str], bytes], bool]
) -> None:
    await to(hook.url, batch=4).deliver(events)

    assert [item["id"] for item in hook.taken] == [f"{event.run_id}.{event.seq}" for event in events]
    assert [item.get("status") for item in hook.taken] == list(statuses(events)), "also where a request holds a part of a run"
    assert all(len(json.loads(body)) <= 4 for _, body in hook.requests)
    for headers, body in hook.requests:
        assert is_genuine(SECRET, headers, body)
        assert not is_genuine("another secret", headers, body)
        assert not is_genuine(SECRET, headers, body.replace(b"a/m", b"b/m") + b" ")
        assert not is_genuine(SECRET, {**headers, "x-llmesc-timestamp": str(int(NOW) + 60)}, body)
        assert headers["content-type"] == "application/json"
        assert headers["x-team"] == "ops"
        assert headers["user-agent"].startswith("llmesc/")
    ids = [headers["x-llmesc-id"] for headers, _ in hook.requests]
    assert len(set(ids)) == len(ids)


async def test_the_same_events_have_the_same_id(hook: Hook, events: Sequence[Event]) -> None:
    await to(hook.url).deliver(events)
    await to(hook.url).deliver(events)

    one, two = hook.requests
    assert one[0]["x-llmesc-id"] == two[0]["x-llmesc-id"]
    assert one[1] == two[1]


async def test_without_a_secret_there_is_no_signature(hook: Hook, events: Sequence[Event]) -> None:
    await to(hook.url, secret=None).deliver(events)

    assert "x-llmesc-signature" not in hook.requests[0][0]


@pytest.mark.parametrize(
    ("status", "headers", "said", "words", "wait", "for_good"),
    [
        (500, {}, b"", "answered 500", None, False),
        (503, {"Retry-After": "120"}, b"", "answered 503", 120, False),
        (429, {"Retry-After": "7"}, b"slow\x1b[2J down", "answered 429: slow down", 7, False),
        (302, {"Location": "http://elsewhere.invalid/"}, b"", "302 to http://elsewhere.invalid/", None, False),
        (404, {}, b"no such hook", "answered 404: no such hook", None, False),
        (410, {}, b"moved away", "answered 410: moved away", None, True),
        (400, {}, b'{"token": "sk-proj-Zq8vN2mK4xR7tY1wB5cD"}', "answered 400", None, False),
    ],
)
async def test_whatever_is_no_success_is_tried_again_but_for_410(
    hook: Hook,
    events: Sequence[Event],
    status: int,
    headers: dict[str, str],
    said: bytes,
    words: str,
    wait: float | None,
    for_good: bool,
) -> None:
    hook.answers = [(status, headers, said)]

    with pytest.raises(NotDelivered) as refused:
        await to(hook.url).deliver(events)

    assert words in str(refused.value)
    assert "sk-proj" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert (refused.value.retry_after_seconds, refused.value.for_good) == (wait, for_good)
    assert hook.taken == []


async def test_what_is_too_large_is_sent_in_halves(hook: Hook, events: Sequence[Event]) -> None:
    hook.most_items = 2

    await to(hook.url).deliver(events)

    assert [item["seq"] for item in hook.taken] == [event.seq for event in events]


async def test_one_event_that_is_too_large_is_refused(hook: Hook, events: Sequence[Event]) -> None:
    hook.most_items = 0

    with pytest.raises(NotDelivered, match="answered 413"):
        await to(hook.url).deliver(events)


async def test_an_endpoint_that_does_not_answer_is_given_up_on(hook: Hook, events: Sequence[Event]) -> None:
    hook.hangs = True

    with pytest.raises(NotDelivered, match=r"/hook: no answer within 0\.2 s"):
        await to(hook.url, seconds=0.2).deliver(events)


async def test_one_that_is_not_there_is_told_without_its_token(events: Sequence[Event]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/hook?token=sesame"

        for work in (to(url).deliver(events), to(url).sink.check()):
            with pytest.raises(NotDelivered) as refused:
                await work

            assert "/hook: " in str(refused.value)
            assert "sesame" not in str(refused.value)


async def test_looking_whether_it_is_there_sends_no_events(hook: Hook, events: Any) -> None:
    sending = to(hook.url)

    assert await sending.sink.check() == f"{hook.url} answers (204)"
    assert hook.requests == []
    await sending.sink.aclose()
