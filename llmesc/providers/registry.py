"""From the key of a circuit to the wire that serves it. A wire is imported and made when the first call needs it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from llmesc.escalation.pieces import Provider
from llmesc.escalation.resolution import CircuitKey
from llmesc.providers.base import Endpoint
from llmesc.providers.probe import ProbeResult

if TYPE_CHECKING:
    from llmesc.providers.http import Http

WIRES: Mapping[str, str] = {
    "openai": "llmesc.providers.openai:OpenAiProvider",
    "openai-responses": "llmesc.providers.responses:ResponsesProvider",
    "anthropic": "llmesc.providers.anthropic:AnthropicProvider",
    "gemini": "llmesc.providers.gemini:GeminiProvider",
    "ollama": "llmesc.providers.ollama:OllamaProvider",
    "llamacpp": "llmesc.providers.llamacpp:LlamaCppProvider",
    "simulated": "llmesc.providers.simulated:SimulatedProvider",
}
"""The class of each wire API, made with its `Endpoint` and the shared `Http`."""


_NO_MORE: Mapping[str, str] = MappingProxyType({})


class Wire(Provider, Protocol):
    """A provider that can also be looked at without being asked."""

    async def probe(self) -> ProbeResult:
        """Whether it is there, takes the key and lists models. Raises nothing, and calls no model."""
        ...


class Registry:
    """The wires of all configured instances, over one set of connections."""

    def __init__(self, endpoint_of: Callable[[CircuitKey], Endpoint], more: Mapping[str, str] = _NO_MORE) -> None:
        """`more`: wires of other rooms, as `WIRES` has its own."""
        self._endpoint_of = endpoint_of
        self._known = {**WIRES, **more}
        self._wires: dict[CircuitKey, Wire] = {}
        self._http: Http | None = None

    def provider_for(self, key: CircuitKey) -> Wire:
        """The wire of one instance, always the same object. Raises what `endpoint_of` raises."""
        if key not in self._wires:
            self._wires[key] = self._made(self._endpoint_of(key))
        return self._wires[key]

    async def probe(self, key: CircuitKey) -> ProbeResult:
        """Looks at one instance; see `Wire.probe`."""
        return await self.provider_for(key).probe()

    async def aclose(self) -> None:
        """Closes every wire that was made, then the connections, even where one of them fails to. Raises what failed."""
        failed: list[Exception] = []
        closings = [wire.aclose for wire in self._wires.values()]
        for close in (*closings, *([self._http.aclose] if self._http else [])):
            try:
                await close()
            except Exception as error:  # noqa: BLE001 - the others hold processes and connections too
                failed.append(error)
        self._wires.clear()
        self._http = None
        if failed:
            raise ExceptionGroup("providers could not be closed", failed)

    def _made(self, endpoint: Endpoint) -> Wire:
        if self._http is None:
            from llmesc.providers.http import Http

            self._http = Http()
        module, _, name = self._known[endpoint.api].partition(":")
        return cast(Wire, getattr(importlib.import_module(module), name)(endpoint, self._http))
