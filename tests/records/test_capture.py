"""The events that a run leaves behind in each mode: as many, in the same order, and without what is not to be kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.codec import decode_event, encode_event
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptStarted,
    CircuitChanged,
    Event,
    RunFinished,
    RunStarted,
    TextDelta,
    ThinkingDelta,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.messages import ResponsesBody
from llmesc.escalation.pieces import Finish, TextPiece, ThinkingPiece
from llmesc.escalation.times import Timestamp
from llmesc.records.capture import Capture, opened
from llmesc.records.digest import Digests
from llmesc.records.redactor import redacted
from llmesc.records.sealing import Vault
from tests.escalation.world import answer, asking, candidate, failing, world

KEY = bytes(range(32))
TEXTS = [
    "It is sk-proj-abcdefghijklmnop1234 they say, so there.",
    "Write to jane.doe@example.com, or call +49 170 1234567 today.",
    "Card 4111 1111 1111 1111, account DE89 3704 0044 0532 0130 00 and nothing else.",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq3\n-----END RSA PRIVATE KEY-----\nThat was it.",
    "Nothing to see here, only prose. これはテスト。",
    "password: hunter22",
]


class Recorded:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def consume(self, event: Event) -> None:
        self.events.append(event)


def captured(
    events: Sequence[Event], mode: CaptureMode, modes: dict[str, CaptureMode] | None = None, key: bytes = KEY
) -> list[Event]:
    recorded = Recorded()
    capture = Capture(recorded, mode, modes or {}, lambda: Digests(b"k" * 32), lambda: Vault(key))

    async def main() -> None:
        for event in events:
            await capture.consume(event)

    asyncio.run(main())
    return recorded.events


def cut(text: str, cuts: Sequence[int]) -> list[str]:
    places = sorted({place % (len(text) + 1) for place in cuts} | {0, len(text)})
    return [piece for start, end in pairwise(places) if (piece := text[start:end])]


def told(events: Sequence[Event], kind: type[TextDelta | ThinkingDelta] = TextDelta) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.lists(st.integers(0, 200), max_size=12))
def test_a_secret_cut_over_any_pieces_is_not_kept_and_no_event_is_lost(text: str, thought: str, cuts: list[int]) -> None:
    spoken = [TextPiece(piece) for piece in cut(text, cuts)]
    thoughts = [ThinkingPiece(piece) for piece in cut(thought, cuts)]
    mixed = [piece for pair in zip(thoughts, spoken, strict=False) for piece in pair]
    rest = [*thoughts[len(spoken) :], *spoken[len(thoughts) :]]
    events = world((candidate("a/m"), [[*mixed, *rest, Finish("stop")]])).play()

    kept = captured(events, "redacted")

    assert [(event.seq, event.type) for event in kept] == [(event.seq, event.type) for event in events]
    assert (told(kept), told(kept, ThinkingDelta)) == (redacted(text), redacted(thought))
    assert isinstance(kept[-1], RunFinished)
    assert kept[-1].answer is not None
    assert kept[-1].answer.text == redacted(text)


@given(st.sampled_from(TEXTS[:4]), st.lists(st.integers(0, 200), max_size=8), st.integers(0, 8))
def test_an_event_that_must_be_on_record_at_once_does_not_wait_and_leaks_nothing(text: str, cuts: list[int], at: int) -> None:
    events = world((candidate("a/m"), [[*map(TextPiece, cut(text, cuts)), Finish("stop")]])).play()
    first = next(index for index, event in enumerate(events) if isinstance(event, TextDelta))
    last = max(index for index, event in enumerate(events) if isinstance(event, TextDelta))
    start = next(event for event in events if isinstance(event, AttemptStarted))
    # A second attempt that begins while the first one speaks, as a hedge does.
    hedge = replace(start, attempt=2, attempt_id="r1.2")
    inside = min(first + at, last)
    events = [replace(event, seq=seq) for seq, event in enumerate([*events[:inside], hedge, *events[inside:]])]

    until_then = captured(events[: inside + 1], "redacted")
    kept = captured(events, "redacted")

    assert [event.seq for event in until_then] == list(range(inside + 1))
    assert [event.seq for event in kept] == list(range(len(events)))
    for secret in ("sk-proj-abcdefghijklmnop1234", "jane.doe@", "1234567", "1111 1111 1111 1111", "0532 0130", "MIIEow"):
        assert secret not in told(kept)


def test_text_that_is_plain_is_on_record_with_its_piece() -> None:
    events = world(
        (candidate("a/m"), [[*map(TextPiece, ["Otters sleep ", "on their backs, ", "holding "]), Finish("stop")]])
    ).play()
    third = [index for index, event in enumerate(events) if isinstance(event, TextDelta)][2]

    assert told(captured(events[: third + 1], "redacted")) == "Otters sleep on their backs,"


@pytest.fixture
def eventful() -> list[Event]:
    """A failure, a round of tools, an answer; and the failure opened a circuit."""
    from tests.escalation.world import Bench

    events = world(
        (candidate("a/m"), [failing(FailureKind.AUTH, status=401, body="{}")]),
        (candidate("b/m"), [asking("look_up", "add"), answer()]),
        toolbox=Bench().toolbox(),
    ).play()
    assert any(isinstance(event, CircuitChanged) for event in events)
    return events


def test_full_is_all_of_it(eventful: list[Event]) -> None:
    assert captured(eventful, "full") == eventful


def test_what_is_encrypted_is_the_same_again_with_the_key_and_stays_closed_with_another(eventful: list[Event]) -> None:
    kept = captured(eventful, "encrypted")

    again = [decode_event(json.loads(json.dumps(encode_event(event)))) for event in kept]
    assert again == kept
    assert [opened(event, Vault(KEY)) for event in kept] == eventful
    assert [opened(event, Vault(bytes(32))) for event in kept] == kept


def test_a_seal_is_good_at_its_own_place_only() -> None:
    vault = Vault(KEY)
    seal = vault.seal(b"text", "r1:0:run_started")

    assert vault.open(seal, "r1:0:run_started") == b"text"
    assert vault.open(seal, "r1:1:run_started") is None
    assert vault.open(seal[:-6] + "AAAA==", "r1:0:run_started") is None
    assert vault.open("v2" + seal[2:], "r1:0:run_started") is None
    assert seal != vault.seal(b"text", "r1:0:run_started"), "the same text has another seal each time"


def test_of_each_mode_a_view_can_be_made_that_counts_the_same(eventful: list[Event]) -> None:
    def counted(events: Sequence[Event]) -> Any:
        view = RunView()
        for event in events:
            view = fold(view, event)
        return view.outcome, view.totals, [(attempt.outcome, attempt.characters) for attempt in view.attempts]

    for mode in ("metadata", "encrypted"):
        assert counted(captured(eventful, mode)) == counted(eventful)


def test_what_several_wrote_is_kept_as_the_strictest_of_them_says() -> None:
    events = world((candidate("a/m"), [answer()]), (candidate("b/m"), [answer()])).play()

    kept = captured(events, "full", {"a": "redacted", "b": "metadata"})

    assert isinstance(kept[0], RunStarted)
    assert kept[0].capture == "metadata", "the second might have been called"
    assert [event.capture for event in kept if isinstance(event, AttemptStarted)] == ["redacted"]
    assert isinstance(kept[-1], RunFinished)
    assert isinstance(events[-1], RunFinished)
    assert kept[-1].answer == events[-1].answer, "no secret was in it"


def test_the_strictest_keeps_the_least() -> None:
    assert strictest(()) == "full"
    assert strictest(("redacted", "full")) == "redacted"
    assert strictest(("metadata", "encrypted", "redacted")) == "metadata"


def test_events_of_older_versions_were_kept_in_full(eventful: list[Event]) -> None:
    for event in eventful:
        written = encode_event(event)
        for added in ("capture", "characters_not_kept", "sealed"):
            written.pop(added, None)

        assert decode_event(written) == event


def test_a_name_that_a_model_made_up_is_text_and_one_of_ours_is_not(eventful: list[Event]) -> None:
    assert isinstance(eventful[0], RunStarted)
    unknown = [
        replace(event, request=replace(event.request, tools=())) if isinstance(event, RunStarted) else event for event in eventful
    ]

    assert "look_up" in str(captured(eventful, "metadata")[3:])
    assert "look_up" not in str(captured(unknown, "metadata"))


@pytest.mark.parametrize("mode", ["redacted", "metadata", "encrypted"])
def test_a_whole_request_body_its_schema_and_its_files_are_texts_too(mode: CaptureMode, eventful: list[Event]) -> None:
    start = eventful[0]
    assert isinstance(start, RunStarted)
    secret, picture = "jane.doe@example.com", "data:image/png;base64,QUJDREVGR0g="
    body = {"input": [{"content": [{"text": f"I am {secret}"}, {"image_url": picture}]}], "n": 1, "store": True}
    request = replace(
        start.request,
        schema={"title": f"Of {secret}", "enum": [secret, 1, None]},
        responses_body=ResponsesBody(content=body, left_out=("store",)),
    )

    [kept] = captured([replace(start, request=request)], mode)

    written = json.dumps(encode_event(kept), ensure_ascii=False)
    assert secret not in written
    assert "QUJDREVGR0g" not in written
    assert isinstance(kept, RunStarted)
    assert kept.request.wants_json
    assert kept.request.responses_body is not None
    assert kept.request.responses_body.left_out == ("store",)


def test_the_digest_is_keyed_and_its_key_is_made_once(tmp_path: Path) -> None:
    one, two = Digests.of_machine(tmp_path / "a"), Digests.of_machine(tmp_path / "a")
    other = Digests.of_machine(tmp_path / "b")

    assert one.of("yes") == two.of("yes") != other.of("yes")
    assert len(one.of("yes")) == 16
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["digest.key"]


def test_where_no_key_can_be_kept_digests_are_still_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert Digests.of_machine(blocked / "state").of("yes") != Digests.of_machine(blocked / "state").of("yes")


def test_time_is_not_changed(eventful: list[Event]) -> None:
    def times(events: Sequence[Event]) -> list[tuple[Timestamp, float]]:
        return [(event.at, event.elapsed_ms) for event in events]

    assert times(captured(eventful, "metadata")) == times(eventful)
    assert [event.cost for event in captured(eventful, "metadata") if isinstance(event, AttemptFinished)]
