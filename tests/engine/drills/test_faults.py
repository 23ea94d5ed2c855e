"""How people write faults and where they strike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.engine.drills import FAULTS, Fault, Injection, injection, parse_fault
from llmesc.engine.drills.faults import split_options
from llmesc.escalation.resolution import Offering, Resolution, Tier


@pytest.mark.parametrize(
    ("text", "target", "fault"),
    [
        ("openai=503", "openai", Fault("503")),
        ("openai@team-a=no-credit", "openai@team-a", Fault("no_credit")),
        ("lab/qwen3:8b=hang", "lab/qwen3:8b", Fault("hang")),
        ("lab/qwen3:8b=cut:after=12", "lab/qwen3:8b", Fault("cut", {"after": 12.0})),
        ("lab/qwen3:latest=503", "lab/qwen3:latest", Fault("503")),
        ("lab/qwen3:latest=cut:after=12", "lab/qwen3:latest", Fault("cut", {"after": 12.0})),
        ("*=rate-limit:retry-after=0.5", "*", Fault("rate_limit", {"retry_after": 0.5})),
    ],
)
def test_a_fault_at_a_candidate(text: str, target: str, fault: Fault) -> None:
    assert injection(text) == Injection(target=target, fault=fault)


@pytest.mark.parametrize(
    ("name", "text", "target", "options"),
    [
        ("hang", "lab", "lab", {}),
        ("hang", "lab/qwen3:8b", "lab/qwen3:8b", {}),
        ("cut", "claude@team-a:after=40", "claude@team-a", {"after": 40.0}),
        ("rate_limit", "lab/qwen3:8b:retry-after=5", "lab/qwen3:8b", {"retry_after": 5.0}),
    ],
)
def test_the_short_forms_name_the_target_alone(name: str, text: str, target: str, options: dict[str, float]) -> None:
    assert injection(text, name) == Injection(target=target, fault=Fault(name, options))


@pytest.mark.parametrize(
    ("text", "fault", "problem"),
    [
        ("openai", None, "write TARGET=FAULT"),
        ("=503", None, "write TARGET=FAULT"),
        ("openai=hagn", None, "no fault 'hagn'; nearest: hang; there are auth, "),
        ("openai=200", None, "no fault '200'"),
        ("openai=503:after=3", None, "the fault 503 has no option 'after'; allowed: none"),
        ("openai=cut:afer=3", None, "the fault cut has no option 'afer'; allowed: after"),
        (":after=3", "cut", "names no candidate"),
        ("openai:after=x", "cut", "found after=x; allowed: a number from 0, like after=5"),
        ("openai:retry-after=-1", "rate_limit", "found retry-after=-1; allowed: a number from 0"),
        ("openai=cut:after=", None, "found after=; allowed: a number from 0"),
        ("openai:rate=0", "drip", "found rate=0; allowed: a number above 0, or the fault hang"),
    ],
)
def test_a_mistake_says_what_is_allowed(text: str, fault: str | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        injection(text, fault)


@given(st.sampled_from(sorted(FAULTS)), st.data())
def test_a_fault_is_read_back_as_it_is_written(name: str, data: st.DataObject) -> None:
    options = {option: data.draw(st.integers(1, 1000).map(float)) for option in FAULTS[name].options}

    assert parse_fault(str(Fault(name, options))) == Fault(name, options)


@given(st.text())
def test_no_text_is_too_strange_to_be_split(text: str) -> None:
    try:
        rest, options = split_options(text)
    except ValueError:
        return

    assert text.startswith(rest)
    assert (rest == text) == (not options)


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ("openai", True),
        ("openai@a", True),
        ("openai/gpt", True),
        ("openai@a/gpt", True),
        ("open*", True),
        ("*/gpt", True),
        ("openai@b", False),
        ("openai/gpt-mini", False),
        ("open", False),
    ],
)
def test_whom_a_target_means(target: str, hit: bool) -> None:
    candidate = Resolution(
        tier=Tier.CLOUD, provider="openai", instance="a", model="gpt", offering=Offering(offering_id="openai@a/gpt")
    )

    assert Injection(target=target, fault=Fault("503")).hits(candidate) is hit
