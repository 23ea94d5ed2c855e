"""Writing a configuration down: what `llmesc init` makes of what was discovered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmesc.config.model import Config, ModelConfig, ProviderConfig
from llmesc.config.offers import offers
from llmesc.config.wording import dotted
from llmesc.escalation.durations import format_duration
from llmesc.escalation.resolution import Reference, Tier

_HEAD = """\
# llmesc asks the candidates of a chain one after the other until one gives an answer that is good enough.
# `llmesc config check` judges this file, `llmesc config show` lists every setting with where it comes from,
# `llmesc chain show` tells who would be asked now. Durations: "500ms", "5s", "2m", "1h30m", "7d".
"""

_EXAMPLE = """\
# Nothing was found on this machine. One provider is enough to begin with:
#
# [providers.openai]                       # a service known by name; under another name: preset = "openai"
# models = ["gpt-5.4-mini"]
# api_key = { env = "OPENAI_API_KEY" }     # or { command = "pass show openai" }, { file = "…" }, { keyring = "…" }
#
# [providers.lab]
# api = "openai"                           # any server that speaks Chat Completions
# tier = "vllm"                            # local, fleet, vllm, cloud, frontier: the order in which they are asked
# base_url = "http://gpu1:8000/v1"
# models = [{ name = "qwen3-32b", context_window = 32768 }]
"""

_TIERS = {
    Tier.LOCAL: "on this machine",
    Tier.FLEET: "on machines of the operator",
    Tier.VLLM: "on machines of the operator",
    Tier.CLOUD: "hosted",
    Tier.FRONTIER: "hosted, the strongest",
}


def init_text(config: Config) -> str:
    """A discovered configuration as TOML with comments, ready to be edited. Of keys only the name of their variable."""
    limits = config.limits
    blocks = [
        _HEAD,
        "[escalation]\n"
        + _line("max_attempts", limits.max_attempts, "calls for one request; skipped candidates do not count")
        + _line("quality_threshold", limits.quality_threshold, "0 to 100; an answer below it is asked for again, elsewhere")
        + _line("deadline", format_duration(limits.deadline_seconds), "for all attempts together"),
        *(_provider(provider, config.origins) for provider in config.providers),
        _chain(config) if config.providers else _EXAMPLE,
    ]
    return "\n".join(blocks)


def _provider(provider: ProviderConfig, origins: Mapping[str, str]) -> str:
    root = dotted(("providers", provider.name))
    (instance,) = provider.instances
    text = f"# {origins[root]}\n[{root}]\n"
    text += _line("api", provider.api) + _line("tier", provider.tier.label, _TIERS[provider.tier])
    if instance.base_url:
        text += _line("base_url", instance.base_url)
    if instance.api_key:
        text += _line("api_key", {instance.api_key.source: instance.api_key.target})
    text += "".join(_line(key, value) for key, value in instance.options.items())
    return text + _lines("models", [_model(model) for model in instance.models])


def _model(model: ModelConfig) -> str | dict[str, Any]:
    said: dict[str, Any] = {
        "context_window": model.context_window,
        "capabilities": sorted(model.capabilities) if model.capabilities is not None else None,
    }
    known = {key: value for key, value in said.items() if value is not None}
    return {"name": model.name, **known} if known else model.name


def _chain(config: Config) -> str:
    references = [str(Reference(offer.provider.name, None, offer.model.name)) for offer in offers(config.providers)]
    return "[chains]\n# Who is asked, in this order. Without it: every model, by tier.\n" + _lines("default", references)


def _line(key: str, value: Any, comment: str = "") -> str:
    line = f"{dotted((key,))} = {_inline(value)}"
    return f"{line:<40}  # {comment}\n" if comment else f"{line}\n"


def _lines(key: str, items: Sequence[Any]) -> str:
    return f"{key} = [\n" + "".join(f"    {_inline(item)},\n" for item in items) + "]\n"


def _inline(value: Any) -> str:
    """A value on one line; `tomli_w` writes the text, so that what servers call their models is quoted as it must be."""
    import tomli_w

    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{dotted((key,))} = {_inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")
