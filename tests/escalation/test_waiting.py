"""To wait for a busy candidate, or to call another one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.resolution import Tier
from llmesc.escalation.times import Timestamp
from llmesc.escalation.waiting import JITTER, Busy, Choice, WaitOrEscalate, in_vain, rather_wait, with_jitter
from tests.escalation.world import candidate

NOW = Timestamp(1_000.0)


LONG = {"other_needs_seconds": 300.0}


def busy(tier: Tier, after: float, cost: str | None = "0.001", **more: Any) -> Busy:
    price = None if cost is None else Decimal(cost)
    return Busy(
        resolution=candidate(f"busy-{tier.label}-{after:g}/m", tier),
        at=Timestamp(NOW + after),
        needs_seconds=2.0,
        cost=price,
        **more,
    )


def chosen(
    policy: WaitOrEscalate, *choices: Busy, other: Tier = Tier.FRONTIER, cost: str | None = "0.02", **more: Any
) -> str | None:
    given_ = {"left_seconds": 60.0, "left_attempts": 3, "other_needs_seconds": 3.0, **more}
    price = None if cost is None else Decimal(cost)
    found = rather_wait(policy, choices, Choice(resolution=candidate("other/m", other), cost=price), now=NOW, **given_)
    return None if found is None else found.resolution.provider


LAB, CLOUD = busy(Tier.VLLM, 5), busy(Tier.CLOUD, 5)


@pytest.mark.parametrize(
    ("policy", "choices", "more", "who"),
    [
        pytest.param("escalate", [LAB], {}, None, id="escalate: never"),
        pytest.param("wait", [LAB], {}, "busy-vllm-5", id="wait: for a lower tier"),
        pytest.param("wait", [LAB], {"other": Tier.VLLM}, None, id="wait: not for the same tier"),
        pytest.param("wait", [CLOUD], {"other": Tier.VLLM}, None, id="wait: not for a higher tier"),
        pytest.param("wait", [busy(Tier.VLLM, 5, None)], {"cost": None}, "busy-vllm-5", id="wait: prices do not matter"),
        pytest.param("wait", [busy(Tier.VLLM, 9), LAB], {}, "busy-vllm-5", id="for the earliest"),
        pytest.param("wait", [busy(Tier.VLLM, 49)], {}, "busy-vllm-49", id="both first tokens must fit behind the wait"),
        pytest.param("wait", [busy(Tier.VLLM, 50)], {}, None, id="and all the jitter"),
        pytest.param("wait", [busy(Tier.VLLM, 27)], LONG, "busy-vllm-27", id="half of the time is enough"),
        pytest.param("wait", [busy(Tier.VLLM, 28)], LONG, None, id="and less is not, where it may need it"),
        pytest.param("wait", [LAB], {"left_attempts": 1}, None, id="an attempt for both must be left"),
        pytest.param("wait", [busy(Tier.VLLM, 5, probe=True)], {}, None, id="when a probe ends nobody knows"),
        pytest.param("cheaper", [LAB], {}, "busy-vllm-5", id="cheaper: the lower price"),
        pytest.param("cheaper", [LAB], {"cost": "0.0005"}, None, id="cheaper: not the higher price"),
        pytest.param("cheaper", [LAB], {"cost": "0.001"}, None, id="cheaper: not the same price"),
        pytest.param("cheaper", [LAB], {"cost": None}, None, id="cheaper: not where a price is unknown"),
        pytest.param("cheaper", [busy(Tier.VLLM, 5, None)], {}, None, id="cheaper: nor the other one"),
        pytest.param("cheaper", [CLOUD], {"other": Tier.CLOUD}, "busy-cloud-5", id="cheaper: whatever the tier"),
        pytest.param("wait", [], {}, None, id="nobody is busy"),
    ],
)
def test_whom_to_wait_for(policy: WaitOrEscalate, choices: list[Busy], more: dict[str, Any], who: str | None) -> None:
    assert chosen(policy, *choices, **more) == who


@given(st.floats(0, 1e6), st.floats(0, 1, exclude_max=True))
def test_jitter_only_ever_adds_and_only_a_little(seconds: float, random: float) -> None:
    assert seconds <= with_jitter(seconds, random) <= seconds * (1 + JITTER)


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1, exclude_max=True))
def test_a_wait_that_is_not_in_vain_ends_before_the_time_is_spent(seconds: float, left: float, random: float) -> None:
    if not in_vain(seconds, left):
        assert with_jitter(seconds, random) < left
