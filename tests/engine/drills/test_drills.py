"""Every fault at the first, the second and the only candidate, streamed or not: over the real wires, on loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.model import Config
from llmesc.config.secrets import SecretRef
from llmesc.engine.drills import ROWS, Drilled, Expected, Injection, Row, Scenario, drill, example_chain, parse_fault, play_rows
from llmesc.engine.options import AskOptions
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.events import Event
from llmesc.escalation.fold import RunView
from llmesc.escalation.secret import Secret
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.behaviours import ANSWER

pytestmark = pytest.mark.anyio

QUICK = {"first_token_seconds": 0.1, "stall_seconds": 0.1, "min_rate_over_seconds": 0.1}
AT_ONCE = [row for row in ROWS if row.fault != "drip:rate=1"]
"""What shows within a tenth of a second."""

Play = Callable[..., Awaitable[Drilled]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    async def play(*faults: str, config: Config | None = None, on_event: Any = None, **more: Any) -> Drilled:
        said = [fault.partition("=") for fault in faults]
        injections = tuple(Injection(target=target, fault=parse_fault(fault)) for target, _, fault in said)
        options = more.pop("options", AskOptions(deadline_seconds=5.0))
        scenario = Scenario(name="test", injections=injections, **{"simulate": True, "options": options, **more})
        return await drill(
            scenario, config or example_chain(), environ={}, base_dir=tmp_path, warn=pytest.fail, on_event=on_event
        )

    return play


def only(config: Config) -> Config:
    return replace(config, providers=config.providers[:1])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("row", AT_ONCE, ids=[row.words for row in AT_ONCE])
class TestEveryFault:
    async def test_at_the_first_candidate_the_second_answers(self, row: Row, stream: bool, play: Play) -> None:
        timeouts = QUICK if row.timeouts else {}

        drilled = await play(f"lab={row.fault}", stream=stream, timeouts=timeouts, expected=Expected(seen_as=row.seen_as))

        assert drilled.problems == ()
        assert drilled.scores[0].answered_by == "cloud/model"
        assert drilled.scores[0].view.visible == ANSWER
        assert drilled.totals.calls == {"lab/model": 1, "cloud/model": 1, "frontier/model": 0}

    async def test_at_the_second_the_third_answers(self, row: Row, stream: bool, play: Play) -> None:
        timeouts = QUICK if row.timeouts else {}

        drilled = await play("lab=503", f"cloud={row.fault}", stream=stream, timeouts=timeouts)

        assert drilled.problems == ()
        assert drilled.scores[0].seen_as == ("overloaded", row.seen_as)
        assert drilled.scores[0].answered_by == "frontier/model"
        assert drilled.scores[0].view.visible == ANSWER
        assert drilled.totals.calls == {"lab/model": 1, "cloud/model": 1, "frontier/model": 1}

    async def test_at_the_only_one_the_run_ends_and_says_why(self, row: Row, stream: bool, play: Play) -> None:
        timeouts = QUICK if row.timeouts else {}

        drilled = await play(f"lab={row.fault}", stream=stream, timeouts=timeouts, config=only(example_chain()))

        [one] = drilled.scores
        assert (one.outcome, one.seen_as) == ("below_bar" if row.seen_as == "quality" else "exhausted", (row.seen_as,))
        assert drilled.totals.calls == {"lab/model": 1}
        assert drilled.problems == (f"the outcome is {one.outcome}, not answered",)


@pytest.mark.parametrize("api", ["openai", "openai-responses", "anthropic", "gemini", "ollama"])
async def test_each_wire_sees_the_faults_as_what_they_are(api: Any, play: Play) -> None:
    for fault, seen_as in {"500": "server_error", "cut": "protocol", "auth": "auth", "error_first": "rate_limit"}.items():
        drilled = await play(f"lab={fault}", config=example_chain(api), expected=Expected(seen_as=seen_as, calls={"lab": 1}))

        assert drilled.problems == (), fault


async def test_a_row_of_the_catalogue_is_played_over_a_chain_and_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from llmesc.engine.drills import catalogue

    quick = {**QUICK, "stall_seconds": 0.2, "min_rate_over_seconds": 0.2, "min_rate_characters_per_second": 400.0}
    drip = replace(ROWS[-1], fault="drip:rate=8", timeouts=quick)
    monkeypatch.setattr(catalogue, "ROWS", (ROWS[0], replace(ROWS[1], circuit="nothing"), drip))

    async def play(scenario: Scenario) -> Drilled:
        return await drill(scenario, example_chain(), environ={}, base_dir=tmp_path, warn=pytest.fail)

    rows = [row async for row in play_rows(play, "lab/model", Scenario(name="", simulate=True))]

    assert [(row.row.words, row.circuit) for row in rows] == [
        ("500", "1 failure"),
        ("429 with retry-after", "open"),
        ("1 token a second", "1 failure"),
    ]
    assert [problem for row in rows for problem in row.problems if "added" not in problem] == [
        "the circuit learned open, not nothing"
    ]


async def test_a_fault_strikes_so_many_calls() -> None:
    twice = Injection(target="lab", fault=parse_fault("503"), times=2)

    drilled = await play_one(twice, asks=3)

    assert [score.answered_by for score in drilled.scores] == ["cloud/model", "cloud/model", "lab/model"]
    assert drilled.totals.calls["lab/model"] == 3


async def play_one(injection: Injection, **more: Any) -> Drilled:
    scenario = Scenario(name="test", injections=(injection,), simulate=True, **more)
    return await drill(scenario, example_chain(), environ={}, base_dir=Path(), warn=pytest.fail)


async def test_a_fault_has_a_beginning_and_an_end() -> None:
    later = Injection(target="lab", fault=parse_fault("refused"), from_seconds=0.15, until_seconds=0.4)

    drilled = await play_one(later, asks=3, every_seconds=0.25)

    assert [score.answered_by for score in drilled.scores] == ["lab/model", "cloud/model", "lab/model"]


async def test_the_scratch_state_is_shared_by_the_requests_of_a_drill(play: Play) -> None:
    drilled = await play("lab=auth", asks=2, expected=Expected(calls={"lab": 1}, circuits={"lab": "open", "cloud": "closed"}))

    assert drilled.problems == ()
    assert [score.moves for score in drilled.scores] == [("lab closed → open",), ()]


async def test_a_key_is_neither_needed_nor_sent_where_a_candidate_is_played(play: Play) -> None:
    config = example_chain()
    provider = config.providers[0]
    secret = SecretRef(source="inline", target="", inline=Secret("sk-canary-0123456789"), key="k")
    missing = SecretRef(source="env", target="NOT_SET", key="k")
    keyed = [replace(provider, instances=(replace(provider.instances[0], api_key=key),)) for key in (secret, missing)]
    for one in keyed:
        drilled = await play("lab=empty", config=replace(config, providers=(one, *config.providers[1:])))

        assert drilled.totals.calls["lab/model"] == 1


async def test_who_is_not_played_is_really_called(play: Play) -> None:
    async with FaultServer() as real:
        config = example_chain()
        lab = config.providers[0]
        instance = replace(lab.instances[0], base_url=real.base_url)
        second = replace(lab, name="real", instances=(instance,))
        drilled = await play("lab=cut:after=9", simulate=False, config=replace(config, providers=(lab, second)))

        assert (drilled.scores[0].answered_by, real.count("model")) == ("real/model", 1)
        assert drilled.scores[0].taken_back == 9
        assert drilled.totals.calls == {"lab/model": 1, "real/model": 1}


async def test_every_event_is_handed_on_as_it_comes(play: Play) -> None:
    seen: list[Event] = []

    async def on_event(event: Event, view: RunView) -> None:
        assert view.events == event.seq + 1
        seen.append(event)

    await play("lab=503", on_event=on_event)

    assert (seen[0].type, seen[-1].type) == ("run_started", "run_finished")


async def test_a_target_that_means_nobody_is_refused_before_anybody_is_called(play: Play) -> None:
    with pytest.raises(UnknownName, match="nobody"):
        await play("nobody=503")


@pytest.mark.parametrize(
    ("expected", "problem"),
    [
        (Expected(outcome="exhausted"), "the outcome is answered, not exhausted"),
        (Expected(answered_by="lab"), "answered by cloud/model, not by lab"),
        (Expected(within_seconds=1e-9), " s, not 1e-09 s at most"),
        (Expected(seen_as="timeout"), "the first failure was seen as overloaded, not as timeout"),
        (Expected(calls={"lab": 0}), "lab was called 1 times, at most 0 were right"),
        (Expected(circuits={"lab": "open"}), "the circuit of lab is closed, not open"),
        (Expected(cost=Decimal("0.00001")), "it cost $0.000107, at most $0.00001 was right"),
        (Expected(added_seconds=0.0), "ms were added, at most 0 ms are right"),
    ],
)
async def test_what_is_not_as_expected_is_said(expected: Expected, problem: str, play: Play) -> None:
    drilled = await play("lab=503", expected=expected)

    assert not drilled.right
    assert [problem in found for found in drilled.problems] == [True], drilled.problems


async def test_a_drill_shows_what_hedging_saves(play: Play) -> None:
    options = AskOptions(deadline_seconds=20.0, hedge_after=0.1)
    expected = Expected(answered_by="cloud", seen_as="hedged_away", circuits={"lab": "closed"})

    drilled = await play("lab=hang", options=options, expected=expected)

    assert drilled.problems == ()
    [score] = drilled.scores
    assert (score.seen_as, score.taken_back, score.doubled) == (("hedged_away",), 0, 0)
    assert drilled.totals.weights[score.view.attempts[0].resolution.circuit_key] == 0
    assert drilled.added_seconds is None, "no fault was waited for until it was known"
