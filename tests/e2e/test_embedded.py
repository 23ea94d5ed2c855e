"""The main job: the model that runs inside llmesc answers behind a provider that is down."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.embedded

CHAIN = """
[providers.a]
api = "openai"
tier = "vllm"
base_url = "{base_url}"
models = ["m"]
[providers.embedded]
api = "llamacpp"
tier = "local"
models = ["smollm2-135m"]
[chains]
default = ["a/m", "embedded/smollm2-135m"]
"""


@pytest.fixture
def embedded(shell: Any, sick: Any, weights: Any) -> Any:
    """A shell whose chain is the sick server and then the embedded model, its weights fetched once for all tests."""
    shell.config = CHAIN.format(base_url=sick.server.base_url)
    models = shell.folder / "llmesc" / "data" / "models"
    models.mkdir(parents=True)
    (models / weights.name).hardlink_to(weights)
    return shell


def test_the_embedded_model_answers_behind_a_dead_provider_and_the_circuit_opens(embedded: Any, sick: Any) -> None:
    sick.server.script["m"] = "503"

    for _ in range(3):
        asked = embedded.run("ask", "What is the capital of France?")
        assert asked.code == 0, asked.err
        assert "Paris" in asked.out
        assert "switched a/m → embedded/smollm2-135m: overloaded" in asked.err

    shown = embedded.run("chain", "show", "--json").json()["candidates"][0]
    assert (shown["ref"], shown["skip"]) == ("a/m", "circuit_open")
    assert shown["retry_at"] is not None
    assert "closed" in embedded.run("circuits", "reset", "a").out
    assert embedded.run("chain", "show", "--json").json()["candidates"][0]["skip"] is None


def test_a_provider_killed_in_mid_answer_is_left_for_the_embedded_model(embedded: Any, sick: Any) -> None:
    sick.server.script["m"] = "reset_midway"

    asked = embedded.run("ask", "What is the capital of France?", "--jsonl")

    assert asked.code == 0
    assert '"answer_reset"' in asked.out
    assert embedded.run("history", "--json").json()[0]["answered_by"] == "embedded/smollm2-135m"


def test_weights_of_ones_own_are_named_on_the_command_line(shell: Any, sick: Any, weights: Any) -> None:
    shell.config = CHAIN.format(base_url=sick.server.base_url).replace('"a/m", ', "")

    asked = shell.run("ask", "What is the capital of France?", "--model-file", str(weights))

    assert asked.code == 0, asked.err
    assert asked.out.strip()
    assert "answered by embedded/smollm2-135m" in asked.err
    assert not (shell.folder / "llmesc" / "data").exists(), "nothing was fetched"
