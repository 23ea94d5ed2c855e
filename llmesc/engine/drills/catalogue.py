"""Every fault that a provider is known to have, at the first candidate of a chain: what it must be taken for, and what must come
of it.

The faults that only time shows are played with short limits, which the row states, so that all of them take a few seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import field, replace

from llmesc.engine.drills.drill import Drilled
from llmesc.engine.drills.faults import parse_fault
from llmesc.engine.drills.scenario import Expected, Injection, Scenario, meant
from llmesc.escalation.light_dataclass import dataclass

ADDED_SECONDS = 0.02
"""The longest time that may pass from the moment a fault can be known to the next attempt."""

QUICK = {"first_token_seconds": 0.3}
STALLS = {**QUICK, "stall_seconds": 0.3, "min_rate_over_seconds": 0.3}
DRIPS = {**QUICK, "stall_seconds": 1.2, "min_rate_over_seconds": 1.2, "min_rate_characters_per_second": 30.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, and what is right."""

    words: str
    fault: str
    seen_as: str
    circuit: str = "1 failure"
    """What the circuit of the first candidate learns: `nothing`, `½ failure`, `1 failure` or `open`."""
    timeouts: Mapping[str, float] = field(default_factory=dict)


ROWS = (
    Row("500", "500", "server_error"),
    Row("429 with retry-after", "rate_limit:retry_after=60", "rate_limit", "open"),
    Row("429 without retry-after", "rate_limit", "rate_limit"),
    Row("connection refused", "refused", "connection"),
    Row("connection reset", "reset", "connection"),
    Row("503", "503", "overloaded"),
    Row("200 with a page of HTML", "html", "protocol"),
    Row("200 with an error inside", "error_in_stream", "server_error"),
    Row("no credit (402)", "no_credit", "account", "open"),
    Row("key rejected (401)", "auth", "auth", "open"),
    Row("no access to the model (403)", "permission", "permission", "nothing"),
    Row("no such model (404)", "no_model", "model_unavailable", "nothing"),
    Row("malformed request (400)", "bad_request", "payload", "nothing"),
    Row("prompt too long (400)", "overflow", "context_overflow", "nothing"),
    Row("the filter refuses (400)", "policy", "content_policy", "nothing"),
    Row("hangs, no first token", "hang", "timeout", timeouts=QUICK),
    Row("empty answer", "empty", "quality", "½ failure"),
    Row("the model refuses", "refusal", "quality", "½ failure"),
    Row("the model repeats itself", "garbage", "quality", "½ failure"),
    Row("cut at the token limit", "length", "quality", "½ failure"),
    Row("connection cut in mid-answer", "cut:after=40", "protocol"),
    Row("ends without a finish", "no_finish", "protocol"),
    Row("broken JSON in mid-stream", "bad_json_midway", "protocol"),
    Row("role chunk, then nothing", "role_then_hang", "timeout", timeouts=QUICK),
    Row("stalls in mid-answer", "stall:after=40", "timeout", timeouts=STALLS),
    Row("keep-alives only", "keep_alives", "timeout", timeouts=QUICK),
    Row("1 token a second", "drip:rate=1", "timeout", timeouts=DRIPS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDrilled:
    """What came of one row."""

    row: Row
    drilled: Drilled
    circuit: str
    """What the circuit of the first candidate learned."""
    problems: tuple[str, ...]
    """What is not as it should be; none: all is right."""


PlayScenario = Callable[[Scenario], Awaitable[Drilled]]


async def play_rows(
    play: PlayScenario, target: str, scenario: Scenario, *, added_seconds: float | None = ADDED_SECONDS
) -> AsyncIterator[RowDrilled]:
    """Each row in turn, the fault at `target`; `scenario` says the rest. Nobody may call the target twice, or add more than
    `added_seconds`; None: that is not judged, for who does something else in the same process.

    The first row is played once before, for nothing: a process that has just begun loads what it needs for a failure when the
    first one comes, which takes some 50 ms once.
    """
    scenarios = [_quick(row, row_scenario(row, target, scenario), added_seconds) for row in ROWS]
    await play(scenarios[0])
    for row, one in zip(ROWS, scenarios, strict=True):
        yield judged(row, target, await _on_a_quiet_machine(play, one))


def row_scenario(row: Row, target: str, scenario: Scenario) -> Scenario:
    """One row at the limits that are configured, the fault at `target`; `scenario` says the rest."""
    return replace(
        scenario,
        name=row.words,
        injections=(Injection(target=target, fault=parse_fault(row.fault)),),
        options=replace(scenario.options, hedge_after="off"),  # what each fault is taken for is asked, not who outruns it
        expected=Expected(seen_as=row.seen_as, calls={target: 1}),
    )


def judged(row: Row, target: str, drilled: Drilled) -> RowDrilled:
    """What came of `row_scenario`, with what the circuit learned."""
    circuit = _learned(drilled, target)
    wrong = () if circuit == row.circuit else (f"the circuit learned {circuit}, not {row.circuit}",)
    return RowDrilled(row=row, drilled=drilled, circuit=circuit, problems=(*drilled.problems, *wrong))


async def _on_a_quiet_machine(play: PlayScenario, scenario: Scenario) -> Drilled:
    """What came of it. Where it took too long others may have held the machine: it is played again, twice at most."""
    most = scenario.expected.added_seconds
    for _ in range(2):
        drilled = await play(scenario)
        if most is None or drilled.added_seconds is None or drilled.added_seconds <= most:
            return drilled
    return await play(scenario)


def _quick(row: Row, scenario: Scenario, added_seconds: float | None) -> Scenario:
    """With the row's short limits, and the time that may be added."""
    return replace(
        scenario,
        timeouts={**scenario.timeouts, **row.timeouts},
        expected=replace(scenario.expected, added_seconds=added_seconds),
    )


def _learned(drilled: Drilled, target: str) -> str:
    """What a circuit that was closed and counted nothing has learned, as rows say it."""
    key = meant(target, drilled.candidates)[0].circuit_key
    state, weight = drilled.totals.circuits[key], drilled.totals.weights[key]
    return state if state != "closed" else {0.0: "nothing", 0.5: "½ failure"}.get(weight, f"{weight:g} failure")
