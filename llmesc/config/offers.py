"""What a configuration offers: every model at every instance, and which of them a reference or a chain means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from llmesc.config.model import Config, InstanceConfig, ModelConfig, ProviderConfig
from llmesc.escalation.resolution import ModelKey, Reference

DEFAULT_CHAIN = "default"


class Offer(NamedTuple):
    """One model as one instance of a provider offers it."""

    provider: ProviderConfig
    instance: InstanceConfig
    model: ModelConfig

    @property
    def key(self) -> ModelKey:
        """Its name, as references write it."""
        return ModelKey(self.provider.name, self.instance.name, self.model.name)


def offers(providers: Iterable[ProviderConfig]) -> tuple[Offer, ...]:
    """Every offer in tier order; within a tier as configured, a model's instances next to each other."""
    found = []
    for provider in sorted(providers, key=lambda provider: provider.tier):
        names = dict.fromkeys(model.name for instance in provider.instances for model in instance.models)
        found += [offer for name in names for offer in _of_model(provider, name)]
    return tuple(found)


def meant(providers: Iterable[ProviderConfig], reference: Reference) -> tuple[Offer, ...]:
    """The offers a reference means: of one instance, or of all of them in order. Empty: nothing offers it."""
    return tuple(
        offer
        for provider in providers
        if provider.name == reference.provider
        for offer in _of_model(provider, reference.model)
        if reference.instance in {None, offer.instance.name}
    )


def chain_offers(config: Config, chain: str = DEFAULT_CHAIN) -> tuple[Offer, ...]:
    """The offers of a chain in order, each once. Raises `UnknownName` with the nearest chains."""
    if (references := config.chains.get(chain)) is not None:
        named = (offer for text in references for offer in meant(config.providers, Reference.parse(text)))
        return tuple({offer.key: offer for offer in named}.values())
    if chain == DEFAULT_CHAIN:
        return offers(config.providers)
    from difflib import get_close_matches

    from llmesc.escalation.errors import UnknownName

    raise UnknownName("chain", chain, tuple(get_close_matches(chain, chain_names(config))))


def chain_names(config: Config) -> Sequence[str]:
    """The chains that can be asked, `default` first."""
    return list(dict.fromkeys((DEFAULT_CHAIN, *config.chains)))


def _of_model(provider: ProviderConfig, name: str) -> list[Offer]:
    return [
        Offer(provider, instance, model) for instance in provider.instances for model in instance.models if model.name == name
    ]
