"""Servers on loopback that stand in for candidates: the real wires call them, and they play the faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from llmesc.config.model import Config, InstanceConfig, ProviderConfig
from llmesc.engine.assemble import Wires
from llmesc.engine.drills.faults import REFUSED, Fault
from llmesc.engine.drills.scenario import Injection
from llmesc.escalation.pieces import Provider
from llmesc.escalation.resolution import CircuitKey, ModelKey, Resolution
from llmesc.providers.base import Endpoint
from llmesc.providers.faults import Exchange, FaultServer, answer
from llmesc.providers.registry import Registry

_PLAYED_AS = {"llamacpp": "openai", "simulated": "openai", "fleet": "openai"}
"""Wires without a transport, or with one that is no HTTP, are played over this one."""

_OF_THE_WIRE = frozenset({"stream_options", "logprobs", "thinking", "prefill", "tool_id_length"})
"""Options of an instance that its wire keeps at a station; the others say where a real server is, and how to get in."""


class Station:
    """Stands in for one candidate, for as long as a drill lasts."""

    def __init__(
        self, candidate: Resolution, injections: Sequence[Injection], passed: Callable[[], float], pace_seconds: float = 0.0
    ) -> None:
        self.candidate = candidate
        self._injections = injections
        self._passed = passed
        """Seconds since the drill began."""
        self._pace_seconds = pace_seconds
        """Between two words of a good answer."""
        self._used = [0] * len(injections)
        self._refused = 0
        self.fault: Fault | None = None
        """Of the latest call; None: it was answered well."""
        self.noted_at = 0.0
        """When the fault's `known` began to count, by the event loop's clock."""
        self.server = FaultServer(default=self._behave)

    @property
    def calls(self) -> int:
        """How many arrived, or would have."""
        return self._refused + sum(request.method == "POST" for request in self.server.requests)

    async def ready(self) -> None:
        """A call is about to be made."""
        active = self._active()
        refuses = active is not None and self._injections[active].fault.name == REFUSED
        if refuses and active is not None:
            await self.server.refuse()
            self.fault = self._injections[active].fault
            self._used[active] += 1
            self._refused += 1
        elif not self.server.listening:
            await self.server.listen()

    def _active(self) -> int | None:
        """Which of the injections the next call meets."""
        for index, each in enumerate(self._injections):
            spent = each.times is not None and self._used[index] >= each.times
            if not spent and each.from_seconds <= self._passed() < each.until_seconds:
                return index
        return None

    async def _behave(self, x: Exchange) -> None:
        index = self._active()
        self.fault = None
        if index is None:
            await answer(pace_seconds=self._pace_seconds)(x)
            return
        self._used[index] += 1
        self.fault = self._injections[index].fault
        await self.fault.behaviour(self._note)(x)

    def _note(self) -> None:
        self.noted_at = asyncio.get_running_loop().time()


class DrillWires(Wires):
    """The wires of a drill: to stations where there is one, to the real candidates elsewhere."""

    def __init__(self, config: Config, environ: Mapping[str, str], base_dir: Path, stations: Mapping[ModelKey, Station]) -> None:
        super().__init__(config, environ, base_dir)
        self._stations = {_key_of(key): (station, *_found(config, key)) for key, station in stations.items()}
        self._at_stations = Registry(self._endpoint_at)
        self._open_stations = AsyncExitStack()

    async def start(self) -> None:
        """The stations listen."""
        for station, _, _ in self._stations.values():
            await self._open_stations.enter_async_context(station.server)

    async def open(self, resolution: Resolution) -> Provider:
        """The wire of a candidate; see `Wires.open`."""
        key = _key_of(resolution.model_key)
        if key not in self._stations:
            return await super().open(resolution)
        await self._stations[key][0].ready()
        return self._at_stations.provider_for(key)

    async def aclose(self) -> None:
        """Lets go of everything, the stations last."""
        try:
            await self._at_stations.aclose()
            await super().aclose()
        finally:
            await self._open_stations.aclose()

    def _endpoint_at(self, key: CircuitKey) -> Endpoint:
        station, provider, instance = self._stations[key]
        api = _PLAYED_AS.get(provider.api, provider.api)
        options = {name: value for name, value in instance.options.items() if name in _OF_THE_WIRE}
        return Endpoint(
            provider=provider.name,
            instance=instance.name,
            api=api,
            base_url=station.server.origin if api == "ollama" else station.server.base_url,
            options=options if api == provider.api else {},
            connect_seconds=provider.timeouts.connect_seconds,
        )


def _key_of(model: ModelKey) -> CircuitKey:
    """The key of a station's wire: one for each model, where real ones share that of their instance."""
    return CircuitKey(str(model), "drill")


def _found(config: Config, key: ModelKey) -> tuple[ProviderConfig, InstanceConfig]:
    return next(
        (provider, instance)
        for provider in config.providers
        for instance in provider.instances
        if (provider.name, instance.name) == (key.provider, key.instance)
    )


def without_keys(config: Config, played: frozenset[ModelKey]) -> Config:
    """`config`, where an instance of which every model is played needs no key."""

    def bare(provider: ProviderConfig, instance: InstanceConfig) -> InstanceConfig:
        keys = {ModelKey(provider.name, instance.name, model.name) for model in instance.models}
        return replace(instance, api_key=None, headers={}) if keys <= played else instance

    providers = tuple(
        replace(provider, instances=tuple(bare(provider, instance) for instance in provider.instances))
        for provider in config.providers
    )
    return replace(config, providers=providers)
