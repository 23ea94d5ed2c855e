"""A chain for drills where nothing is configured."""

from __future__ import annotations

from decimal import Decimal

from llmesc.config.model import Api, Config, InstanceConfig, ModelConfig, PriceParts, ProviderConfig
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.resolution import Tier


def example_chain(api: Api = "openai") -> Config:
    """A chain of three candidates that exist nowhere: one's own server, which speaks `api`, a cloud, and a frontier model."""
    return Config(
        providers=(
            _provider("lab", api, Tier.VLLM, 8_192),
            _provider(
                "cloud", "anthropic", Tier.CLOUD, 200_000, PriceParts(input_per_million=Decimal(1), output_per_million=Decimal(5))
            ),
            _provider(
                "frontier",
                "gemini",
                Tier.FRONTIER,
                1_000_000,
                PriceParts(input_per_million=Decimal(5), output_per_million=Decimal(25)),
            ),
        )
    )


def _provider(name: str, api: Api, tier: Tier, window: int, price: PriceParts | None = None) -> ProviderConfig:
    return ProviderConfig(
        name=name,
        api=api,
        tier=tier,
        timeouts=Timeouts(),
        instances=(
            InstanceConfig(
                base_url=f"http://{name}.invalid/v1", models=(ModelConfig(name="model", context_window=window, price=price),)
            ),
        ),
        private=tier.self_hosted,
    )
