"""A request body of the Responses API in a process of its own: its provider is down, and the embedded model answers it."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.embedded

CHAIN = """
[providers.a]
api = "openai-responses"
tier = "cloud"
base_url = "{base_url}"
models = ["m"]
[providers.embedded]
api = "llamacpp"
tier = "local"
models = ["smollm2-135m"]
[chains]
default = ["a/m", "embedded/smollm2-135m"]
"""
BODY = {
    "model": "gpt-5",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is the capital of France?"}]}],
    "instructions": "Answer in one short sentence.",
    "max_output_tokens": 32,
    "temperature": 0,
    "reasoning": {"effort": "low"},
}


def test_the_embedded_model_answers_a_body_whose_provider_is_down(shell: Any, sick: Any, weights: Any) -> None:
    shell.config = CHAIN.format(base_url=sick.server.base_url)
    sick.server.script["m"] = "503"

    asked = shell.run("ask", "--responses-body", "-", "-v", "--model-file", str(weights), stdin=json.dumps(BODY))

    assert asked.code == 0, asked.err
    assert "Paris" in asked.out
    assert "  adapted: of the request body, reasoning is left out" in asked.err
    (sent,) = sick.server.calls("m")
    assert json.dumps(sent.body) == json.dumps({**BODY, "model": "m", "stream": True})
