"""Hosted services that are known by name: where they are, which variable holds their key, what to ask first."""

from __future__ import annotations

from typing import NamedTuple

from llmesc.escalation.resolution import Tier


class Service(NamedTuple):
    """A hosted service that speaks Chat Completions."""

    base_url: str
    key_variables: tuple[str, ...]
    """The first that is set counts."""
    model: str
    """Asked where nobody said which: small for its maker, and an alias where the maker keeps one."""
    context_window: int | None
    """Of that model; None where the service picks the model itself."""
    capabilities: frozenset[str] | None
    tier: Tier = Tier.CLOUD


_TEXT = frozenset({"tools", "json", "schema", "streaming"})
_PICTURES = _TEXT | {"images"}

SERVICES: dict[str, Service] = {
    "deepseek": Service("https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), "deepseek-v4-flash", 1_000_000, _TEXT),
    "fireworks": Service(
        "https://api.fireworks.ai/inference/v1", ("FIREWORKS_API_KEY",), "accounts/fireworks/models/gpt-oss-120b", 131_072, _TEXT
    ),
    "gemini": Service(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "gemini-flash-latest",
        1_048_576,
        _PICTURES,
    ),
    "groq": Service("https://api.groq.com/openai/v1", ("GROQ_API_KEY",), "openai/gpt-oss-120b", 131_072, _TEXT),
    "mistral": Service("https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), "mistral-small-latest", 128_000, _PICTURES),
    "openai": Service("https://api.openai.com/v1", ("OPENAI_API_KEY",), "gpt-5.4-mini", 400_000, _PICTURES),
    "openrouter": Service("https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), "openrouter/auto", None, None),
    "together": Service("https://api.together.xyz/v1", ("TOGETHER_API_KEY",), "openai/gpt-oss-120b", 131_072, _TEXT),
    "xai": Service("https://api.x.ai/v1", ("XAI_API_KEY",), "grok-4.3", 1_000_000, _PICTURES),
    "anthropic": Service(
        "https://api.anthropic.com/v1", ("ANTHROPIC_API_KEY",), "claude-sonnet-4-6", 200_000, _PICTURES, Tier.FRONTIER
    ),
}
