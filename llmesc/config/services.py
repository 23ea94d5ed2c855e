"""Services that are known by name, the presets: where they are, what they speak, which variable holds their key, and how they
differ from the rest.

`preset = "groq"` takes one for a provider of any name; a provider that has the name of one needs to say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from llmesc.config.model import Api
from llmesc.escalation.resolution import Tier

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NO_STREAM_OPTIONS = MappingProxyType({"stream_options": False})
"""Counts tokens unasked, and has refused, or may refuse, to be asked."""

_TEXT = frozenset({"tools", "json", "schema", "streaming"})
_PICTURES = _TEXT | {"images"}


class Usual(NamedTuple):
    """The model that is asked where nobody said which: small for its maker, and an alias where the maker keeps one."""

    name: str
    context_window: int | None = None
    """None where the service picks the model itself."""
    capabilities: frozenset[str] | None = None


class Service(NamedTuple):
    """A service, hosted or run by the operator."""

    base_url: str | None
    """None: every customer has an address of their own."""
    key_variables: tuple[str, ...] = ()
    """The first that is set counts; empty: it asks for no key."""
    usual: Usual | None = None
    """None: it is not discovered by its key, because that key is mostly there for something else or the models are the
    operator's choice.
    """
    tier: Tier = Tier.CLOUD
    api: Api = "openai"
    options: Mapping[str, Any] = _NOTHING
    """What its wire has to know about it; see `InstanceConfig.options`."""

    def speaks(self, api: Api | None) -> bool:
        """Whether `api` is its own, or none was said. The two APIs of OpenAI are at one address."""
        return api in {None, self.api} or (api, self.api) == ("openai-responses", "openai")


def is_loopback(url: str) -> bool:
    """Whether `url` is a server on this machine, without TLS."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}


SERVICES: dict[str, Service] = {
    "ollama": Service("http://127.0.0.1:11434", tier=Tier.LOCAL, api="ollama"),
    "lmstudio": Service("http://127.0.0.1:1234/v1", tier=Tier.LOCAL),
    "llama-server": Service("http://127.0.0.1:8080/v1", tier=Tier.LOCAL),
    "vllm": Service("http://127.0.0.1:8000/v1", tier=Tier.VLLM, options=MappingProxyType({"prefill": "continue_final_message"})),
    "azure": Service(None, ("AZURE_OPENAI_API_KEY",), options=MappingProxyType({"key_header": "api-key"})),
    "cerebras": Service("https://api.cerebras.ai/v1", ("CEREBRAS_API_KEY",), Usual("gpt-oss-120b", 131_072, _TEXT)),
    "deepseek": Service("https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",), Usual("deepseek-v4-flash", 1_000_000, _TEXT)),
    "fireworks": Service(
        "https://api.fireworks.ai/inference/v1",
        ("FIREWORKS_API_KEY",),
        Usual("accounts/fireworks/models/gpt-oss-120b", 131_072, _TEXT),
    ),
    "gemini": Service(
        "https://generativelanguage.googleapis.com/v1beta",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        Usual("gemini-flash-latest", 1_048_576, _PICTURES),
        api="gemini",
    ),
    "groq": Service("https://api.groq.com/openai/v1", ("GROQ_API_KEY",), Usual("openai/gpt-oss-120b", 131_072, _TEXT)),
    "huggingface": Service("https://router.huggingface.co/v1", ("HF_TOKEN",)),
    "mistral": Service(
        "https://api.mistral.ai/v1",
        ("MISTRAL_API_KEY",),
        Usual("mistral-small-latest", 128_000, _PICTURES),
        options=MappingProxyType({**_NO_STREAM_OPTIONS, "tool_id_length": 9, "prefill": "prefix"}),
    ),
    "nvidia": Service("https://integrate.api.nvidia.com/v1", ("NVIDIA_API_KEY",)),
    "openai": Service("https://api.openai.com/v1", ("OPENAI_API_KEY",), Usual("gpt-5.4-mini", 400_000, _PICTURES)),
    "openrouter": Service("https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), Usual("openrouter/auto")),
    "perplexity": Service(
        "https://api.perplexity.ai",
        ("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        Usual("sonar", 127_072, frozenset({"json", "schema", "streaming"})),
        options=_NO_STREAM_OPTIONS,
    ),
    "together": Service("https://api.together.xyz/v1", ("TOGETHER_API_KEY",), Usual("openai/gpt-oss-120b", 131_072, _TEXT)),
    "xai": Service("https://api.x.ai/v1", ("XAI_API_KEY",), Usual("grok-4.3", 1_000_000, _PICTURES)),
    "anthropic": Service(
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY",),
        Usual("claude-sonnet-4-6", 200_000, _PICTURES),
        tier=Tier.FRONTIER,
        api="anthropic",
    ),
}
