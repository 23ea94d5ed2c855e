"""`doctor`: is everything there that a request will need? Calls no model."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from llmesc.config.model import Config, InstanceConfig, ProviderConfig
from llmesc.engine.assemble import Wires
from llmesc.engine.outbox import Outbox
from llmesc.engine.sink_status import SinkStatus
from llmesc.escalation.errors import LlmescError
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import CredentialsMissing
from llmesc.escalation.redis_url import is_redis_url
from llmesc.escalation.resolution import CircuitKey
from llmesc.state.resilient import ResilientStore
from llmesc.state.store import StateUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of `doctor`."""

    name: str
    """`versions`, `config`, `state`, `fleet`, `provider:openai@team-a`, `models:openai@team-a`, `sink:audit`."""
    status: Literal["ok", "warning", "failed", "skipped"]
    detail: str
    hint: str = ""
    """The next thing to do, where something is wrong."""


_MOST_LISTED = 8
"""Models that are named of an endpoint."""


async def examine(config: Config, store: ResilientStore, wires: Wires, outbox: Outbox) -> Sequence[Check]:
    """Versions, configuration, state, and every endpoint and sink at once: reachable, key present and accepted, models listed."""
    instances = [(provider, instance) for provider in config.providers for instance in provider.instances]
    endpoints = await asyncio.gather(*(_endpoint(provider, instance, wires) for provider, instance in instances))
    return [
        _versions(config),
        *_configuration(config),
        await _state(store),
        *([await _fleet(config, wires)] if config.fleet.url is not None else []),
        *(check for checks in endpoints for check in checks),
        *(await _sinks(config, outbox)),
    ]


def _versions(config: Config) -> Check:
    from importlib.metadata import PackageNotFoundError, version

    def of(package: str) -> str:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            return f"no {package}"

    packages = ("llmesc", "httpx", "typer", "textual", "xllamacpp", *(("redis",) if _needs_redis(config) else ()))
    return Check(name="versions", status="ok", detail=", ".join((f"Python {platform.python_version()}", *map(of, packages))))


def _needs_redis(config: Config) -> bool:
    return is_redis_url(config.state) or any(provider.api == "fleet" for provider in config.providers)


def _configuration(config: Config) -> Iterator[Check]:
    if not config.providers:
        yield Check(
            name="config",
            status="failed",
            detail="no provider is configured and none was discovered",
            hint="pip install 'llmesc[local]' for a model that runs inside llmesc, or set a provider's key and run `llmesc init`",
        )
    elif config.discovered:
        yield Check(
            name="config",
            status="ok",
            detail=f"no file; discovered {', '.join(provider.name for provider in config.providers)}",
            hint="`llmesc init` writes it down",
        )
    else:
        detail = f"{_plural(len(config.providers), 'provider')}, {_plural(len(config.chains), 'chain')}"
        yield Check(name="config", status="ok", detail=detail)


async def _state(store: ResilientStore) -> Check:
    try:
        facts = await (await store.direct()).check()
    except StateUnavailable as error:
        waiting = f"; {spooled} follow when it is back" if (spooled := store.spooled()) else ""
        hint = f"llmesc answers all the same, from memory{waiting}"
        return Check(name="state", status="failed", detail=str(error), hint=hint)
    if doubt := facts.get("eviction") or facts.get("clock"):
        return Check(name="state", status="warning", detail=_told(facts), hint=doubt)
    return Check(name="state", status="ok", detail=_told(facts))


async def _sinks(config: Config, outbox: Outbox) -> list[Check]:
    if not config.records.sinks:
        return []
    reached = await outbox.checks()
    try:
        standing = {status.name: status for status in await outbox.status()}
    except StateUnavailable:
        standing = {}
    return [_sink(name, *reached[name], standing.get(name)) for name in reached]


def _sink(name: str, is_reached: bool, told: str, standing: SinkStatus | None) -> Check:
    waits = f"; {standing.waiting:,} events wait" if standing and standing.waiting else ""
    lost = f"; {standing.dropped:,} were dropped" if standing and standing.dropped else ""
    if standing and standing.stopped:
        hint = "it wanted no more; llmesc records flush starts it again, or take it out of the configuration"
        return Check(name=f"sink:{name}", status="failed", detail=f"stopped: {standing.last_error}{waits}{lost}", hint=hint)
    if not is_reached:
        hint = "answers come all the same; what waits is delivered when it is back, or dropped when it is too old or too much"
        return Check(name=f"sink:{name}", status="failed", detail=f"{told}{waits}{lost}", hint=hint)
    status: Literal["ok", "warning"] = "warning" if lost or (standing and standing.failures) else "ok"
    return Check(name=f"sink:{name}", status=status, detail=f"{told}{waits}{lost}", hint="llmesc records flush" if waits else "")


def _hint_of_missing(provider: ProviderConfig, listed: Sequence[str]) -> str:
    if provider.api == "fleet" and not listed:
        return "no worker lives; `llmesc fleet worker --serve REF` where the model is"
    if not listed:
        return "it lists no model at all: load one there, or check base_url"
    more = f", and {len(listed) - _MOST_LISTED} more" if len(listed) > _MOST_LISTED else ""
    return f"{'its workers serve' if provider.api == 'fleet' else 'it lists'} {', '.join(listed[:_MOST_LISTED])}{more}"


async def _fleet(config: Config, wires: Wires) -> Check:
    """Where the fleet meets; a host that only serves has no provider that tells."""
    from llmesc.engine.serving.meeting import meet
    from llmesc.fleet.workers import Workers

    try:
        async with meet(config) as link:
            living = await Workers(link, await wires.fleet_key()).living()
            place = str(link.place)
    except LlmescError as error:
        hint = error.hint or "workers and those who ask them meet there: check `url` and `key` in [fleet], and that it runs"
        return Check(name="fleet", status="failed", detail=str(error), hint=hint)
    lanes = sorted({lane for worker in living for lane in worker.lanes})
    serving = f", served by {', '.join(worker.name for worker in living)}: {', '.join(lanes)}" if living else ", no worker lives"
    return Check(name="fleet", status="ok", detail=place + serving)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _told(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


async def _endpoint(provider: ProviderConfig, instance: InstanceConfig, wires: Wires) -> list[Check]:
    key = CircuitKey(provider.name, instance.name)
    name = f"provider:{key}"
    try:
        result = await wires.probe(key)
    except CredentialsMissing as missing:
        return [
            Check(name=name, status="failed", detail=str(missing), hint=f"put the key of {key} where the configuration looks")
        ]
    if result.failure is not None:
        from llmesc.providers.advice import advice
        from llmesc.providers.proxy_advice import proxy_advice

        failure = result.failure
        hint = proxy_advice(failure, instance.base_url or "", os.environ)
        hint = hint or advice(failure, provider.name, self_hosted=provider.tier.self_hosted)
        return [Check(name=name, status="failed", detail=f"{failure.kind}: {failure.message}", hint=hint)]
    where = instance.base_url or provider.api
    accepted = {True: ", key accepted", False: ", key refused", None: ""}[result.key_accepted]
    checks = [Check(name=name, status="ok", detail=f"{where} answers{accepted}")]
    if result.models is not None:
        missing_models = sorted({model.name for model in instance.models} - set(result.models))
        if missing_models:
            checks.append(
                Check(
                    name=f"models:{key}",
                    status="warning",
                    detail=f"not listed there: {', '.join(missing_models)}",
                    hint=_hint_of_missing(provider, result.models),
                )
            )
        else:
            checks.append(Check(name=f"models:{key}", status="ok", detail=f"{len(instance.models)} configured, all listed"))
    return checks
