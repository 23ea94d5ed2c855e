"""A small model of one's own that has no answer to what is hard, and a big one with a price behind it."""

from __future__ import annotations

from typing import Any

CONFIG = """
[providers.own]
api = "simulated"
tier = "vllm"
models = ["m"]
script = [{ text = "", about = "hard" }, { text = "Simulated answer of the small one." }]
[providers.big]
api = "simulated"
tier = "frontier"
models = [{ name = "m", price = { input_per_million = "1000", output_per_million = "1000" } }]
script = { text = "Simulated answer of the big one." }
"""


def asked(llmesc: Any) -> None:
    """One question that the small one answers, and one that goes on to the big one."""
    assert llmesc("ask", "--caller", "billing", "easy").code == 0
    assert llmesc("ask", "hard").code == 0
