"""Scenarios in files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from llmesc.engine.drills import Expected, Fault, Injection, Scenario, read_scenario
from llmesc.engine.options import AskOptions
from llmesc.escalation.errors import ConfigError

WHOLE = """
name = "the cloud is away"
chain = "cheap"
model = "lab/qwen"
max_attempts = 2
deadline = "9s"
max_cost = "0.05"
resume = "continue"
gate = "window"
hedge_after = "p95"
prompt = "hi"
stream = false
simulate = true
asks = 3
every = "2s"
timeouts = { first_token = "2s" }
[[faults]]
at = "openai"
fault = "rate-limit:retry-after=5"
from = "1s"
until = "5s"
times = 2
[[faults]]
at = "lab"
fault = "503"
[expect]
outcome = "exhausted"
answered_by = "claude"
within = "5s"
seen_as = "rate_limit"
calls = { openai = 1, "lab/qwen" = 0 }
circuits = { openai = "open" }
cost = "0.01"
"""


def test_everything_that_a_file_may_say_is_read(tmp_path: Path) -> None:
    path = tmp_path / "outage.toml"
    path.write_text(WHOLE)

    options = AskOptions(
        chain="cheap",
        model="lab/qwen",
        max_attempts=2,
        deadline_seconds=9.0,
        max_cost=Decimal("0.05"),
        resume="continue",
        gate="window",
        hedge_after="p95",
    )
    limited = Fault("rate_limit", {"retry_after": 5.0})
    assert read_scenario(path) == Scenario(
        name="the cloud is away",
        injections=(
            Injection(target="openai", fault=limited, from_seconds=1.0, until_seconds=5.0, times=2),
            Injection(target="lab", fault=Fault("503")),
        ),
        prompt="hi",
        stream=False,
        asks=3,
        every_seconds=2.0,
        simulate=True,
        timeouts={"first_token_seconds": 2.0, "first_token_is_set": True},
        options=options,
        expected=Expected(
            outcome="exhausted",
            answered_by="claude",
            within_seconds=5.0,
            seen_as="rate_limit",
            calls={"openai": 1, "lab/qwen": 0},
            circuits={"openai": "open"},
            cost=Decimal("0.01"),
        ),
    )


def test_an_empty_one_is_a_calm_day_named_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "calm.toml"
    path.touch()

    assert read_scenario(path) == Scenario(name="calm")


def test_every_mistake_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('ask = 2\n[[faults]]\nfault = "hagn"\n[expect]\noutcome = "good"\ncalls = { lab = -1 }\n')

    with pytest.raises(ConfigError) as raised:
        read_scenario(path)

    assert [problem.removeprefix(f"{path}:")[:60] for problem in raised.value.problems] == [
        "1: ask: no such key; nearest: asks; allowed: asks, chain, de",
        '2: faults[0].at: missing; allowed: a table like { at = "open',
        "3: faults[0].fault: no fault 'hagn'; nearest: hang; there ar",
        '5: expect.outcome: found "good"; allowed: one of answered, b',
        "6: expect.calls.lab: found -1; allowed: a whole number from ",
    ]


@pytest.mark.parametrize("text", [None, "name =", b"\xff"])
def test_what_is_no_toml_file_is_said_to_be_none(text: str | bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "no.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigError, match=r"no\.toml"):
        read_scenario(path)
