"""Hours and fortnights that never happened, for the plots: the calls of five provider instances, and what fourteen days cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from llmesc.dashboard.plots.trends import DAYS, Day, Trends, last_hour
from llmesc.engine import ModelUsage
from llmesc.escalation.times import Timestamp
from llmesc.state.activity import Call, activity_of
from llmesc.story.days import midnights_before
from tests.dashboard import scenes

WINDOW = last_hour(scenes.NOW)


def calls(ref: str, *, often: float, seconds: float, fails: tuple[int, int] = (0, 0), outcome: str = "error") -> Iterator[Call]:
    """Some `often` in each bucket, up and down like a day in small; between the buckets `fails` most end with `outcome`."""
    for bucket in range(WINDOW.buckets - 1):
        for number in range(round(often * (1.2 + math.sin(bucket / 3) + 0.3 * math.cos(bucket * 2.3)))):
            at = Timestamp(WINDOW.since + WINDOW.bucket_seconds * bucket + number)
            if fails[0] <= bucket < fails[1] and number % 4:
                yield Call(ref, at, outcome, 0.2, None)
            else:
                took = seconds * (1 + 0.25 * math.sin(bucket / 4 + 1) + 0.8 * (number % 7 == 6))
                yield Call(ref, at, "success", took, took * 0.3)


def busy() -> Trends:
    """All went as it goes: one instance was away for a while, another wrote weak answers, a third was hardly needed."""
    told = [
        *calls("embedded/smollm2-135m", often=12, seconds=0.8, fails=(9, 14), outcome="quality_failure"),
        *calls("lab@gpu1/qwen3-32b", often=6, seconds=1.6, fails=(18, 25)),
        *calls("lab@gpu2/qwen3-32b", often=5, seconds=1.7),
        *calls("openai@team-a/gpt-5-mini", often=0.7, seconds=3.1, fails=(2, 8), outcome="cancelled"),
        *calls("claude@team-a/claude-sonnet-4-6", often=1.4, seconds=6.4),
    ]
    return Trends(now=scenes.NOW, window=WINDOW, providers=tuple(activity_of(told, WINDOW)), days=fortnight())


def fortnight() -> tuple[Day, ...]:
    """Some days were dear, on some nobody knows, at a weekend nobody asked, and at the beginning only own machines worked."""
    _, *midnights = midnights_before(scenes.NOW, DAYS)
    costs = ("0.42", "1.07", "", "", "2.31", "1.9", "?0.87", "0.0038", "?", "12.4", "0.6", "free", "free", "0.09")
    days = zip(midnights, costs, strict=True)
    return tuple(Day(since=since, models=tuple(used(cost, number))) for number, (since, cost) in enumerate(days))


def used(cost: str, number: int) -> Iterator[ModelUsage]:
    if not cost:
        return
    own, bill = 90 + 31 * number % 57, 40 + 17 * number % 23
    tokens = {"input_tokens": 412 * own, "output_tokens": 171 * own}
    yield ModelUsage(ref="embedded/smollm2-135m", tier="local", calls=own, cost=Decimal(0), cost_unknown=own, **tokens)
    if cost != "free":
        dollars, unknown = Decimal(cost.strip("?") or 0), (3 if cost != "?" else bill) if "?" in cost else 0
        tokens = {"input_tokens": 412 * bill, "output_tokens": 171 * bill}
        ref = "claude@team-a/claude-sonnet-4-6"
        yield ModelUsage(ref=ref, tier="frontier", calls=bill, cost=dollars, cost_unknown=unknown, **tokens)


def nothing() -> Trends:
    """Nobody ever asked."""
    _, *midnights = midnights_before(scenes.NOW, DAYS)
    return Trends(now=scenes.NOW, window=WINDOW, days=tuple(Day(since=since) for since in midnights))
