"""What a wire is told about its instance: plain values, so that providers know no configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One instance of a provider, as its wire needs it."""

    provider: str
    instance: str
    api: str
    base_url: str | None = None
    api_key: Callable[[], Secret | None] = lambda: None
    """Finds the key when the first call needs it; raises `ConfigError` where it cannot be had."""
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of one wire; see `llmesc.config.model.InstanceConfig.options`."""
    model_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By model name; see `llmesc.config.model.ModelConfig.options`."""
    connect_seconds: float = 5.0
    on_progress: Callable[[str, float | None], None] = lambda _words, _part: None
    """Told what a first call has to wait for, e.g. weights being fetched, and the part of it that is done where that is known."""
