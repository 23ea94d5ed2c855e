"""Which prompts stand behind the arrow keys."""

from __future__ import annotations

import dataclasses

from llmesc.dashboard.prompt_history import SUMMARY_CHARACTERS, earlier_prompts
from llmesc.engine import RunSummary
from tests.dashboard import scenes

ANN = {"user": "ann", "host": "web1", "command": "dashboard"}


def run(prompt: str, **caller: str) -> RunSummary:
    return dataclasses.replace(scenes.below_bar().summary, prompt=prompt, caller={**ANN, **caller})


def test_this_sessions_prompts_come_first_then_the_operators_own_earlier_ones_each_once() -> None:
    runs = [run("b"), run("c"), run("bob's", user="bob"), run("there", host="web2"), run("typed", command="ask"), run("d")]
    assert earlier_prompts(["a", "b"], runs, "ann@web1") == ["a", "b", "c", "d"]


def test_a_prompt_that_was_cut_when_it_was_listed_is_left_out() -> None:
    assert earlier_prompts([], [run("x" * SUMMARY_CHARACTERS), run("y" * (SUMMARY_CHARACTERS - 1))], "ann@web1") == [
        "y" * (SUMMARY_CHARACTERS - 1)
    ]
