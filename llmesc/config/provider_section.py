"""The section `[providers]`: providers, their instances, the models they offer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from llmesc.config.defaults import EMBEDDED_MODEL, TIMEOUTS
from llmesc.config.model import Api, InstanceConfig, ModelConfig, PriceParts, ProviderConfig
from llmesc.config.paths import located
from llmesc.config.preset import Preset, filled_in, note_origin, preset_of
from llmesc.config.reading import Table
from llmesc.config.sections import timeout_overrides
from llmesc.config.wording import dotted, shown
from llmesc.escalation.capture import MODES, CaptureMode
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.resolution import Capability, Tier

_APIS: tuple[Api, ...] = get_args(Api)
_PREFILLS = ("continue_final_message", "prefix", "last_turn", "none")
"""How a server is asked to go on with an answer that was begun; see `llmesc.providers.prefill`."""
_INSIDE = frozenset({"llamacpp", "simulated"})
"""Wires that run inside llmesc; the fleet is behind a Redis, and all others are spoken over HTTP."""
_TIERS = {tier.label: tier for tier in Tier}
_NAME = re.compile(r"[^\s@/*?\[\]\x00-\x1f\x7f]+")
"""What a reference, a target or a glob could not tell apart from its own marks stays out of names."""


def read_providers(top: Table, everywhere: Mapping[str, float], environ: Mapping[str, str]) -> tuple[ProviderConfig, ...]:
    """Every provider, also one with mistakes, so that chains that name it add none. `everywhere`: the top-level timeouts."""
    return tuple(_provider(name, table, everywhere, environ) for name, table in top.tables("providers").items())


def _provider(name: str, table: Table, everywhere: Mapping[str, float], environ: Mapping[str, str]) -> ProviderConfig:
    _check_name(name, table)
    api = cast("Api | None", table.choice("api", _APIS, None))
    preset = preset_of(name, table, api)
    if preset and "api" not in table:
        api = preset.service.api
        note_origin(table, "api", preset)
    if api is None and "api" not in table:
        table.wrong("api", f"missing; allowed: {', '.join(_APIS)}")
    tier = _tier(table, api, preset)
    timeouts = replace(TIMEOUTS[tier], **{**everywhere, **timeout_overrides(table.table("timeouts"))})
    shared = _instance(table, api, InstanceConfig(), timeouts)
    named = table.tables("instances")
    instances = []
    for instance_name, own in named.items() if named else [(shared.name, table)]:
        _check_name(instance_name, own)
        instance = _instance(own, api, replace(shared, name=instance_name), timeouts) if named else shared
        instances.append(_completed(own, api, instance, preset, environ, timeouts))
    return ProviderConfig(
        name=name,
        api=api or "openai",
        tier=tier,
        timeouts=timeouts,
        instances=tuple(instances),
        private=table.flag("private", tier.self_hosted),
        capture=cast("CaptureMode", table.choice("capture", MODES, "full")),
        service=preset.name if preset else None,
    )


def _tier(table: Table, api: Api | None, preset: Preset | None) -> Tier:
    """Said, or known of the service, or local for what runs inside llmesc. A wrong guess would change order and privacy."""
    label = table.choice("tier", _TIERS, None)
    if label is not None:
        return _TIERS[label]
    if api == "fleet":
        return Tier.FLEET
    if preset:
        note_origin(table, "tier", preset)
        return preset.service.tier
    if api not in {*_INSIDE, None} and "tier" not in table:
        table.wrong("tier", f"missing; allowed: {', '.join(_TIERS)}")
    return Tier.LOCAL


def _instance(table: Table, api: Api | None, base: InstanceConfig, timeouts: Timeouts) -> InstanceConfig:
    """What `table` says over `base`. Keys of another wire are not read, and so are refused."""
    own: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if api == "fleet":
        own["base_url"] = table.redis_url("base_url")
        own["api_key"] = table.secret("key")
    elif api not in _INSIDE:
        own["base_url"] = table.url("base_url")
        own["api_key"] = table.secret("api_key")
        own["headers"] = {**base.headers, **table.headers("headers")}
        options["key_header"] = table.header_name("key_header")
    if api in {"openai", None}:
        options["stream_options"] = table.flag("stream_options", None)
        options["prefill"] = table.choice("prefill", _PREFILLS, None)
        options["tool_id_length"] = table.whole("tool_id_length", None, least=8, most=40)
    if api in {"openai", "gemini", "ollama", None}:
        options["logprobs"] = table.flag("logprobs", None)
    if api in {"gemini", "ollama", None}:
        options["thinking"] = table.flag("thinking", None)
    if api in {"llamacpp", None}:
        options["context_window"] = table.whole("context_window", None)
        options["threads"] = table.whole("threads", None)
    if api in {"simulated", None}:
        options["script"] = table.anything("script")
    own["options"] = {**base.options, **_present(options)}
    own["models"] = _models(table, api, timeouts)
    return replace(base, **_present(own))


def _completed(
    table: Table,
    api: Api | None,
    instance: InstanceConfig,
    preset: Preset | None,
    environ: Mapping[str, str],
    timeouts: Timeouts,
) -> InstanceConfig:
    """With what need not be said filled in, and what is missing noted."""
    if api == "llamacpp":
        models = instance.models or (replace(EMBEDDED_MODEL, timeouts=timeouts),)
        largest = max(model.context_window or 0 for model in models) or EMBEDDED_MODEL.context_window
        window = instance.options.get("context_window", largest)
        models = tuple(replace(model, context_window=min(model.context_window or window, window)) for model in models)
        return replace(instance, models=models, options={**instance.options, "context_window": window})
    if not instance.models:
        table.wrong("models", 'missing; allowed: a list of names, or of tables like { name = "…", context_window = 32768 }')
    if api in _INSIDE or api == "fleet":
        return instance
    if preset:
        instance = filled_in(table, instance, preset, environ)
    if instance.base_url is None and "base_url" not in table:
        table.wrong("base_url", "missing; allowed: the URL up to /v1 (only well-known services need none)")
    return instance


def _models(table: Table, api: Api | None, timeouts: Timeouts) -> tuple[ModelConfig, ...] | None:
    found: dict[str, ModelConfig] = {}
    for index, element in enumerate(table.elements("models") or ()):
        path = (*table.path, "models", index)
        model = _model(element, api, timeouts) if isinstance(element, Table) else ModelConfig(name=element, timeouts=timeouts)
        if model is None:
            continue
        if model.name in found:
            table.document.wrong(path, f"found {shown(model.name)} a second time; allowed: each model once")
        found[model.name] = model
        table.document.origins[f"{table.name('models')}.{dotted((model.name,))}"] = table.document.where(path)
    return tuple(found.values()) or None


def _model(table: Table, api: Api | None, timeouts: Timeouts) -> ModelConfig | None:
    name = table.text("name", None)
    if name is None and "name" not in table:
        table.wrong("name", "missing; allowed: the model's name as the provider knows it")
    options: dict[str, Any] = {}
    if api in {"llamacpp", None}:
        if file := table.text("file", None):
            options["file"] = str(located(file, table.document.path.parent))
        options["sha256"] = table.text("sha256", None)
    if api in {"simulated", None}:
        options["script"] = table.anything("script")
    model = ModelConfig(
        name=name or "",
        offering_id=table.text("offering_id", None),
        context_window=table.whole("context_window", None),
        max_output_tokens=table.whole("max_output_tokens", None),
        capabilities=table.choices("capabilities", get_args(Capability)),
        price=_price(table),
        metadata=table.mapping("metadata"),
        timeouts=replace(timeouts, **timeout_overrides(table.table("timeouts"))),
        options=_present(options),
    )
    return model if name else None


def _price(table: Table) -> PriceParts | None:
    price = table.table("price")
    said = PriceParts(**{key: price.money(key, None) for key in PriceParts.__dataclass_fields__})
    return said if "price" in table else None


def _check_name(name: str, table: Table) -> None:
    if not _NAME.fullmatch(name):
        table.wrong("", f"found the name {shown(name)}; allowed: a name without @ / * ? [ ] and white space")


def _present(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}
