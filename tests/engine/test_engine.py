"""The doorway: ask, start and plan over simulated providers and a real store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import llmesc
from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine, RunFilter
from llmesc.escalation.quality import Draft, Finding

pytestmark = pytest.mark.anyio

CONFIG = """
state = "{state}"
[providers.weak]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = [{{ fail = "503" }}] }}]
[providers.strong]
api = "simulated"
tier = "frontier"
models = ["m"]
[chains]
default = ["weak/m", "strong/m"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Any:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(state=f"sqlite://{tmp_path}/state.db"))
    return load(path, {})


async def test_an_answer_comes_from_the_first_that_can_and_the_history_knows_why(config: Any) -> None:
    async with Engine.open(config=config) as engine:
        reply = await engine.ask("What is Raft?")

        assert reply.answer.resolution.ref == "strong/m"
        assert [attempt.failure.kind if attempt.failure else None for attempt in reply.view.attempts] == ["overloaded", None]
        [run] = await engine.operations.history(RunFilter())
        assert (run.run_id, run.outcome, run.answered_by, run.attempts) == (reply.run_id, "answered", "strong/m", 2)
        recorded = await engine.operations.run_events(reply.run_id)
        assert [event.seq for event in recorded] == list(range(len(recorded)))


async def test_three_failures_are_obeyed_by_the_next_engine_on_the_same_state(config: Any) -> None:
    async with Engine.open(config=config) as engine:
        for _ in range(3):
            await engine.ask("hi")
    async with Engine.open(config=config) as engine:
        reply = await engine.ask("hi")

        assert [skip.reason for skip in reply.view.skipped] == ["circuit_open"]
        plan = await engine.plan("hi")
        assert [(planned.resolution.ref, planned.skip) for planned in plan.candidates] == [
            ("weak/m", "circuit_open"),
            ("strong/m", None),
        ]
        await engine.operations.reset(await engine.operations.match_circuits(["weak"]), who="test")
        assert (await engine.plan("hi")).candidates[0].skip is None


async def test_a_plan_knows_the_retry_budget_and_how_slow_a_model_has_been(tmp_path: Path) -> None:
    slow = 'script = { delay_seconds = 0.03, text = "Slow, but good enough an answer." }'
    fails = "".join(
        f'[providers.{name}]\napi = "simulated"\ntier = "local"\nmodels = [{{ name = "m", script = {{ fail = "500" }} }}]\n'
        for name in "ab"
    )
    file = tmp_path / "config.toml"
    file.write_text(
        f'state = "memory:"\n[escalation]\nretry_budget = 4\n{fails}'
        f'[providers.c]\napi = "simulated"\ntier = "cloud"\nmodels = [{{ name = "m", {slow} }}]\n'
    )
    async with Engine.open(config=load(file, {})) as engine:
        assert [planned.skip for planned in (await engine.plan("hi")).candidates] == [None, None, "retry_budget"]
        for _ in range(6):
            await engine.ask("hi", AskOptions(model="c/m", escalation=False))
        hurried = await engine.plan("hi", AskOptions(model="c/m", deadline_seconds=0.02))
        assert [planned.skip for planned in hurried.candidates] == ["no_time", None, None]
        assert "its first token usually takes" in hurried.candidates[0].detail
        with pytest.raises(llmesc.DeadlineExceeded):
            await engine.ask("hi", AskOptions(model="c/m", deadline_seconds=0.02, escalation=False))


async def test_a_check_of_the_callers_own_decides_too_and_a_broken_one_does_not(config: Any) -> None:
    def names_a_source(draft: Draft) -> list[Finding]:
        return [] if "source" in draft.text else [Finding("source", 80, "no source is named")]

    def broken(draft: Draft) -> list[Finding]:
        raise ZeroDivisionError

    warnings: list[str] = []
    async with Engine.open(config=config, on_warning=warnings.append) as engine:
        with pytest.raises(llmesc.EscalationExhausted) as raised:
            await engine.ask("hi", AskOptions(checks=(names_a_source,)))
        assert raised.value.best_answer is not None
        assert (await engine.ask("hi", AskOptions(checks=(broken,)))).text
        assert "broken" in warnings[0]


async def test_denied_models_are_rejected_until_they_are_allowed(config: Any) -> None:
    async with Engine.open(config=config) as engine:
        await engine.operations.deny("weak/*", for_seconds=60, who="ann", why="drill")
        plan = await engine.plan("hi")
        assert [(entry.resolution.ref, entry.reason) for entry in plan.chain.rejected] == [("weak/m", "denied")]

        assert len(await engine.operations.allow("weak/*")) == 1
        assert (await engine.plan("hi")).chain.rejected == ()


@pytest.mark.parametrize(
    ("options", "what"),
    [({"chain": "nightly"}, "chain"), ({"model": "strnog/m"}, "model"), ({"tier": "clowd"}, "tier")],
)
async def test_a_name_nobody_knows_is_told_before_anything_is_recorded(config: Any, options: Any, what: str) -> None:
    async with Engine.open(config=config) as engine:
        with pytest.raises(llmesc.UnknownName):
            await engine.ask("hi", AskOptions(**options))
        assert list(await engine.operations.history(RunFilter())) == []


async def test_the_pinned_model_is_the_primary_and_the_chain_stays_behind_it(config: Any) -> None:
    async with Engine.open(config=config) as engine:
        plan = await engine.plan("hi", AskOptions(model="strong/m"))
        assert [planned.resolution.ref for planned in plan.candidates] == ["strong/m", "weak/m"]


async def test_a_model_that_policy_forbids_stops_the_run(tmp_path: Path, config: Any) -> None:
    path = tmp_path / "strict.toml"
    path.write_text('[escalation]\nallowed_models = ["weak/*"]\n' + CONFIG.format(state="memory:").replace("state =", "# "))
    async with Engine.open(config=load(path, {"LLMESC_STATE": "memory:"})) as engine:
        with pytest.raises(llmesc.PolicyStopped):
            await engine.ask("hi", AskOptions(model="strong/m"))


async def test_a_store_that_is_away_costs_a_warning_and_not_the_answer(tmp_path: Path, config: Any) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database" * 1000)
    warnings: list[str] = []
    async with Engine.open(config=config, state=f"sqlite://{broken}", on_warning=warnings.append) as engine:
        assert (await engine.ask("hi")).answer.resolution.ref == "strong/m"
        with pytest.raises(llmesc.LlmescError, match=r"broken\.db"):
            await engine.operations.circuits()
    assert len(warnings) == 1
    assert "broken.db" in warnings[0]
    assert broken.read_bytes().startswith(b"this is no database")


def test_a_script_asks_without_an_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(state="memory:"))
    monkeypatch.setenv("LLMESC_CONFIG", str(path))

    assert "simulated" in llmesc.ask("hi")
