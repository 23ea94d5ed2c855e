"""Every setting in force, with where it came from: what `config show` lists."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from llmesc.config.budgets import described
from llmesc.config.kept import kept
from llmesc.config.model import Config, InstanceConfig, ModelConfig, ProviderConfig, QualityCommand, QualityJudge, SinkConfig
from llmesc.config.secrets import SecretRef
from llmesc.config.wording import dotted
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.durations import format_duration
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.redact import redact
from llmesc.escalation.redis_url import redacted
from llmesc.escalation.resolution import DEFAULT_INSTANCE
from llmesc.escalation.sizes import exact_size

Value = str | int | float | bool | list[str] | None
"""Ready for JSON; durations as `parse_duration` reads them, secrets as where they are to be found."""


class Setting(NamedTuple):
    """One line of `config show`."""

    key: str
    """Dotted, as in the file."""
    value: Value
    origin: str
    """`file:line`, `environment variable NAME`, what was discovered, or `default`."""


def describe(config: Config) -> list[Setting]:
    """All settings: general ones first, then each provider with its instances and models, then the chains."""
    keeping = kept(config)
    origins = {**config.origins, "records.keep": config.origins.get(keeping.key or "", "default")}
    rows: list[tuple[str, Value]] = [
        ("state", redacted(config.state)),
        ("window_headroom", config.window_headroom),
        ("records.capture", config.records.capture),
        *((("records.key", config.records.key.shown),) if config.records.key else ()),
        ("records.keep", None if keeping.seconds is None else format_duration(keeping.seconds)),
        ("records.max_size", None if config.records.max_bytes is None else exact_size(config.records.max_bytes)),
        ("records.exit_wait", format_duration(config.records.exit_wait_seconds)),
        *(row for index, sink in enumerate(config.records.sinks) for row in _under(f"records.sinks[{index}]", dict(_sink(sink)))),
        *((("fleet.url", config.fleet.url),) if config.fleet.url else ()),
        *((("fleet.key", config.fleet.key.shown),) if config.fleet.key else ()),
        *_under("escalation", _limits(config.limits)),
        ("escalation.allowed_models", list(config.allowed_models)),
        *_under("circuit", _circuit(config.circuit)),
        *_under("quality.weights", config.quality.weights),
        ("quality.min_characters", config.quality.min_characters),
        ("quality.min_mean_logprob", config.quality.min_mean_logprob),
        *(
            row
            for index, command in enumerate(config.quality_commands)
            for row in _under(f"quality.commands[{index}]", _quality_command(command))
        ),
        *(_under("quality.judge", _quality_judge(config.quality_judge)) if config.quality_judge else ()),
        *(row for index, budget in enumerate(config.budgets) for row in _under(f"budgets[{index}]", described(budget))),
        ("dashboard.theme", config.dashboard.theme),
        *_under("dashboard.keys", config.dashboard.keys),
        *((f"chains.{dotted((name,))}", list(references)) for name, references in config.chains.items()),
    ]
    general = [Setting(key, value, origins.get(key, "default")) for key, value in rows]
    return [*general, *(setting for provider in config.providers for setting in _provider(provider, config.origins))]


def _sink(sink: SinkConfig) -> Iterator[tuple[str, Value]]:
    yield "name", sink.name
    yield "kind", sink.kind
    if sink.path is not None:
        yield "path", str(sink.path)
        yield "rotate_size", sink.rotate_bytes
        yield "keep_files", sink.keep_files
    if sink.url is not None:
        yield "url", sink.url
        yield "timeout", format_duration(sink.timeout_seconds)
        yield "batch", sink.batch
    if sink.secret is not None:
        yield "secret", sink.secret.shown
    for name, header in sink.headers.items():
        yield f"headers.{dotted((name,))}", header.shown if isinstance(header, SecretRef) else header
    if sink.kind == "otel":
        yield "content", sink.content
        yield "service", sink.service
    yield "max_age", format_duration(sink.max_age_seconds)
    yield "max_size", sink.max_size_bytes


def _limits(limits: Limits) -> dict[str, Value]:
    return {
        "enabled": limits.escalation,
        "max_attempts": limits.max_attempts,
        "quality_threshold": limits.quality_threshold,
        "skip_open_circuits": limits.skip_open_circuits,
        "deadline": format_duration(limits.deadline_seconds),
        "max_cost": None if limits.max_cost is None else str(limits.max_cost),
        "privacy": limits.privacy,
        "on_content_policy": "stop" if limits.stop_on_content_policy else "next",
        "wait": limits.wait,
        "wait_or_escalate": limits.wait_or_escalate,
        "all_open": limits.all_open,
        "retry_budget": limits.retries.tokens,
        "retry_refund": limits.retries.refund,
        "denial": format_duration(limits.denial_seconds),
        "max_tool_rounds": limits.max_tool_rounds,
        "tool_timeout": format_duration(limits.tool_timeout_seconds),
        "resume": limits.resume,
        "gate": limits.gate,
        "gate_characters": limits.gate_characters,
        "gate_time": format_duration(limits.gate_seconds),
        "last_grace": limits.last_grace,
        "hedge_after": limits.hedge_after if isinstance(limits.hedge_after, str) else format_duration(limits.hedge_after),
    }


def _circuit(policy: CircuitPolicy) -> dict[str, Value]:
    return {
        "failure_threshold": policy.failure_threshold,
        "window": format_duration(policy.window_seconds),
        "cooldown": format_duration(policy.cooldown_seconds),
        "max_cooldown": format_duration(policy.max_cooldown_seconds),
        "max_retry_after": format_duration(policy.max_retry_after_seconds),
        "probe_lease": format_duration(policy.probe_lease_seconds),
        "jitter": policy.jitter,
    }


def _quality_command(command: QualityCommand) -> dict[str, Value]:
    return {
        "name": command.name,
        "run": redact(shlex.join(command.run)),
        "weight": command.weight,
        "timeout": format_duration(command.timeout_seconds),
    }


def _quality_judge(judge: QualityJudge) -> dict[str, Value]:
    return {
        "model": judge.model,
        "weight": judge.weight,
        "timeout": format_duration(judge.timeout_seconds),
        "instructions": judge.instructions,
    }


def _timeouts(timeouts: Timeouts) -> dict[str, Value]:
    return {
        "connect": format_duration(timeouts.connect_seconds),
        "first_token": format_duration(timeouts.first_token_seconds),
        "stall": format_duration(timeouts.stall_seconds),
        "total": format_duration(timeouts.total_seconds),
        "min_rate.characters_per_second": timeouts.min_rate_characters_per_second,
        "min_rate.over": format_duration(timeouts.min_rate_over_seconds),
    }


def _provider(provider: ProviderConfig, origins: Mapping[str, str]) -> Iterator[Setting]:
    root = dotted(("providers", provider.name))

    def origin(*keys: str, default: str = "default") -> str:
        return next((origins[key] for key in keys if key in origins), default)

    yield Setting(f"{root}.api", provider.api, origin(f"{root}.api", root))
    yield Setting(f"{root}.tier", provider.tier.label, origin(f"{root}.tier", root))
    yield Setting(f"{root}.private", provider.private, origin(f"{root}.private"))
    if provider.capture != "full":
        yield Setting(f"{root}.capture", provider.capture, origin(f"{root}.capture"))
    usual = f"default of tier {provider.tier.label}"
    for key, value in _timeouts(provider.timeouts).items():
        yield Setting(f"{root}.timeouts.{key}", value, origin(f"{root}.timeouts.{key}", f"timeouts.{key}", default=usual))
    for instance in provider.instances:
        own = (
            root
            if instance.name == DEFAULT_INSTANCE and len(provider.instances) == 1
            else f"{root}.instances.{dotted((instance.name,))}"
        )
        for key, value in _instance(instance):
            yield Setting(f"{own}.{key}", value, origin(f"{own}.{key}", f"{root}.{key}", own, root))
        for model in instance.models:
            name = f"models.{dotted((model.name,))}"
            for key, value in _model(model, provider.timeouts):
                yield Setting(f"{own}.{name}.{key}", value, origin(f"{own}.{name}", f"{root}.{name}", own, root))


def _instance(instance: InstanceConfig) -> Iterator[tuple[str, Value]]:
    if instance.base_url:
        yield "base_url", instance.base_url
    if instance.api_key:
        yield (
            ("key" if instance.api_key.key.endswith(".key") else "api_key"),
            instance.api_key.shown,
        )  # the fleet's is no key of an API
    for name, header in instance.headers.items():
        yield f"headers.{dotted((name,))}", header.shown if isinstance(header, SecretRef) else header
    for name, option in instance.options.items():
        yield name, _plain(option)


def _model(model: ModelConfig, around: Timeouts) -> Iterator[tuple[str, Value]]:
    price = model.price
    said: dict[str, Any] = {
        "offering_id": model.offering_id,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": None if model.capabilities is None else sorted(model.capabilities),
        **{f"price.{key}": amount if amount is None else str(amount) for key, amount in (price.amounts if price else {}).items()},
        **{f"metadata.{dotted((key,))}": _plain(value) for key, value in model.metadata.items()},
        **{key: _plain(value) for key, value in model.options.items()},
    }
    yield "name", model.name
    yield from ((key, value) for key, value in said.items() if value is not None)
    if model.timeouts and model.timeouts != around:
        yield from ((f"timeouts.{key}", value) for key, value in _timeouts(model.timeouts).items())


def _under(table: str, settings: Mapping[Any, Value]) -> Iterator[tuple[str, Value]]:
    return ((f"{table}.{key}", value) for key, value in settings.items())


def _plain(value: Any) -> Value:
    return value if isinstance(value, str | int | float) else str(value)
