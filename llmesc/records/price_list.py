"""Prices of known services, from the data inside the package `genai-prices`: nothing is fetched, now or later.

The package takes 0.4 s and 34 MB to load (measured with 0.2.3, with the pydantic and httpx2 that it brings), so it is loaded when
a price is wanted, in a thread, and never before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from llmesc.escalation.resolution import Price, PriceTier
from llmesc.escalation.times import Timestamp

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

_IDS = {"gemini": "google", "xai": "x-ai"}
"""Presets that the list knows by another name."""
_ROUTER = "https://router.huggingface.co"
"""It sends a model on to the service behind the colon of its name, at that service's price."""


class Listing(NamedTuple):
    """Whose price is wanted."""

    service: str | None
    """The preset's name; None: known by its address alone."""
    base_url: str | None
    model: str


class PriceList:
    """The list, as the installed version of the package has it."""

    def __init__(self) -> None:
        self._data: DataSnapshot | None = None
        self._source = ""
        self._tried = False

    @property
    def loaded(self) -> bool:
        """Whether prices are at hand."""
        return self._data is not None

    async def load(self) -> None:
        """Loads it, once. Without the package every price stays unknown; that is no reason to fail a request."""
        if self._tried:
            return
        import asyncio

        await asyncio.to_thread(self._load)
        self._tried = True

    def price(self, wanted: Listing, at: Timestamp) -> Price | None:
        """What it costs at that time; None where the list does not know the service or the model, or is not loaded."""
        if self._data is None:
            return None
        when = datetime.fromtimestamp(at, UTC)
        for provider, model in _places(wanted):
            try:
                _, found = self._data.find_provider_model(model, None, provider, None if provider else wanted.base_url)
                return _price(found.get_prices(when), self._source)
            except (LookupError, AttributeError, TypeError, ValueError):
                continue  # not there; or the list has taken another shape, which is no reason to fail a request, either
        return None

    def _load(self) -> None:
        try:
            from genai_prices import __version__
            from genai_prices.data_snapshot import get_snapshot
        except ImportError:
            return
        self._source = f"genai-prices {__version__}"
        self._data = get_snapshot()


def _places(wanted: Listing) -> list[tuple[str | None, str]]:
    """Where to look: a service and a model, the surest place first. None: the service whose address it is."""
    if wanted.service == "huggingface" or (wanted.base_url or "").startswith(_ROUTER):
        model, colon, behind = wanted.model.rpartition(":")
        return [(f"huggingface_{behind}", model)] if colon else []
    places: list[tuple[str | None, str]] = []
    if wanted.service is not None:
        places.append((_IDS.get(wanted.service, wanted.service), wanted.model))
    if wanted.base_url is not None:
        places.append((None, wanted.model))
    return places


def _price(found: Any, source: str) -> Price | None:
    """In our words; None where it prices no tokens."""
    first, *others = (_at(found, above) for above in (None, *sorted(_thresholds(found))))
    if first.input is None or first.output is None:
        return None
    return Price(
        input_per_million=first.input,
        output_per_million=first.output,
        cached_input_per_million=first.cached,
        reasoning_per_million=_above(found.output_reasoning_mtok, None),
        per_request=(_above(found.requests_kcount, None) or Decimal(0)) / 1000,
        tiers=tuple(
            PriceTier(
                above_input_tokens=rate.above or 0,
                input_per_million=first.input if rate.input is None else rate.input,
                output_per_million=first.output if rate.output is None else rate.output,
                cached_input_per_million=rate.cached,
            )
            for rate in others
        ),
        source=source,
    )


class _Rate(NamedTuple):
    above: int | None
    input: Decimal | None
    output: Decimal | None
    cached: Decimal | None


def _at(found: Any, above: int | None) -> _Rate:
    return _Rate(above, *(_above(amount, above) for amount in (found.input_mtok, found.output_mtok, found.cache_read_mtok)))


def _thresholds(found: Any) -> set[int]:
    amounts = (found.input_mtok, found.output_mtok, found.cache_read_mtok)
    return {tier.start for amount in amounts for tier in getattr(amount, "tiers", ())}


def _above(amount: Any, above: int | None) -> Decimal | None:
    """An amount where a prompt is longer than `above` tokens; None: where it is short. The list has plain and tiered ones."""
    if not hasattr(amount, "tiers"):
        return None if amount is None else Decimal(amount)
    holds = [tier.price for tier in amount.tiers if above is not None and tier.start <= above]
    return Decimal(holds[-1] if holds else amount.base)
