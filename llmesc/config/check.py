"""What is allowed but hardly meant: the warnings of `config check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from llmesc.config.model import Config
from llmesc.config.offers import Offer, chain_names, chain_offers
from llmesc.config.secrets import SecretRef
from llmesc.escalation.durations import format_duration
from llmesc.escalation.redis_url import is_redis_url, parse_redis_url, redacted
from llmesc.escalation.resolution import CircuitKey

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def warnings(config: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each doubt, with what to do. Reads `environ` and what is installed, calls nobody."""
    found = [*_state(config, environ), *_fleet(config, environ), *_secrets(config, environ), *_clear_text(config)]
    if not config.providers:
        found.append(
            "providers: none is configured, so no request can be answered; `llmesc init` writes down what this machine offers"
        )
    for name in chain_names(config):
        if chain := chain_offers(config, name):
            found += (f"chains.{name}: {doubt}" for doubt in _chain(config, chain))
    return tuple(dict.fromkeys(found))


def _state(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    if not is_redis_url(config.state):
        return
    try:
        place = parse_redis_url(config.state)
    except ValueError as error:  # of $LLMESC_STATE: what stands in the file was read already
        yield f"state: {redacted(config.state)} {error}"
        return
    if find_spec("redis") is None:
        yield "state: a state on Redis needs the extra `redis`; pip install 'llmesc[redis]'"
    if place.password and "LLMESC_STATE" not in config.origins.get("state", ""):
        yield "state: the password stands in the file; better ?password_env=NAME, or the whole URL in LLMESC_STATE"
    if place.password_env and not environ.get(place.password_env):
        yield f"state: the environment variable {place.password_env} is not set; export {place.password_env}=…"
    elsewhere = place.socket is None and not all(host in _THIS_MACHINE for host, _ in place.addresses)
    if (place.password or place.password_env) and elsewhere and not place.tls:
        yield "state: the password leaves the machine in clear over redis://; write rediss:// where the server speaks TLS"


def _fleet(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    of_fleet = [instance for provider in config.providers if provider.api == "fleet" for instance in provider.instances]
    if not of_fleet and config.fleet.url is None:
        return
    if find_spec("redis") is None:
        yield "fleet: needs the extra `redis`; pip install 'llmesc[redis]'"
    for url in dict.fromkeys(url for url in (config.fleet.url, *(instance.base_url for instance in of_fleet)) if url):
        place = parse_redis_url(url)
        if place.password_env and not environ.get(place.password_env):
            yield f"fleet: the environment variable {place.password_env} is not set; export {place.password_env}=…"
        elsewhere = place.socket is None and not all(host in _THIS_MACHINE for host, _ in place.addresses)
        if elsewhere and not place.tls:
            yield f"fleet: prompts leave the machine in clear over {place}; write rediss:// where the server speaks TLS"


def _secrets(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    instances = [instance for provider in config.providers for instance in provider.instances]
    for ref in (config.fleet.key, *(ref for each in instances for ref in (each.api_key, *each.headers.values()))):
        if not isinstance(ref, SecretRef):
            continue
        if ref.source == "inline":
            yield f'{ref.key}: the secret stands in the file; better {{ env = "NAME" }} or {{ command = … }}'
        elif ref.source == "env" and not environ.get(ref.target):
            yield f"{ref.key}: the environment variable {ref.target} is not set; export {ref.target}=…"


def _clear_text(config: Config) -> Iterator[str]:
    for provider in config.providers:
        for instance in provider.instances:
            if not provider.tier.self_hosted and instance.api_key and (instance.base_url or "").startswith("http://"):
                key = CircuitKey(provider.name, instance.name)
                yield f"{key}: the key leaves the machine in clear over http://; write https:// in its base_url"


def _chain(config: Config, chain: tuple[Offer, ...]) -> Iterator[str]:
    wanted = config.limits.max_attempts
    if len(chain) < wanted:
        yield f"{len(chain)} of max_attempts {wanted} candidates; add some, or lower max_attempts"
    first = chain[0]
    window = first.model.context_window
    if window is not None and len(chain) > 1:
        others = [offer.model.context_window for offer in chain[1:]]
        if all(other is not None and other <= window for other in others):
            yield f"no candidate has a larger window than the first ({window} tokens), so nobody takes a prompt that it cannot"
    timeouts = first.model.timeouts or first.provider.timeouts
    hedge_after = config.limits.hedge_after
    if len(chain) > 1 and not isinstance(hedge_after, str) and hedge_after >= timeouts.first_token_seconds:
        yield (
            f"{first.key} may be silent for {format_duration(timeouts.first_token_seconds)}, so it is never hedged; "
            "lower escalation.hedge_after or raise timeouts.first_token"
        )
    if len(chain) > 1 and timeouts.first_token_seconds >= config.limits.deadline_seconds:
        yield (
            f"{first.key} may be silent for {format_duration(timeouts.first_token_seconds)}, the whole deadline, "
            "so nobody else is asked; lower timeouts.first_token or raise escalation.deadline"
        )
