"""`llmesc chain simulate`: what it says to people, what it names, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_and_big import CONFIG as SMALL_AND_BIG
from tests.cli.small_and_big import asked

Llmesc = Callable[..., Any]

CONFIG = (
    SMALL_AND_BIG
    + """
[providers.new]
api = "simulated"
tier = "cloud"
models = ["m"]
[chains]
default = ["own/m", "big/m"]
"""
)


@pytest.fixture
def policy(configure: Callable[[str], Path], llmesc: Llmesc, tmp_path: Path) -> Callable[[str], str]:
    configure(CONFIG)

    def write(text: str, name: str = "new.toml") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_a_terminal_gets_a_table_with_what_changed_and_how_far_to_believe_it(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    asked(llmesc)
    new = policy("[escalation]\nmax_attempts = 1\nhedge_after = '2s'\n")

    done = llmesc("chain", "simulate", "--policy", new, terminals="in out err", width=120)

    assert done.code == 0
    assert "what if new.toml: 2 requests since" in done.out
    assert "  escalation.max_attempts 3 → 1" in done.out
    assert "  not played: escalation.hedge_after; whom a hedge would have called" in done.out
    assert "requests answered 100.0 % 100.0 % 50.0 % −50.0 points" in " ".join(done.out.split())
    assert "answered before, not under the new policy: 1 request; llmesc history show " in done.out
    assert "played under the present configuration, 100.0 % of the requests end as recorded" in done.out


def test_whom_nobody_knows_is_named_and_makes_a_range(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    asked(llmesc)
    new = policy('[chains]\ndefault = ["new/m"]\n')

    shown = llmesc("chain", "simulate", "--policy", new, terminals="in out err", width=120)
    told = json.loads(llmesc("chain", "simulate", "--policy", new, "--json").out)

    assert "0.0 % to 100.0 %" in shown.out
    assert "new/m was never called in that time" in shown.out
    assert told["policy"]["answered_share"] == {"least": 0.0, "most": 1.0}
    assert told["difference"]["answered_share"] == {"least": -1.0, "most": 0.0}
    assert told["unknown_candidates"] == [{"ref": "new/m", "requests": 2}]


def test_only_the_requests_that_are_asked_for_are_played(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    asked(llmesc)
    new = policy("")

    def requests(*options: str) -> int:
        return int(json.loads(llmesc("chain", "simulate", "--policy", new, "--json", *options).out)["requests"])

    assert requests() == 2
    assert requests("--caller", "billing") == 1
    assert requests("--provider", "big") == 1
    assert requests("--chain", "default") == 2
    assert requests("--chain", "other") == 0


def test_another_policy_may_be_what_it_is_compared_with(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    asked(llmesc)
    one, other = policy("[escalation]\nmax_attempts = 1\n", "one.toml"), policy("", "other.toml")

    told = json.loads(llmesc("chain", "simulate", "--policy", other, "--against", one, "--json").out)

    assert [told[side]["answered"] for side in ("recorded", "present", "policy")] == [2, 1, 2]
    assert told["changed"][0]["change"] == "answered_now"
    assert told["changes"][0]["key"] == "escalation.max_attempts"
    assert told["fidelity"]["share"] == 1.0


def test_a_whole_configuration_forgets_the_present_one(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    asked(llmesc)
    new = policy(CONFIG.replace('["own/m", "big/m"]', '["big/m"]'))

    told = json.loads(llmesc("chain", "simulate", "--policy", new, "--whole", "--json").out)

    assert [change["key"] for change in told["changes"]] == ["chains.default"]
    assert [each["provider"] for each in told["policy"]["providers"]] == ["big"]


def test_without_requests_it_says_so(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    done = llmesc("chain", "simulate", "--policy", policy(""), terminals="in out err")

    assert (done.code, done.out) == (0, "")
    assert "next: llmesc history list" in done.err


def test_a_mistake_in_the_policy_is_named_with_its_line(llmesc: Llmesc, policy: Callable[..., str]) -> None:
    new = policy("[escalation]\nmax_attemps = 1\n")

    done = llmesc("chain", "simulate", "--policy", new)
    told = json.loads(llmesc("chain", "simulate", "--policy", new, "--json").out)

    assert done.code == 5
    assert "new.toml:2: escalation.max_attemps: no such key" in done.err
    assert f"next: put {new} right" in done.err
    assert "max_attemps" in told["error"]["message"]


@pytest.mark.parametrize("whole", [False, True])
def test_a_policy_that_is_not_there_is_said_to_be_missing_and_what_it_is_to_say(
    whole: bool, llmesc: Llmesc, policy: Callable[..., str], tmp_path: Path
) -> None:
    there, more = policy(""), ["--whole"] if whole else []

    for options in (["--policy", "nope.toml"], ["--policy", there, "--against", "nope.toml"]):
        done = llmesc("chain", "simulate", *options, *more)

        assert (done.code, done.out) == (2, "")
        assert f"error: {options[-2]} nope.toml: no such file; write into one " in done.err
        assert "next: llmesc config show" in done.err and "llmesc init" not in done.err
    assert "a folder, and no file" in llmesc("chain", "simulate", "--policy", str(tmp_path), *more).err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Missing option '--policy'"),
        (("--policy", "x.toml", "--since", "soon"), "--since: 'soon' is neither a duration"),
    ],
)
def test_what_is_no_use_is_told(llmesc: Llmesc, policy: Callable[..., str], options: tuple[str, ...], words: str) -> None:
    done = llmesc("chain", "simulate", *options)

    assert done.code == 2
    assert words in done.err
