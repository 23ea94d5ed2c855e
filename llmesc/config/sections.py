"""The sections that are not about providers: `[escalation]`, `[circuit]`, `[quality]`, `[timeouts]` and the like."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast, get_args

from llmesc.config.model import DashboardConfig, FleetSettings, QualityCommand, QualityJudge, RecordSettings
from llmesc.config.reading import Table
from llmesc.config.sink_section import sinks
from llmesc.config.wording import shown
from llmesc.escalation.capture import MODES, CaptureMode
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.hedging import HEDGE_WORDS, HedgeAfter
from llmesc.escalation.limits import AllOpen, GateMode, Limits, Resume
from llmesc.escalation.quality import DEFAULT_WEIGHTS, CheckName, QualitySettings
from llmesc.escalation.retry_budget import RetryPolicy
from llmesc.escalation.waiting import WaitOrEscalate


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
        wait_or_escalate=cast(
            "WaitOrEscalate", table.choice("wait_or_escalate", get_args(WaitOrEscalate), base.wait_or_escalate)
        ),
        all_open=cast("AllOpen", table.choice("all_open", get_args(AllOpen), base.all_open)),
        retries=RetryPolicy(
            tokens=table.number("retry_budget", base.retries.tokens, most=1000),
            refund=table.number("retry_refund", base.retries.refund, least=0.001, most=1000),
        ),
        denial_seconds=table.seconds("denial", base.denial_seconds),
        max_tool_rounds=table.whole("max_tool_rounds", base.max_tool_rounds),
        tool_timeout_seconds=table.seconds("tool_timeout", base.tool_timeout_seconds),
        resume=cast("Resume", table.choice("resume", get_args(Resume), base.resume)),
        gate=cast("GateMode", table.choice("gate", get_args(GateMode), base.gate)),
        gate_characters=table.whole("gate_characters", base.gate_characters),
        gate_seconds=table.seconds("gate_time", base.gate_seconds),
        hedge_after=cast("HedgeAfter", table.seconds_or("hedge_after", HEDGE_WORDS, base.hedge_after)),
        last_grace=table.number("last_grace", base.last_grace, least=1, most=100),
    )


def records(table: Table) -> RecordSettings:
    """`[records]`."""
    base = RecordSettings()
    settings = RecordSettings(
        capture=cast("CaptureMode", table.choice("capture", MODES, base.capture)),
        key=table.secret("key"),
        sinks=sinks(table),
        exit_wait_seconds=table.seconds("exit_wait", base.exit_wait_seconds),
        keep_seconds=table.seconds("keep", None),
        max_bytes=table.size("max_size", None),
    )
    if settings.capture == "encrypted" and settings.key is None and "key" not in table:
        table.wrong(
            "key", "missing; allowed: { env = … }, { file = … } or { keyring = … }, for what `openssl rand -base64 32` prints"
        )
    return settings


def fleet(table: Table) -> FleetSettings:
    """`[fleet]`."""
    return FleetSettings(url=table.redis_url("url"), key=table.secret("key"))


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


_CHECK_NAME = re.compile(r"[\w-]{1,40}")
_COMMAND = '{ name = "house-style", run = "./check.py --strict" }'


def quality_commands(table: Table) -> tuple[QualityCommand, ...]:
    """`[[quality.commands]]`. Each says its name in the verdict, so no two checks share one."""
    taken = {"judge", *get_args(CheckName)}
    return tuple(_quality_command(row, taken) for row in table.rows("commands", _COMMAND))


def _quality_command(table: Table, taken: set[str]) -> QualityCommand:
    for key in ("name", "run"):
        if key not in table:
            table.wrong(key, f"missing; allowed: a table like {_COMMAND}")
    name, run = table.text("name", None), table.command("run")
    if name is not None and not _CHECK_NAME.fullmatch(name):
        table.wrong("name", f"found {shown(name)}; allowed: up to 40 letters, digits, _ and -")
    elif name in taken:
        table.wrong("name", f"found {shown(name)}; allowed: a name that is not taken, as {', '.join(sorted(taken))} are")
    elif name is not None:
        taken.add(name)
    base = QualityCommand(name=name or "", run=run or ())
    return replace(
        base,
        weight=table.whole("weight", base.weight, least=0, most=100),
        timeout_seconds=table.seconds("timeout", base.timeout_seconds),
        directory=table.document.path.absolute().parent,
    )


def quality_judge(table: Table) -> QualityJudge | None:
    """`[quality.judge]`. That somebody offers the model is not judged here."""
    judge = table.table("judge")
    if "judge" not in table:
        return None
    if "model" not in judge:
        judge.wrong("model", "missing; allowed: provider/model or provider@instance/model")
    base = QualityJudge(model=judge.text("model", ""))
    return replace(
        base,
        weight=judge.whole("weight", base.weight, least=0, most=100),
        timeout_seconds=judge.seconds("timeout", base.timeout_seconds),
        instructions=judge.text("instructions", None),
    )


def dashboard(table: Table) -> DashboardConfig:
    """`[dashboard]`. Commands are named with dots, so `circuit.reset = "x"` in `[dashboard.keys]` is read as it is meant."""
    return DashboardConfig(theme=table.text("theme", None), keys=table.dotted_texts("keys"))


def timeout_overrides(table: Table) -> dict[str, Any]:
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
    present: dict[str, Any] = {field: value for field, value in said.items() if value is not None}
    return {**present, "first_token_is_set": True} if "first_token_seconds" in present else present
