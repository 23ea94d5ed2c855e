"""That the benchmark measures what it says: the work is done, it is done in full, and what is reckoned from it is right."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests import redis_server
from tests.benchmarks import dashboard as benchmarked
from tests.benchmarks.beside import dashboard, growth, imports, mock, plan, processes, readme, state
from tests.benchmarks.beside.contestants.route import Chain
from tests.benchmarks.beside.drive import ROOT, Worker
from tests.benchmarks.beside.environments import Absent, Peer, clean_environment, environment_of, peers
from tests.benchmarks.beside.field import OURS, Contestant, Field
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


def test_what_must_never_happen_is_held_against_the_worst_round() -> None:
    figures = {"x": Figures("x", "x", "letters", {"a": [0.0, 0.0, 3.0]})}
    assert Target("x", "a", 0, None, "value").verdict(figures).met is True
    assert Target("x", "a", 0, None, "most").verdict(figures).met is False
    assert Target("x", "a", 3, None, "most").verdict(figures).met is True


def test_every_target_names_what_is_measured() -> None:
    races = {race.name for race in (*RACES, growth.RACE)}
    commands = {
        f"processes.{name}{suffix}" for name in ("help", "circuits", "chain-show", "ask") for suffix, *_ in processes.TOLD
    }
    known = {who.name for who in OURS} | peers().keys() | {"bare"} | {f"{size:,}" for size in (*growth.SIZES, *growth.LONG)}
    for target in targets():
        assert target.of in races | commands | {"plan.crowded", "state.attempt", dashboard.CORE, dashboard.AMISS}
        assert {target.who, target.beside} - {None} <= known


def test_the_plan_of_a_crowded_chain_is_measured(tmp_path: Path) -> None:
    assert plan.run(tmp_path, 1).median("llmesc") > 0


def test_both_states_take_the_same_steps(tmp_path: Path) -> None:
    field = Field({})
    told = {figures.name.removeprefix("state."): figures for figures in state.run(field, tmp_path, 1, without=())}
    assert told.keys() == state.STEPS.keys()
    assert not field.absent
    for who in (state.SQLITE, state.REDIS):
        assert all(len(figures.rounds[who]) == 1 for figures in told.values())
        assert told["attempt"].median(who) > told["settle"].median(who) > 0


def test_without_a_server_the_state_on_redis_is_absent_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "_NAMED", str(tmp_path / "no-server"))
    field = Field({})
    assert all([*figures.rounds] == [state.SQLITE] for figures in state.run(field, tmp_path, 1, without=()))
    assert "no-server" in field.absent[state.REDIS]
    untold = Field({})
    assert all([*figures.rounds] == [state.SQLITE] for figures in state.run(untold, tmp_path, 1, without=[state.REDIS]))
    assert not untold.absent


def test_the_dashboard_shows_every_letter_of_what_is_played(tmp_path: Path) -> None:
    told = {figures.name: figures.median("llmesc") for figures in dashboard.run(tmp_path, 1, tokens=1_000)}
    assert told.keys() == {dashboard.CORE, dashboard.AMISS}
    assert told[dashboard.CORE] > 0
    assert told[dashboard.AMISS] == 0


def test_a_letter_that_is_missing_and_one_too_many_are_both_amiss() -> None:
    assert benchmarked.apart(Counter("raft"), Counter("raft")) == 0
    assert benchmarked.apart(Counter("rat"), Counter("raft")) == 1
    assert benchmarked.apart(Counter("raaft"), Counter("raftx")) == 2


IMPORTED = """\
import time: self [us] | cumulative | imported package
import time:       300 |        300 |   posix
import time:       700 |       1000 | site
import time:       500 |        500 |     _ssl
import time:      1500 |       2000 |   ssl
waiting …import time:      1000 |       1000 |     h11._state
import time:      2000 |       5000 | llmesc.cli
"""


def test_imports_are_summed_by_package_without_those_that_they_import() -> None:
    assert imports.by_package(IMPORTED) == {imports.START: 1.0, "ssl": 2.0, "h11": 1.0, "llmesc": 2.0}


def test_the_parts_of_all_imports_are_the_largest_packages_and_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "LARGEST", 2)
    one = {imports.START: 1.0, "llmesc": 2.0, "ssl": 9.0, "typer": 8.0, "json": 3.0, "h11": 4.0, "asyncio": 5.0}
    other = {imports.START: 1.0, "llmesc": 2.0, "ssl": 7.0, "typer": 8.0}
    figures = imports.figures("x", "x", [one, other])
    assert [*figures.rounds.items()] == [
        (imports.ALL, [32.0, 18.0]),
        ("llmesc", [2.0, 2.0]),
        ("ssl", [9.0, 7.0]),
        ("typer", [8.0, 8.0]),
        (imports.LIBRARY, [8.0, 0.0]),
        (imports.OTHERS, [4.0, 0.0]),
        (imports.START, [1.0, 1.0]),
    ]


def test_a_command_tells_what_it_imports(tmp_path: Path) -> None:
    env = clean_environment(HOME=str(tmp_path), LLMESC_HOME=str(tmp_path), PYTHONPATH=str(ROOT))
    taken = imports.once([sys.executable, "-m", "llmesc", "--help"], env)
    assert {imports.START, "llmesc", "typer"} <= taken.keys()
    assert "httpx" not in taken
    with pytest.raises(RuntimeError, match="importtime -c 1/0 ended with 1"):
        imports.once([sys.executable, "-c", "1/0"], env)


def test_a_report_reads_on_a_terminal_and_in_the_readme() -> None:
    figures = [
        Figures("calls.alone", "one call", "µs a call", {"llmesc": [15.0], "httpx": [10.0]}),
        Figures("state.read", "read", "µs", {state.SQLITE: [10.0], state.REDIS: [100.0]}),
        Figures("processes.ask-imports", "`ask`: imports", "ms", {"all": [78.0], "llmesc": [20.0], "ssl": [5.0]}, parts=True),
        Figures(dashboard.AMISS, "letters", "letters", {"llmesc": [0]}),
    ]
    report = Report({"rounds": 1}, figures, verdicts(figures), [{"as it comes": "llmesc", "503": "1 request"}], {"x": "why"}, {})
    assert report.all_met
    assert "  met          calls.alone: llmesc ≤ 1.5 × httpx: 1.50 (1.50 to 1.50)" in list(report.lines())
    assert "  met          dashboard.amiss: llmesc ≤ 0: 0 (0 to 0)" in list(report.lines())
    rows = list(report.markdown())
    assert "| one call | 1.50 | 10.0 µs |" in rows
    assert "| read | 10.0 µs | llmesc-redis: 100 |" in rows
    assert "| `ask`: imports | 78.0 ms | llmesc 20.0, ssl 5.00 |" in rows
    assert "| letters | 0 letters |  |" in rows
    assert report.as_json()["figures"][2]["parts"] is True
    assert readme.between("a\n<!-- beside -->\nold\n<!-- /beside -->\nb", "new") == "a\n<!-- beside -->\nnew\n<!-- /beside -->\nb"
