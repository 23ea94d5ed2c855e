"""What holds where nothing is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmesc.config.model import Config, ModelConfig, ProviderConfig
from llmesc.config.paths import default_state_url
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.resolution import Tier

TIMEOUTS: Mapping[Tier, Timeouts] = {
    # A loopback connects at once or never. Weights may have to be read from disk and a long prompt be worked through on a
    # CPU before the first token; half of the default deadline is left for whoever comes next.
    Tier.LOCAL: Timeouts(connect_seconds=2.0, first_token_seconds=60.0, stall_seconds=20.0, min_rate_characters_per_second=1.0),
    # Other people's desktops: near, but as slow as a local model.
    Tier.FLEET: Timeouts(connect_seconds=3.0, first_token_seconds=45.0, stall_seconds=20.0, min_rate_characters_per_second=2.0),
    # Near and fast once it runs; the first token waits in its queue.
    Tier.VLLM: Timeouts(connect_seconds=3.0),
    Tier.CLOUD: Timeouts(),
    # May think long where nobody sees it, before the first word and between words; the deadline still bounds the run.
    Tier.FRONTIER: Timeouts(first_token_seconds=90.0, stall_seconds=30.0, total_seconds=300.0),
}

EMBEDDED_MODEL = ModelConfig(
    name="smollm2-135m",
    context_window=8192,
    capabilities=frozenset({"json", "schema", "streaming"}),
    timeouts=TIMEOUTS[Tier.LOCAL],
)
"""The model that comes with `api = "llamacpp"` where no other is named: SmolLM2-135M-Instruct, trained for 8,192 tokens."""


def default_config(environ: Mapping[str, str]) -> Config:
    """A configuration without providers, its state where `environ` says."""
    url = environ.get("LLMESC_STATE")
    return Config(state=url or default_state_url(environ), origins={"state": "environment variable LLMESC_STATE"} if url else {})


def probe_lease_seconds(providers: Iterable[ProviderConfig]) -> float:
    """How long a probe's lease lasts where nothing is said: longer than any attempt may."""
    totals = (
        model.timeouts or provider.timeouts
        for provider in providers
        for instance in provider.instances
        for model in instance.models
    )
    return max([CircuitPolicy().probe_lease_seconds, *(30.0 + timeouts.total_seconds for timeouts in totals)])
