"""The sections that are not about providers: `[escalation]`, `[circuit]`, `[quality]`, `[timeouts]`."""

from __future__ import annotations

from typing import get_args

from llmesc.config.reading import Table
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.limits import Limits
from llmesc.escalation.quality import DEFAULT_WEIGHTS, CheckName, QualitySettings


def limits(table: Table) -> Limits:
    """`[escalation]`, but for `allowed_models`."""
    base = Limits()
    return Limits(
        escalation=table.flag("enabled", base.escalation),
        max_attempts=table.whole("max_attempts", base.max_attempts),
        quality_threshold=table.whole("quality_threshold", base.quality_threshold, least=0, most=100),
        skip_open_circuits=table.flag("skip_open_circuits", base.skip_open_circuits),
        deadline_seconds=table.seconds("deadline", base.deadline_seconds),
        max_cost=table.money("max_cost", base.max_cost),
        privacy=table.flag("privacy", base.privacy),
        stop_on_content_policy=table.choice("on_content_policy", ("next", "stop"), "next") == "stop",
        wait=table.flag("wait", base.wait),
        denial_seconds=table.seconds("denial", base.denial_seconds),
    )


def circuit_policy(table: Table, lease_seconds: float) -> CircuitPolicy:
    """`[circuit]`. `lease_seconds` is how long a probe's lease lasts where nothing is said."""
    base = CircuitPolicy()
    cooldown = table.seconds("cooldown", base.cooldown_seconds)
    longest = table.seconds("max_cooldown", max(base.max_cooldown_seconds, cooldown))
    if longest < cooldown:
        table.wrong("max_cooldown", f"found less than cooldown; allowed: from {cooldown:g} seconds")
    return CircuitPolicy(
        failure_threshold=table.number("failure_threshold", base.failure_threshold, least=0.5),
        window_seconds=table.seconds("window", base.window_seconds),
        cooldown_seconds=cooldown,
        max_cooldown_seconds=longest,
        max_retry_after_seconds=table.seconds("max_retry_after", base.max_retry_after_seconds),
        probe_lease_seconds=table.seconds("probe_lease", lease_seconds),
        jitter=table.number("jitter", base.jitter, most=1),
    )


def quality_settings(table: Table) -> QualitySettings:
    """`[quality]`."""
    base = QualitySettings()
    weights = table.table("weights")
    names: tuple[CheckName, ...] = get_args(CheckName)
    return QualitySettings(
        weights={name: weights.whole(name, DEFAULT_WEIGHTS[name], least=0, most=100) for name in names},
        min_characters=table.whole("min_characters", base.min_characters),
        min_mean_logprob=table.number("min_mean_logprob", base.min_mean_logprob, least=-1000, most=0),
    )


def timeout_overrides(table: Table) -> dict[str, float]:
    """What a `timeouts` table says, by the fields of `Timeouts`; the rest is as around it."""
    rate = table.table("min_rate")
    said = {
        "connect_seconds": table.seconds("connect", None),
        "first_token_seconds": table.seconds("first_token", None),
        "stall_seconds": table.seconds("stall", None),
        "total_seconds": table.seconds("total", None),
        "min_rate_characters_per_second": rate.number("characters_per_second", None),
        "min_rate_over_seconds": rate.seconds("over", None),
    }
    return {field: value for field, value in said.items() if value is not None}
