"""A configuration from its TOML file, or every mistake in it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from llmesc.config.budgets import budgets
from llmesc.config.defaults import default_config, probe_lease_seconds
from llmesc.config.locate import KeyPath, key_lines
from llmesc.config.model import Config, ProviderConfig, QualityJudge
from llmesc.config.offers import meant
from llmesc.config.provider_section import read_providers
from llmesc.config.reading import Document, Table
from llmesc.config.sections import (
    circuit_policy,
    dashboard,
    fleet,
    limits,
    quality_commands,
    quality_judge,
    quality_settings,
    records,
    timeout_overrides,
)
from llmesc.config.wording import nearest, shown
from llmesc.escalation.redis_url import is_redis_url, parse_redis_url, redacted
from llmesc.escalation.resolution import DEFAULT_INSTANCE, Reference

_STATE = re.compile(r"memory:|sqlite:///.+")


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration at `path`; `$LLMESC_STATE` outranks its `state`.

    Raises `ConfigError` with every mistake: file and line, dotted key, what was found, what is allowed, the nearest known name.
    Nothing but the file is read: that keys are set and servers answer is not judged here.
    """
    outcome = _attempt(path, environ)
    if isinstance(outcome, Config):
        return outcome
    from llmesc.escalation.errors import ConfigError

    raise ConfigError(outcome)  # from here, where no variable holds the text, which may hold a secret


class Read(NamedTuple):
    """A file of TOML, not judged yet."""

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    """Where each key stands."""


def read_toml(path: Path) -> Read | tuple[str, ...]:
    """What stands at `path`, or why that cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        return (f"{path}: {error.strerror}; `llmesc init` writes a configuration",)
    except OSError as error:
        return (f"{path}: {error.strerror or error}",)
    except UnicodeDecodeError as error:
        return (f"{path}: byte {error.start} is not UTF-8; TOML has to be",)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        return (f"{path}: nested too deeply",)
    except ValueError as error:
        return (_syntax_problem(path, text, str(error)),)
    return Read(path, content, key_lines(text))


def _attempt(path: Path, environ: Mapping[str, str]) -> Config | tuple[str, ...]:
    read = read_toml(path)
    if not isinstance(read, Read):
        return read
    document = Document(path, read.lines)
    config = config_of(document, read.content, environ)
    return document.problems() or config


def _syntax_problem(path: Path, text: str, message: str) -> str:
    """What `tomllib` says, with the line where ours stand. It repeats characters and keys, never a value."""
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    if at is None:
        return f"{path}: not TOML: {message}"
    line, column = at[1] or text.rstrip().count("\n") + 1, f" (column {at[2]})" if at[2] else ""
    return f"{path}:{line}: not TOML: {message.replace(at[0], '')}{column}"


def config_of(document: Document, content: Mapping[str, Any], environ: Mapping[str, str]) -> Config:
    """What `content` means. Mistakes are noted in `document`; while there are any, it is no configuration."""
    top = document.open((), content)
    escalation, quality = top.table("escalation"), top.table("quality")
    providers = read_providers(top, timeout_overrides(top.table("timeouts")), environ)
    base = default_config(environ)
    chains = _chains(top.table("chains"), providers)
    state, settings = _state(top, base, environ), fleet(top.table("fleet"))
    if settings.url is None and not is_redis_url(state):
        _refuse_fleet_nowhere(document, providers)
    return Config(
        limits=limits(escalation),
        allowed_models=escalation.texts("allowed_models"),
        circuit=circuit_policy(top.table("circuit"), probe_lease_seconds(providers)),
        quality=quality_settings(quality),
        quality_commands=quality_commands(quality),
        quality_judge=_judge(quality, providers),
        providers=providers,
        chains=chains,
        budgets=budgets(top, providers, chains),
        records=records(top.table("records")),
        state=state,
        fleet=settings,
        dashboard=dashboard(top.table("dashboard")),
        window_headroom=top.number("window_headroom", base.window_headroom, most=0.9),
        origins={**document.origins, **base.origins},
    )


def _refuse_fleet_nowhere(document: Document, providers: Sequence[ProviderConfig]) -> None:
    for provider in providers:
        if provider.api == "fleet" and any(instance.base_url is None for instance in provider.instances):
            allowed = "the URL of a Redis here, as `url` in [fleet], or as `state`"
            document.wrong(("providers", provider.name, "base_url"), f"missing; allowed: {allowed}")


def _state(top: Table, base: Config, environ: Mapping[str, str]) -> str:
    said = top.text("state", base.state)
    if "state" in top and (problem := _state_problem(said)):
        top.wrong("state", f"found {shown(redacted(said))}{problem}")
    return base.state if environ.get("LLMESC_STATE") else said


def _state_problem(said: str) -> str:
    """What is wrong with it, to stand after it; no password."""
    if is_redis_url(said):
        try:
            parse_redis_url(said)
        except ValueError as error:
            return f": {error}"
        return ""
    allowed = '"sqlite:///absolute/path.db", "redis://host:6379/0", "rediss://…" or "memory:"'
    return "" if _STATE.fullmatch(said) else f"; allowed: {allowed}"


def _judge(quality: Table, providers: Sequence[ProviderConfig]) -> QualityJudge | None:
    judge = quality_judge(quality)
    if judge and judge.model and (problem := _reference_problem(judge.model, providers)):
        quality.document.wrong((*quality.path, "judge", "model"), f"found {shown(judge.model)}: {problem}")
    return judge


def _chains(table: Table, providers: Sequence[ProviderConfig]) -> dict[str, tuple[str, ...]]:
    chains: dict[str, tuple[str, ...]] = {}
    for name in table:
        chains[name] = table.texts(name)
        if not chains[name]:
            table.wrong(name, "found no reference; allowed: a list of provider/model or provider@instance/model")
        for index, text in enumerate(chains[name]):
            if problem := _reference_problem(text, providers):
                table.document.wrong((*table.path, name, index), f"found {shown(text)}: {problem}")
    return chains


def _reference_problem(text: str, providers: Sequence[ProviderConfig]) -> str | None:
    try:
        reference = Reference.parse(text)
    except ValueError:
        return "no reference; allowed: provider/model or provider@instance/model"
    if meant(providers, reference):
        return None
    provider = next((provider for provider in providers if provider.name == reference.provider), None)
    if provider is None:
        return _unknown("provider", reference.provider, [provider.name for provider in providers])
    instances = [instance for instance in provider.instances if reference.instance in {None, instance.name}]
    if not instances:
        names = [instance.name for instance in provider.instances]
        return _unknown(f"instance of {provider.name}", reference.instance or DEFAULT_INSTANCE, names)
    models = [model.name for instance in instances for model in instance.models]
    return _unknown(f"model at {text.partition('/')[0]}", reference.model, models) if models else None


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    allowed = ", ".join(dict.fromkeys(known)) or "none is configured"
    return f"no {what} {shown(name)}{nearest(name, known)}; allowed: {allowed}"
