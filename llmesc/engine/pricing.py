"""Who costs what: the configuration's word first, then the price list of known services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from llmesc.config.model import Config, PriceParts
from llmesc.escalation.resolution import CONFIGURED, ModelKey, Price, PriceTier, Resolution
from llmesc.escalation.times import Clock, Timestamp
from llmesc.records.price_list import Listing, PriceList


class Pricing:
    """Of one engine. Until `load`, only what is configured is known."""

    def __init__(self, config: Config, clock: Clock, price_list: PriceList | None = None) -> None:
        self._clock = clock
        self._list = price_list or PriceList()
        self._sought = _sought(config)
        self._minute = -1
        self._known: dict[ModelKey, tuple[Resolution, Resolution]] = {}
        """In this minute: without a price of the list, and with it. The list has prices that depend on the time of day."""

    async def load(self) -> None:
        """Gets the price list, where an offering needs it."""
        if self._sought:
            await self._list.load()

    def priced(self, resolutions: Iterable[Resolution]) -> tuple[Resolution, ...]:
        """With the prices that are known now."""
        if not self._sought or not self._list.loaded:
            return tuple(resolutions)
        now = self._clock.now()
        return tuple(self._priced(resolution, now) for resolution in resolutions)

    async def price_of(self, resolution: Resolution) -> Price | None:
        """What a candidate costs; gets the price list where it has to."""
        if resolution.model_key in self._sought:
            await self._list.load()
        return self._priced(resolution, self._clock.now()).offering.price

    def _priced(self, resolution: Resolution, now: Timestamp) -> Resolution:
        key = resolution.model_key
        if key not in self._sought or resolution.offering.price is not None or not self._list.loaded:
            return resolution
        if self._minute != now // 60:
            self._minute, self._known = int(now // 60), {}
        known = self._known.get(key)
        if known is None or known[0] is not resolution:
            known = self._known[key] = (resolution, self._with_listed(resolution, now))
        return known[1]

    def _with_listed(self, resolution: Resolution, now: Timestamp) -> Resolution:
        listing, said = self._sought[resolution.model_key]
        listed = self._list.price(listing, now)
        if listed is None:
            return resolution
        return replace(resolution, offering=replace(resolution.offering, price=over(said, listed) if said else listed))


def _sought(config: Config) -> Mapping[ModelKey, tuple[Listing, PriceParts | None]]:
    """The hosted offerings of which the configuration does not say what a token costs. One's own machines send no bill."""
    return {
        ModelKey(provider.name, instance.name, model.name): (
            Listing(provider.service, instance.base_url, model.name),
            model.price,
        )
        for provider in config.providers
        for instance in provider.instances
        for model in instance.models
        if not provider.tier.self_hosted
        and (provider.service is not None or _is_public(instance.base_url))
        and (model.price is None or model.price.whole is None)
    }


def _is_public(base_url: str | None) -> bool:
    """Whether it may be a service that others know: its host has a name with a dot in it. No list is loaded for any other."""
    host = (urlsplit(base_url or "").hostname or "").rpartition(".")
    return bool(host[0]) and host[2].isalpha() and host[2] not in ("local", "internal", "lan", "invalid", "test")


def over(said: PriceParts, listed: Price) -> Price:
    """`listed`, but for what the operator said: that holds for every length of the prompt."""
    mine: dict[str, Any] = {name: amount for name, amount in said.amounts.items() if amount is not None}
    tiered = {name: amount for name, amount in mine.items() if name in PriceTier.__dataclass_fields__}
    return replace(
        listed,
        **mine,
        tiers=tuple(replace(tier, **tiered) for tier in listed.tiers),
        source=f"{CONFIGURED}, the rest {listed.source}",
    )
