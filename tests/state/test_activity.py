"""What many calls together say: the same from every store, since a moment and until another."""

from __future__ import annotations

import math
from typing import Any

import pytest

from llmesc.escalation.events import AttemptOutcome
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import Call, Calls, Spread, Window, activity_of
from llmesc.state.store import Store

pytestmark = pytest.mark.anyio

BEGAN = Timestamp(1_700_000_000.0)
HOUR = Window(BEGAN, 120.0, 30)


async def ended(store: Store, kit: Any, at: float, outcome: AttemptOutcome, ref: str = "lab/qwen", seconds: float = 1.5) -> None:
    kit.clock.seconds = BEGAN + at
    story = kit.story(f"{ref} {at} {outcome}").start().attempt(ref)
    await store.append(story.end_attempt(ref, 1, outcome, seconds).events)


class TestActivity:
    async def test_nobody_called_nothing_said(self, store: Store) -> None:
        assert list(await store.activity(HOUR)) == []

    async def test_outcomes_are_counted_apart_in_the_bucket_in_which_the_call_began(self, store: Store, kit: Any) -> None:
        await ended(store, kit, 0.0, AttemptOutcome.SUCCESS)
        await ended(store, kit, 119.9, AttemptOutcome.QUALITY_FAILURE)
        await ended(store, kit, 120.0, AttemptOutcome.RATE_LIMITED)
        await ended(store, kit, 121.0, AttemptOutcome.AUTH_ERROR)
        await ended(store, kit, 122.0, AttemptOutcome.CANCELLED)
        await ended(store, kit, 3_599.9, AttemptOutcome.ERROR)

        (lab,) = await store.activity(HOUR)

        spread, first = Spread(1.5, 1.5), Spread(0.5, 0.5)
        assert lab.key == CircuitKey("lab")
        assert lab.whole == Calls(succeeded=1, below_bar=1, failed=3, cancelled=1, seconds=spread, first_token_seconds=first)
        assert lab.buckets[0] == Calls(succeeded=1, below_bar=1, seconds=spread, first_token_seconds=first)
        assert lab.buckets[1] == Calls(failed=2, cancelled=1)
        assert lab.buckets[29] == Calls(failed=1)
        assert lab.buckets[2:29] == (Calls(),) * 27

    async def test_what_began_before_or_after_is_left_out_and_what_still_runs(self, store: Store, kit: Any) -> None:
        await ended(store, kit, -0.1, AttemptOutcome.SUCCESS)
        await ended(store, kit, 3_600.0, AttemptOutcome.SUCCESS)
        kit.clock.seconds = BEGAN + 10
        await store.append(kit.story("running").start().attempt().events)

        assert list(await store.activity(HOUR)) == []

    async def test_a_call_that_began_long_after_its_run_is_in_it(self, store: Store, kit: Any) -> None:
        kit.clock.seconds = BEGAN - 86_400
        story = kit.story().start()
        kit.clock.seconds = BEGAN + 10
        await store.append(story.attempt().end_attempt().events)

        (lab,) = await store.activity(HOUR)
        assert lab.whole.all == 1

    async def test_instances_stand_apart_and_models_of_one_together(self, store: Store, kit: Any) -> None:
        for ref in ("openai@team-b/gpt-5", "openai@team-a/gpt-5", "openai@team-a/meta/llama:8b", "lab/qwen"):
            await ended(store, kit, 5.0, AttemptOutcome.SUCCESS, ref)

        found = await store.activity(HOUR)

        assert [(str(one.key), one.whole.all) for one in found] == [("lab", 1), ("openai@team-a", 2), ("openai@team-b", 1)]

    async def test_durations_are_those_of_answers(self, store: Store, kit: Any) -> None:
        for second in range(1, 21):
            await ended(store, kit, float(second), AttemptOutcome.SUCCESS, seconds=float(second))
        await ended(store, kit, 30.0, AttemptOutcome.ERROR, seconds=900.0)

        (lab,) = await store.activity(HOUR)

        assert lab.whole.seconds == lab.buckets[0].seconds == Spread(p50=10.0, p95=19.0)


@pytest.mark.parametrize(
    ("calls", "share"),
    [
        (Calls(), None),
        (Calls(cancelled=3), None),
        (Calls(failed=2), 0.0),
        (Calls(succeeded=3, below_bar=1, cancelled=9), 0.75),
    ],
)
def test_the_share_that_succeeded_leaves_out_what_was_cancelled(calls: Calls, share: float | None) -> None:
    assert calls.share == share


def test_the_last_moment_is_in_the_last_bucket_however_it_is_rounded() -> None:
    window = Window(Timestamp(0.0), 0.1, 17)
    last = Timestamp(math.nextafter(window.until, 0.0))
    assert last / window.bucket_seconds >= 17, "it would be a bucket that there is not"

    (lab,) = activity_of([Call("lab/qwen", last, "error", 1.0, None)], window)

    assert [bucket.failed for bucket in lab.buckets] == [0] * 16 + [1]
