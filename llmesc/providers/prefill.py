"""Which servers go on with an answer that was begun, and how each has to be asked to. All others are asked in words.

| server | how | set by |
| --- | --- | --- |
| vLLM, SGLang, Aphrodite | `continue_final_message`, and no `add_generation_prompt` | the preset `vllm`, or `prefill` |
| Mistral; DeepSeek under `/beta` | `prefix` on the last message | the preset `mistral`, or `prefill` |
| llama.cpp's server | by itself, except with a model that thinks: that is refused | `prefill = "last_turn"` |
| Ollama | by itself | its wire |
| Anthropic up to Claude 4.5 | by itself, unless it thinks; later models refuse it | the model's name |

OpenAI, Gemini and most others begin a new turn, or refuse. Some repeat the beginning in their answer, which its reader drops.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Prefill = Literal["continue_final_message", "prefix", "last_turn", "none"]

_BEFORE_4_6 = re.compile(r"claude-(?:(?:instant|2|3)\b|(?:opus|sonnet|haiku)-4(?:-[015])?(?:[-@]20\d{6})?$)")


def prefill(api: str, model: str, options: Mapping[str, Any]) -> Prefill:
    """How `model` at an instance with these `options` is asked to go on with an answer that was begun."""
    if api == "ollama":
        return "last_turn"
    if api == "anthropic":
        return "last_turn" if _BEFORE_4_6.search(model) and not options.get("thinking", False) else "none"
    said: Prefill = options.get("prefill", "none") if api == "openai" else "none"
    return said
