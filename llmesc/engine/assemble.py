"""From configuration to candidates and wires: the translation between two floors that do not know each other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable
from urllib.parse import urlsplit

from llmesc.config.model import Config, InstanceConfig, ModelConfig, PriceParts, ProviderConfig
from llmesc.config.paths import data_dir
from llmesc.config.secrets import SecretRef, resolve
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.failures import CallFailed
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.messages import Request
from llmesc.escalation.pieces import Provider
from llmesc.escalation.ports import CredentialsMissing, Fit
from llmesc.escalation.redis_url import is_redis_url, parse_redis_url
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Price, Resolution, Tier
from llmesc.escalation.secret import Secret

if TYPE_CHECKING:
    from llmesc.providers.base import Endpoint
    from llmesc.providers.probe import ProbeResult
    from llmesc.providers.registry import Registry, Wire


_FLEET: Mapping[str, str] = {"fleet": "llmesc.fleet.provider:FleetProvider"}
"""The wire that stands on a floor above the others: it meets its workers where the state is."""


def offerings(config: Config) -> tuple[Resolution, ...]:
    """Every model of every instance, in the order of the configuration."""
    return tuple(
        _resolution(provider, instance, model, place_of(config, provider, instance))
        for provider in config.providers
        for instance in provider.instances
        for model in instance.models
    )


def timeouts(config: Config) -> Mapping[ModelKey, Timeouts]:
    """The timeouts of each offering: the model's, or its provider's."""
    return {
        ModelKey(provider.name, instance.name, model.name): model.timeouts or provider.timeouts
        for provider in config.providers
        for instance in provider.instances
        for model in instance.models
    }


def without_credentials(config: Config, environ: Mapping[str, str]) -> frozenset[CircuitKey]:
    """Instances whose key should stand in a variable that is not set: known without running or opening anything."""
    return frozenset(
        CircuitKey(provider.name, instance.name)
        for provider in config.providers
        for instance in provider.instances
        if instance.api_key is not None and instance.api_key.source == "env" and not environ.get(instance.api_key.target)
    )


def place_of(config: Config, provider: ProviderConfig, instance: InstanceConfig) -> str | None:
    """Where an instance is called. The fleet is met at a Redis that need not be named again; that URL may hold a password."""
    if provider.api != "fleet":
        return instance.base_url
    return instance.base_url or config.fleet.url or config.state


def _resolution(provider: ProviderConfig, instance: InstanceConfig, model: ModelConfig, place: str | None) -> Resolution:
    key = ModelKey(provider.name, instance.name, model.name)
    return Resolution(
        tier=provider.tier,
        provider=provider.name,
        instance=instance.name,
        model=model.name,
        offering=Offering(
            offering_id=model.offering_id or str(key),
            context_window=model.context_window,
            max_output_tokens=model.max_output_tokens,
            capabilities=model.capabilities,
            price=_price(model.price, provider.tier),
            metadata=model.metadata,
        ),
        endpoint=_address(place),
        private=provider.private,
        simulated=provider.api == "simulated",
    )


def _price(said: PriceParts | None, tier: Tier) -> Price | None:
    """What the configuration alone says. At one's own machines nobody else has a price for the rest."""
    if said is None:
        return None
    if not tier.self_hosted:
        return said.whole
    own = replace(
        said, input_per_million=said.input_per_million or Decimal(0), output_per_million=said.output_per_million or Decimal(0)
    )
    return own.whole


def _address(base_url: str | None) -> str:
    if not base_url:
        return ""
    if is_redis_url(base_url):
        with contextlib.suppress(ValueError):  # what is wrong with it, the call says
            return str(parse_redis_url(base_url))
        return ""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@runtime_checkable
class Prepared(Protocol):
    """A wire with work to do before its first call that is no part of any call's time: fetching weights."""

    async def prepare(self, model: str) -> None:
        """Does it. Raises `CallFailed`."""
        ...


@cache
def _is_prepared(wire: type) -> bool:
    """Looked at once for each kind of wire: a protocol looks for its methods each time."""
    return issubclass(wire, Prepared)


