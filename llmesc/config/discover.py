"""What a machine offers where nobody wrote a configuration: keys in the environment, local servers, the embedded model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import urlsplit

from llmesc.config import values
from llmesc.config.defaults import EMBEDDED_MODEL, TIMEOUTS, default_config, probe_lease_seconds
from llmesc.config.model import Api, Config, InstanceConfig, ModelConfig, ProviderConfig
from llmesc.config.probe import FoundModel, probe
from llmesc.config.secrets import SecretRef
from llmesc.config.services import SERVICES
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.resolution import Tier

PROBE_SECONDS = 0.3
"""How long all local servers together may take to answer."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class LocalServer(NamedTuple):
    """A model server that usually listens on this machine."""

    name: str
    base_url: str
    tier: Tier


LOCAL_SERVERS = (
    LocalServer("ollama", "http://127.0.0.1:11434/v1", Tier.LOCAL),
    LocalServer("lmstudio", "http://127.0.0.1:1234/v1", Tier.LOCAL),
    LocalServer("llama-server", "http://127.0.0.1:8080/v1", Tier.LOCAL),
    LocalServer("vllm", "http://127.0.0.1:8000/v1", Tier.VLLM),
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
    urls = {server.base_url for server in servers} | ({own} if own and _is_loopback(own) else set())
    answered = probe(urls, timeout_seconds)
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
        if server.base_url in answered and server.base_url != own:
            instance = InstanceConfig(base_url=server.base_url, models=_models(answered[server.base_url], server.tier))
            yield _Discovery(_provider(server.name, "openai", server.tier, instance), f"{server.base_url} answers")


def _hosted(environ: Mapping[str, str], answered: Mapping[str, Sequence[FoundModel]], own: str | None) -> Iterator[_Discovery]:
    for name, service in SERVICES.items():
        variable = next((name for name in service.key_variables if environ.get(name, "").strip()), None)
        url = own if name == "openai" else service.base_url
        listed = answered.get(url or "")
        if url is None or not (variable or listed):
            continue
        tier = Tier.LOCAL if _is_loopback(url) else service.tier
        usual = ModelConfig(
            name=service.model,
            context_window=service.context_window,
            capabilities=service.capabilities,
            timeouts=TIMEOUTS[tier],
        )
        instance = InstanceConfig(
            base_url=url,
            api_key=SecretRef(source="env", target=variable, key=f"providers.{name}.api_key") if variable else None,
            models=_models(listed, tier) if listed else (usual,),
        )
        because = f"environment variable {variable}" if variable else f"{url} answers"
        yield _Discovery(_provider(name, "openai", tier, instance), because)


def _own_url(environ: Mapping[str, str]) -> str | None:
    """Where `openai` is: `$OPENAI_BASE_URL`, else OpenAI itself. None where the variable is no URL: the operator wanted
    another place, so the key and the prompts do not go to the usual one.
    """
    said = environ.get("OPENAI_BASE_URL", "").strip()
    try:
        return values.base_url(said) if said else SERVICES["openai"].base_url
    except ValueError:
        return None


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _provider(name: str, api: Api, tier: Tier, instance: InstanceConfig) -> ProviderConfig:
    return ProviderConfig(name=name, api=api, tier=tier, timeouts=TIMEOUTS[tier], instances=(instance,), private=tier.self_hosted)


def _models(listed: Sequence[FoundModel], tier: Tier) -> tuple[ModelConfig, ...]:
    return tuple(ModelConfig(name=model.name, context_window=model.context_window, timeouts=TIMEOUTS[tier]) for model in listed)
