"""That the benchmark measures what it says: the work is done, it is done in full, and what is reckoned from it is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.benchmarks.beside import growth, mock, plan, processes, readme, state
from tests.benchmarks.beside.contestants.route import Chain
from tests.benchmarks.beside.drive import Worker
from tests.benchmarks.beside.environments import Absent, Peer, environment_of, peers
from tests.benchmarks.beside.field import OURS, Contestant
from tests.benchmarks.beside.figures import Figures, Spread
from tests.benchmarks.beside.provider import Provider, running
from tests.benchmarks.beside.races import RACES, Race
from tests.benchmarks.beside.report import Report
from tests.benchmarks.beside.targets import Target, targets, verdicts


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running(tmp_path_factory.mktemp("mock")) as provider:
        yield provider


def _ask(worker: Worker, provider: Provider, race: Race, **changed: object) -> dict[str, object]:
    chain = asdict(Chain(provider.bases(*race.routes), variant=worker.who.variant))
    asked = {"chain": chain, "stream": bool(race.tokens), "calls": race.at_once, "at_once": race.at_once, "expect": race.expect}
    return worker.ask({**asked, "connect": False, "between": race.between, **changed}, 60)


@pytest.mark.parametrize("who", OURS, ids=lambda who: who.name)
def test_every_race_is_run_in_full(who: Contestant, provider: Provider, tmp_path: Path) -> None:
    with Worker(who, tmp_path) as worker:
        for race in RACES:
            provider.counts()
            took = _ask(worker, provider, race)
            assert "error" not in took, race.name
            called = [route for route in race.routes if route != "refused"]
            assert provider.counts() == dict.fromkeys(called, race.at_once), race.name


def test_a_wrong_answer_is_an_error(provider: Provider, tmp_path: Path) -> None:
    with Worker(OURS[2], tmp_path) as worker:
        took = _ask(worker, provider, RACES[0], expect="Lyon")
        assert "Paris" in str(took["error"])
        assert "error" not in _ask(worker, provider, RACES[0]), "the worker lives on"


def test_llmesc_gives_the_whole_answer_where_a_stream_is_cut(provider: Provider, tmp_path: Path) -> None:
    with Worker(OURS[1], tmp_path) as worker:
        chain = asdict(Chain(provider.bases("cut10", "ok"), as_it_comes=True))
        had = worker.ask({"do": "tell", "chain": chain, "stream": True, "patience_seconds": 20}, 60)
        assert had["text"] == mock.streamed(mock.STREAMED_BY_DEFAULT)


def test_who_cannot_start_is_absent_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Absent, match="No module named 'nobody'"), Worker(Contestant("x", "x", "nobody"), tmp_path):
        pass


def test_who_cannot_be_installed_is_absent_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Absent, match="nobody could not be installed"):
        environment_of(Peer("nobody", "Nobody", (str(tmp_path / "not-there.whl"),)))


def test_a_ratio_is_taken_within_each_round() -> None:
    figures = Figures("x", "x", "µs", {"a": [10.0, 40.0, 90.0], "b": [5.0, 10.0, 30.0], "slow": [20.0, None, None]})
    assert figures.ratio("a", "b") == Spread(3.0, 2.0, 4.0)
    assert figures.difference("a", "b") == Spread(30.0, 5.0, 60.0)
    assert figures.ratio("a", "slow") == Spread(0.5, 0.5, 0.5), "only in rounds that both were in"


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("x", "a", 2.0, "b"), True),
        (Target("x", "a", 1.9, "b"), False),
        (Target("x", "a", 5.0, "b", "difference"), True),
        (Target("x", "a", 9.0, None, "value"), False),
        (Target("x", "a", 9.0, "nobody"), None),
    ],
)
def test_a_target_is_met_or_not_or_was_not_measured(target: Target, met: bool | None) -> None:
    assert target.verdict({"x": Figures("x", "x", "µs", {"a": [10.0], "b": [5.0]})}).met is met


def test_every_target_names_what_is_measured() -> None:
    races = {race.name for race in (*RACES, growth.RACE)}
    commands = {
        f"processes.{name}{suffix}" for name in ("help", "circuits", "chain-show", "ask") for suffix, *_ in processes.TOLD
    }
    known = {who.name for who in OURS} | peers().keys() | {"bare"} | {f"{size:,}" for size in (*growth.SIZES, *growth.LONG)}
    for target in targets():
        assert target.of in races | commands | {"plan.crowded", "state.attempt"}
        assert {target.who, target.beside} - {None} <= known


def test_the_figures_of_one_process_are_measured(tmp_path: Path) -> None:
    crowded = plan.run(tmp_path, 1)
    assert crowded.median("llmesc") > 0
    told = {figures.name: figures.median(state.WHO) for figures in state.run(tmp_path, 1)}
    assert told["state.attempt"] > told["state.settle"] > 0


def test_a_report_reads_on_a_terminal_and_in_the_readme() -> None:
    figures = [Figures("calls.alone", "one call", "µs a call", {"llmesc": [15.0], "httpx": [10.0]})]
    report = Report({"rounds": 1}, figures, verdicts(figures), [{"as it comes": "llmesc", "503": "1 request"}], {"x": "why"}, {})
    assert report.all_met
    assert "  met          calls.alone: llmesc ≤ 1.5 × httpx: 1.50 (1.50 to 1.50)" in list(report.lines())
    assert "| one call | 1.50 | 10.0 µs |" in list(report.markdown())
    assert readme.between("a\n<!-- beside -->\nold\n<!-- /beside -->\nb", "new") == "a\n<!-- beside -->\nnew\n<!-- /beside -->\nb"
