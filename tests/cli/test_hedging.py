"""`llmesc ask --hedge-after`: what the two streams, the JSON and the history say of two calls at the same time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

SILENT = """
state = "sqlite://{home}/state.db"
[providers.slow]
api = "simulated"
tier = "vllm"
models = [{{ name = "m", script = [{{ text = "Too late.", delay_seconds = 60 }}] }}]
[providers.quick]
api = "simulated"
tier = "cloud"
models = [{{ name = "m", script = [{{ text = "Raft is a consensus algorithm.", delay_seconds = {quick} }}] }}]
[chains]
default = ["slow/m", "quick/m"]
"""


@pytest.fixture
def silent(configure: Configure, home: Path) -> None:
    configure(SILENT.format(home=home, quick=0))


@pytest.mark.usefixtures("silent")
def test_the_story_says_who_is_asked_too_where_the_prompt_goes_and_who_was_first(llmesc: Llmesc) -> None:
    done = llmesc("ask", "What is Raft?", "--hedge-after", "50ms", width=200)

    assert (done.code, done.out) == (0, "Raft is a consensus algorithm.\n")
    asked, switched, answered = done.err.splitlines()
    assert asked.startswith("⇉ slow/m (simulated) is silent for ")
    assert asked.endswith(
        ": quick/m (simulated) is asked, too; tier upgrade vllm → cloud: the prompt leaves your machines",
    )
    assert switched == (
        "→ switched slow/m (simulated) → quick/m (simulated): its answer came first; "
        "tier upgrade vllm → cloud: the prompt leaves your machines"
    )
    assert answered.startswith("✓ answered by quick/m (simulated)")


@pytest.mark.usefixtures("silent")
def test_details_tell_the_ledger_of_both(llmesc: Llmesc) -> None:
    told = llmesc("ask", "What is Raft?", "--hedge-after", "50ms", "-v").err

    assert " · who is silent for 50 ms is hedged\n" in told
    assert "▶ attempt 2: quick/m (simulated) (cloud, escalation)" in told
    assert " · attempt 2 was first · ~" in told


@pytest.mark.usefixtures("silent")
def test_json_and_history_tell_who_hedged_whom(llmesc: Llmesc) -> None:
    told = json.loads(llmesc("ask", "What is Raft?", "--hedge-after", "50ms", "--json").out)
    shown = llmesc("history", "show", told["run_id"], terminals="in out")

    assert [(each["outcome"], each["hedges"], each["lost_to"]) for each in told["attempts"]] == [
        ("cancelled", None, 2),
        ("success", 1, None),
    ]
    [switch] = told["switches"]
    assert (switch["because"], switch["characters_discarded"]) == ("hedge", 0)
    assert json.loads(llmesc("history", "show", told["run_id"], "--json").out)["attempts"] == told["attempts"]
    assert "  1 ⊘ slow/m" in shown.out
    assert "attempt 2 was first" in shown.out


@pytest.mark.usefixtures("silent")
def test_on_one_terminal_the_answer_stands_behind_the_story_of_the_race(llmesc: Llmesc) -> None:
    done = llmesc("ask", "?", "--hedge-after", "50ms", terminals="in out err", width=200)

    assert done.out == "Raft is a consensus algorithm.\n"
    assert "discarded" not in done.err


def test_a_hedge_that_is_too_late_is_told_where_it_begins_and_no_switch(configure: Configure, llmesc: Llmesc, home: Path) -> None:
    text = SILENT.format(home=home, quick=60).replace('"Too late.", delay_seconds = 60', '"In time.", delay_seconds = 1')
    configure(text)

    done = llmesc("ask", "?", "--hedge-after", "50ms", "--json")

    told = json.loads(done.out)
    assert (told["answer"]["text"], told["switches"]) == ("In time.", [])
    assert [(each["outcome"], each["lost_to"]) for each in told["attempts"]] == [("success", None), ("cancelled", 1)]


@pytest.mark.parametrize("setting", ['"50ms"', "0.05"])
def test_the_configuration_may_say_it_and_the_option_has_the_last_word(
    configure: Configure, llmesc: Llmesc, home: Path, setting: str
) -> None:
    text = SILENT.format(home=home, quick=0).replace("delay_seconds = 60", "delay_seconds = 0.5")
    configure(f"{text}[escalation]\nhedge_after = {setting}\n")

    assert len(json.loads(llmesc("ask", "?", "--json").out)["attempts"]) == 2
    assert len(json.loads(llmesc("ask", "?", "--json", "--hedge-after", "off").out)["attempts"]) == 1
    assert len(json.loads(llmesc("ask", "?", "--json", "--hedge-after", "p95").out)["attempts"]) == 1, "nothing is learned yet"
    assert len(json.loads(llmesc("ask", "?", "--json", "--no-escalation").out)["attempts"]) == 1
    assert "escalation.hedge_after\t50ms\t" in llmesc("config", "show").out


@pytest.mark.parametrize("value", ["p99", "soon", "0s", "-1"])
def test_what_is_no_duration_is_a_mistake_that_says_what_is_allowed(configure: Configure, llmesc: Llmesc, value: str) -> None:
    asked = llmesc("ask", "?", f"--hedge-after={value}")
    configure(f'[escalation]\nhedge_after = "{value}"\n')
    configured = llmesc("ask", "?")

    assert (asked.code, configured.code) == (2, 5)
    assert "or off, or p95" in asked.err
    assert "off, p95, or a duration above zero" in configured.err
