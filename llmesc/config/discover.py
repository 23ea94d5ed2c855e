"""What a machine offers where nobody wrote a configuration: keys in the environment, local servers, the embedded model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import NamedTuple

from llmesc.config import values
from llmesc.config.defaults import EMBEDDED_MODEL, TIMEOUTS, default_config, probe_lease_seconds
from llmesc.config.model import Api, Config, InstanceConfig, ModelConfig, ProviderConfig
from llmesc.config.probe import FoundModel, probe
from llmesc.config.secrets import SecretRef
from llmesc.config.services import SERVICES, is_loopback
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.resolution import Tier

PROBE_SECONDS = 0.3
"""How long all local servers together may take to answer."""


class LocalServer(NamedTuple):
    """A model server that usually listens on this machine."""

    name: str
    base_url: str
    tier: Tier
    api: Api = "openai"

    @property
    def list_path(self) -> str:
        """Where it lists its models, under the base URL."""
        return "api/tags" if self.api == "ollama" else "models"


LOCAL_SERVERS = tuple(
    LocalServer(name, service.base_url, service.tier, service.api)
    for name, service in SERVICES.items()
    if service.base_url and is_loopback(service.base_url)
)


class _Discovery(NamedTuple):
    provider: ProviderConfig
    because: str


def discover(
    environ: Mapping[str, str],
    *,
    servers: Sequence[LocalServer] = LOCAL_SERVERS,
    engine: str = "xllamacpp",
    timeout_seconds: float = PROBE_SECONDS,
) -> Config:
    """The configuration this machine makes by itself; its chain is every offering in tier order.

    Never raises, and says the same whenever the same servers answer. `engine` is the package that runs the embedded model.
    """
    own = _own_url(environ)
    lists = {server.base_url: server.list_path for server in servers}
    answered = probe(lists | ({own: "models"} if own and is_loopback(own) else {}), timeout_seconds)
    found = [*_embedded(engine), *_local(servers, answered, own), *_hosted(environ, answered, own)]
    providers = tuple(discovery.provider for discovery in found)
    base = default_config(environ)
    return replace(
        base,
        providers=providers,
        circuit=CircuitPolicy(probe_lease_seconds=probe_lease_seconds(providers)),
        origins={**base.origins, **{f"providers.{provider.name}": f"discovered: {because}" for provider, because in found}},
        discovered=True,
    )


def _embedded(engine: str) -> Iterator[_Discovery]:
    if find_spec(engine) is not None:
        instance = InstanceConfig(models=(EMBEDDED_MODEL,), options={"context_window": EMBEDDED_MODEL.context_window})
        yield _Discovery(_provider("embedded", "llamacpp", Tier.LOCAL, instance), f"{engine} is installed")


def _local(servers: Sequence[LocalServer], answered: Mapping[str, Sequence[FoundModel]], own: str | None) -> Iterator[_Discovery]:
    for server in servers:
        # Ollama is at both addresses, with its own API at the shorter one.
        if server.base_url in answered and not (own or "").startswith(server.base_url):
            instance = InstanceConfig(base_url=server.base_url, models=_models(answered[server.base_url], server.tier))
            yield _Discovery(_provider(server.name, server.api, server.tier, instance), f"{server.base_url} answers")


def _hosted(environ: Mapping[str, str], answered: Mapping[str, Sequence[FoundModel]], own: str | None) -> Iterator[_Discovery]:
    for name, service in SERVICES.items():
        if service.usual is None:
            continue
        variable = next((name for name in service.key_variables if environ.get(name, "").strip()), None)
        url = own if name == "openai" else service.base_url
        listed = answered.get(url or "")
        if url is None or not (variable or listed):
            continue
        tier = Tier.LOCAL if is_loopback(url) else service.tier
        usual = ModelConfig(**service.usual._asdict(), timeouts=TIMEOUTS[tier])
        instance = InstanceConfig(
            base_url=url,
            api_key=SecretRef(source="env", target=variable, key=f"providers.{name}.api_key") if variable else None,
            models=_models(listed, tier) if listed else (usual,),
            options=dict(service.options),
        )
        because = f"environment variable {variable}" if variable else f"{url} answers"
        yield _Discovery(_provider(name, service.api, tier, instance), because)


def _own_url(environ: Mapping[str, str]) -> str | None:
    """Where `openai` is: `$OPENAI_BASE_URL`, else OpenAI itself. None where the variable is no URL: the operator wanted
    another place, so the key and the prompts do not go to the usual one.
    """
    said = environ.get("OPENAI_BASE_URL", "").strip()
    try:
        return values.base_url(said) if said else SERVICES["openai"].base_url
    except ValueError:
        return None


def _provider(name: str, api: Api, tier: Tier, instance: InstanceConfig) -> ProviderConfig:
    return ProviderConfig(name=name, api=api, tier=tier, timeouts=TIMEOUTS[tier], instances=(instance,), private=tier.self_hosted)


def _models(listed: Sequence[FoundModel], tier: Tier) -> tuple[ModelConfig, ...]:
    return tuple(ModelConfig(name=model.name, context_window=model.context_window, timeouts=TIMEOUTS[tier]) for model in listed)
