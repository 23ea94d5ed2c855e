"""What is allowed but hardly meant: the warnings of `config check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmesc.config.model import Config
from llmesc.config.offers import Offer, chain_names, chain_offers
from llmesc.config.secrets import SecretRef
from llmesc.escalation.durations import format_duration
from llmesc.escalation.resolution import CircuitKey


def warnings(config: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """One line for each doubt, with what to do. Reads nothing but `environ`, calls nobody."""
    found = [*_secrets(config, environ), *_clear_text(config)]
    if not config.providers:
        found.append(
            "providers: none is configured, so no request can be answered; `llmesc init` writes down what this machine offers"
        )
    for name in chain_names(config):
        if chain := chain_offers(config, name):
            found += (f"chains.{name}: {doubt}" for doubt in _chain(config, chain))
    return tuple(dict.fromkeys(found))


def _secrets(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    for provider in config.providers:
        for instance in provider.instances:
            for ref in (instance.api_key, *instance.headers.values()):
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
