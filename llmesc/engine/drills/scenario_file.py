"""A scenario from its TOML file, or every mistake in it at once.

name = "the cloud is away"
chain = "default"                 # what of a request may be said: also model, deadline, max_cost, max_attempts, resume, gate
prompt = "What is Raft?"
simulate = true                   # every candidate is played; false: only those with faults
asks = 3                          # requests, one after the other,
every = "2s"                      # and so long from the start of one to that of the next
timeouts = { first_token = "2s" } # of every candidate; the rest is as configured

[[faults]]
at = "openai"                     # provider, provider@instance, either with /model, or a glob
fault = "rate-limit:retry-after=5"
from = "1s"                       # since the drill began
until = "5s"
times = 2                         # for so many calls of each candidate

[expect]
outcome = "answered"
answered_by = "claude"
within = "5s"
seen_as = "rate_limit"
calls = { openai = 1 }
circuits = { openai = "open" }
cost = "0.01"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import cast, get_args

from llmesc.config.locate import key_lines
from llmesc.config.reading import Document, Table
from llmesc.config.sections import timeout_overrides
from llmesc.engine.drills.faults import parse_fault
from llmesc.engine.drills.scenario import PROMPT, Expected, Injection, Scenario
from llmesc.engine.options import AskOptions
from llmesc.escalation.circuits import CircuitState
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.events import RunOutcome
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.hedging import HEDGE_WORDS, HedgeAfter
from llmesc.escalation.limits import GateMode, Resume


def read_scenario(path: Path) -> Scenario:
    """The scenario at `path`. Raises `ConfigError` with every mistake. Whether targets mean anybody is not judged here."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        raise ConfigError((f"{path}: {error.strerror or error}",)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError((f"{path}: not TOML: {error}",)) from None
    document = Document(path, key_lines(text))
    scenario = _scenario(document.open((), content), path.stem)
    if problems := document.problems():
        raise ConfigError(problems)
    return scenario


def _scenario(top: Table, name: str) -> Scenario:
    return Scenario(
        name=top.text("name", name),
        injections=tuple(_injection(row) for row in top.rows("faults", '{ at = "openai", fault = "503" }')),
        prompt=top.text("prompt", PROMPT),
        stream=top.flag("stream", True),
        asks=top.whole("asks", 1, most=1000),
        every_seconds=top.seconds("every", 0.0),
        simulate=top.flag("simulate", False),
        timeouts=timeout_overrides(top.table("timeouts")),
        options=_options(top),
        expected=_expected(top.table("expect")),
    )


def _options(top: Table) -> AskOptions:
    return AskOptions(
        chain=top.text("chain", None),
        model=top.text("model", None),
        max_attempts=top.whole("max_attempts", None),
        deadline_seconds=top.seconds("deadline", None),
        max_cost=top.money("max_cost", None),
        resume=cast("Resume | None", top.choice("resume", get_args(Resume), None)),
        gate=cast("GateMode | None", top.choice("gate", get_args(GateMode), None)),
        hedge_after=cast("HedgeAfter | None", top.seconds_or("hedge_after", HEDGE_WORDS, None)),
    )


def _injection(row: Table) -> Injection:
    for key in ("at", "fault"):
        if key not in row:
            row.wrong(key, 'missing; allowed: a table like { at = "openai", fault = "503" }')
    written = row.text("fault", "500")
    try:
        fault = parse_fault(written)
    except ValueError as error:
        row.wrong("fault", str(error))
        fault = parse_fault("500")
    return Injection(
        target=row.text("at", ""),
        fault=fault,
        from_seconds=row.seconds("from", 0.0),
        until_seconds=row.seconds("until", float("inf")),
        times=row.whole("times", None),
    )


def _expected(table: Table) -> Expected:
    calls, circuits = table.table("calls"), table.table("circuits")
    return Expected(
        outcome=table.choice("outcome", [outcome.value for outcome in RunOutcome], "answered"),
        answered_by=table.text("answered_by", None),
        within_seconds=table.seconds("within", None),
        seen_as=table.choice("seen_as", [*(kind.value for kind in FailureKind), "quality", "hedged_away"], None),
        calls={target: calls.whole(target, 0, least=0) for target in calls},
        circuits={target: circuits.choice(target, [state.value for state in CircuitState], "closed") for target in circuits},
        cost=table.money("cost", None),
    )
