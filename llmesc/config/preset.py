"""What a provider takes from a service that is known by name, for what it does not say itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from llmesc.config.model import Api, InstanceConfig
from llmesc.config.reading import Table
from llmesc.config.secrets import SecretRef
from llmesc.config.services import SERVICES, Service
from llmesc.config.wording import shown

_ONLY_SPEAKER = frozenset({"anthropic", "gemini", "ollama"})
"""Wires that one service made, of the same name: it is meant where no place is said."""


class Preset(NamedTuple):
    """A service, and what it is called."""

    name: str
    service: Service


def preset_of(provider: str, table: Table, api: Api | None) -> Preset | None:
    """The preset that a provider names; else what its name or its wire means, unless it is elsewhere."""
    said = table.choice("preset", SERVICES, None)
    if said is not None:
        if not SERVICES[said].speaks(api):
            table.wrong("api", f"found {shown(api)}; allowed with the preset {said}: {SERVICES[said].api}")
        return Preset(said, SERVICES[said])
    if "base_url" in table or "preset" in table:
        return None
    if provider in SERVICES and SERVICES[provider].speaks(api):
        return Preset(provider, SERVICES[provider])
    return Preset(api, SERVICES[api]) if api in _ONLY_SPEAKER else None


def filled_in(table: Table, instance: InstanceConfig, preset: Preset, environ: Mapping[str, str]) -> InstanceConfig:
    """`instance` of `table`, with what it leaves out. The key of a service goes to its own place alone, if it has one."""
    service = preset.service
    if instance.api_key is None and service.key_variables and (instance.base_url is None or service.base_url is None):
        variable = next((name for name in service.key_variables if environ.get(name)), service.key_variables[0])
        instance = replace(instance, api_key=SecretRef(source="env", target=variable, key=table.name("api_key")))
        note_origin(table, "api_key", preset)
    if instance.base_url is None:
        instance = replace(instance, base_url=service.base_url)
        note_origin(table, "base_url", preset)
    for option in service.options.keys() - instance.options.keys():
        note_origin(table, option, preset)
    return replace(instance, options={**service.options, **instance.options})


def note_origin(table: Table, key: str, preset: Preset) -> None:
    """That the value of `key` is the preset's."""
    table.document.origins[table.name(key)] = f"preset {preset.name}"