class Wires:
    """The providers of an engine: made when first called, with their credentials."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        base_dir: Path,
        on_progress: Callable[[str, float | None], None] | None = None,
    ) -> None:
        self._config = config
        self._environ = environ
        self._base_dir = base_dir
        self._on_progress = on_progress or (lambda _words, _part: None)
        self._instances = {
            CircuitKey(provider.name, instance.name): (provider, instance)
            for provider in config.providers
            for instance in provider.instances
        }
        self._endpoints: dict[CircuitKey, Endpoint] = {}
        self._registry: Registry | None = None

    async def open(self, resolution: Resolution) -> Provider:
        """The wire of a candidate, its key in hand and its weights on disk. Raises `CredentialsMissing`."""
        wire = await self._wire(resolution.circuit_key)
        if _is_prepared(type(wire)):
            # What hinders it now will hinder the call, too, and is told there as that attempt's failure.
            with contextlib.suppress(CallFailed):
                await cast(Prepared, wire).prepare(resolution.model)
        return wire

    def fits(self, resolution: Resolution, request: Request) -> Fit:
        """Whether the candidate's wire can carry the request, and what it changes so that it can."""
        provider, instance = self._instances[resolution.circuit_key]
        return self._preflight(provider.api, resolution, request, instance.options)

    @cached_property
    def _preflight(self) -> Callable[[str, Resolution, Request, Mapping[str, Any]], Fit]:
        from llmesc.providers.preflight import preflight

        return preflight

    async def probe(self, key: CircuitKey) -> ProbeResult:
        """Looks at one instance without calling a model. Raises `CredentialsMissing`."""
        return await (await self._wire(key)).probe()

    async def aclose(self) -> None:
        """Lets go of connections and child processes."""
        if self._registry is not None:
            await self._registry.aclose()

    async def fleet_key(self) -> Secret | None:
        """What messages of the fleet are signed with. Raises `ConfigError`."""
        refs = (self._config.fleet.key, *(instance.api_key for _, instance in self._fleets()))
        ref = next((ref for ref in refs if ref is not None), None)
        return None if ref is None else await self._resolve(ref)

    def _fleets(self) -> list[tuple[ProviderConfig, InstanceConfig]]:
        return [(provider, instance) for provider, instance in self._instances.values() if provider.api == "fleet"]

    async def _wire(self, key: CircuitKey) -> Wire:
        if key not in self._endpoints:
            try:
                self._endpoints[key] = await self._endpoint(*self._instances[key])
            except ConfigError as error:
                raise CredentialsMissing(str(error)) from None
        if self._registry is None:
            # Not before the first call: it costs an HTTP client.
            from llmesc.providers.registry import Registry

            self._registry = Registry(self._endpoints.__getitem__, _FLEET)
        return self._registry.provider_for(key)

    async def _endpoint(self, provider: ProviderConfig, instance: InstanceConfig) -> Endpoint:
        from llmesc.providers.base import Endpoint

        ref = instance.api_key or (self._config.fleet.key if provider.api == "fleet" else None)
        key = None if ref is None else await self._resolve(ref)
        headers = {
            name: await self._resolve(value) if isinstance(value, SecretRef) else value
            for name, value in instance.headers.items()
        }
        return Endpoint(
            provider=provider.name,
            instance=instance.name,
            api=provider.api,
            base_url=place_of(self._config, provider, instance),
            api_key=lambda: key,
            headers=headers,
            options={**self._local_options(provider), **instance.options},
            model_options={model.name: model.options for model in instance.models},
            connect_seconds=provider.timeouts.connect_seconds,
            on_progress=self._on_progress,
        )

    def _local_options(self, provider: ProviderConfig) -> Mapping[str, str]:
        """Where the embedded model's weights are: `ask --model-file` is handed on as the variable. What a worker may keep."""
        if provider.api == "fleet":
            return {"capture": provider.capture}
        if provider.api != "llamacpp":
            return {}
        named = self._environ.get("LLMESC_MODEL_FILE")
        return {"data_dir": str(data_dir(self._environ)), **({"model_file": named} if named else {})}

    async def _resolve(self, ref: SecretRef) -> Secret:
        if ref.source in ("env", "inline"):
            return resolve(ref, self._environ, self._base_dir)
        import asyncio

        # A command, a file on a slow disk or a keyring must not hold up the other runs.
        return await asyncio.to_thread(resolve, ref, self._environ, self._base_dir)
