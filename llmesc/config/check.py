"""What is allowed but hardly meant: the warnings of `config check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from llmesc.config.budgets import doubts as budget_doubts
from llmesc.config.kept import redis_place
from llmesc.config.model import Config
from llmesc.config.offers import Offer, chain_names, chain_offers
from llmesc.config.secrets import SecretRef
from llmesc.escalation.durations import format_duration
from llmesc.escalation.redis_url import is_redis_url, parse_redis_url, redacted
from llmesc.escalation.resolution import CircuitKey

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def warnings(config: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each doubt, with what to do. Reads `environ` and what is installed, calls nobody."""
    found = [
        *_state(config, environ),
        *_keeping(config),
        *_fleet(config, environ),
        *_secrets(config, environ),
        *_clear_text(config),
        *_sinks(config),
        *budget_doubts(config),
    ]
    if not config.providers:
        found.append(
            "providers: none is configured, so no request can be answered; `llmesc init` writes down what this machine offers"
        )
    found += _twice(config)
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


def _keeping(config: Config) -> Iterator[str]:
    records, place = config.records, redis_place(config)
    if place is not None and place.keep_is_said and records.keep_seconds not in (None, place.keep_seconds):
        yield (
            f"records.keep: the state's URL says keep={format_duration(place.keep_seconds)}, which counts; say it once, "
            "here or there"
        )
    if records.max_bytes is not None and not config.state.startswith("sqlite:"):
        instead = "its maxmemory and ?keep_runs=… do" if is_redis_url(config.state) else "a state in memory keeps the newest"
        yield f"records.max_size: only a state in a SQLite file is held to it; {instead}"


def _secrets(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    instances = (instance for provider in config.providers for instance in provider.instances)
    of_instances = (ref for instance in instances for ref in (instance.api_key, *instance.headers.values()))
    of_sinks = (ref for sink in config.records.sinks for ref in (sink.secret, *sink.headers.values()))
    for ref in (config.fleet.key, *of_instances, *of_sinks):
        if not isinstance(ref, SecretRef):
            continue
        if ref.source == "inline":
            yield f'{ref.key}: the secret stands in the file; better {{ env = "NAME" }} or {{ command = … }}'
        elif ref.source == "env" and not environ.get(ref.target):
            yield f"{ref.key}: the environment variable {ref.target} is not set; export {ref.target}=…"


def _sinks(config: Config) -> Iterator[str]:
    for index, sink in enumerate(config.records.sinks):
        key = f"records.sinks[{index}]"
        parts = urlsplit(sink.url or "")
        elsewhere = parts.scheme == "http" and parts.hostname not in _THIS_MACHINE
        if elsewhere and any(isinstance(header, SecretRef) for header in sink.headers.values()):
            yield f"{key}.url: a secret header leaves the machine in clear over http://; write https://"
        if sink.kind == "webhook" and sink.secret is None:
            yield f"{key}.secret: missing, so nobody can tell who sent it; add secret = {{ env = … }} and verify the signature"
        if sink.kind == "otel" and find_spec("opentelemetry") is None:
            yield f"{key}: a sink for OpenTelemetry needs the extra `otel`; pip install 'llmesc[otel]'"
        if sink.content and config.records.capture in ("encrypted", "metadata"):
            yield f"{key}.content: nothing goes along while records.capture is {config.records.capture}"


def _clear_text(config: Config) -> Iterator[str]:
    for provider in config.providers:
        for instance in provider.instances:
            if not provider.tier.self_hosted and instance.api_key and (instance.base_url or "").startswith("http://"):
                key = CircuitKey(provider.name, instance.name)
                yield f"{key}: the key leaves the machine in clear over http://; write https:// in its base_url"


def _twice(config: Config) -> Iterator[str]:
    for name, references in config.chains.items():
        for reference in dict.fromkeys(text for text in references if references.count(text) > 1):
            yield f"chains.{name}: {reference} stands there {references.count(reference)} times, and is asked once"


def _chain(config: Config, chain: tuple[Offer, ...]) -> Iterator[str]:
    wanted = config.limits.max_attempts
    if len(chain) < wanted:
        has = f"{len(chain)} candidate{'' if len(chain) == 1 else 's'}"
        yield f"has {has}, and max_attempts is {wanted}; add some, or lower max_attempts"
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
