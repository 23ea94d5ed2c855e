"""`llmesc drill`: what it prints, and what a script may rely on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def card(out: str) -> dict[str, str]:
    return dict(line.split("\t") for line in out.splitlines())


def test_a_fault_is_survived_and_scored(llmesc: Run) -> None:
    done = llmesc("drill", "--fail", "lab=503", "--cut", "cloud:after=9", "--simulate")

    told = card(done.out)
    assert (done.code, done.err) == (0, "✓ all came as expected\n")
    assert told["answered"] == "✓ answered by frontier/model"
    assert told["failures_seen_as"] == "overloaded, protocol"
    assert told["characters"] == "9 taken back, 0 lost, 0 doubled"
    assert told["cost"] == "nothing"


def test_what_does_not_come_as_expected_is_said_and_is_code_3(llmesc: Run) -> None:
    done = llmesc("drill", "--fail", "*=500", "--simulate")

    assert done.code == 3
    assert done.err == "✗ the outcome is exhausted, not answered\n"


def test_a_fault_that_struck_nobody_is_named_because_nothing_was_proved_of_it(llmesc: Run) -> None:
    faults = ("--fail", "lab=503", "--cut", "frontier:after=9")

    done = llmesc("drill", *faults, "--simulate")
    told = json.loads(llmesc("drill", *faults, "--simulate", "--json").out)

    said = "≈ frontier=cut:after=9 struck nobody: whom it means was never called"
    assert (done.code, done.err.splitlines()) == (0, [said, "✓ all came as expected"])
    assert told["struck_nobody"] == ["frontier=cut:after=9"]


def test_on_a_terminal_the_drill_is_named_as_it_was_typed(llmesc: Run) -> None:
    done = llmesc("drill", "--cut", "lab:after=9", "--simulate", terminals="out")

    assert [line.split() for line in done.out.splitlines()[:2]] == [["SCORE"], ["drill", "lab=cut:after=9"]]


def test_json_holds_the_whole_drill(llmesc: Run) -> None:
    done = llmesc("drill", "--rate-limit", "lab:retry-after=60", "--asks", "2", "--simulate", "--json")

    told = json.loads(done.out)
    assert (done.code, told["right"], told["problems"], told["simulated"]) == (0, True, [], True)
    assert told["faults"] == [{"at": "lab", "fault": "rate_limit:retry_after=60"}]
    assert [one["answered_by"] for one in told["requests"]] == ["cloud/model", "cloud/model"]
    assert told["calls"] == {"lab/model": 1, "cloud/model": 2, "frontier/model": 0}
    assert told["circuits"]["lab"] == "open"


def test_a_scenario_comes_from_a_file_and_its_expectations_decide(llmesc: Run, tmp_path: Path) -> None:
    file = tmp_path / "outage.toml"
    file.write_text('simulate = true\n[[faults]]\nat = "lab"\nfault = "refused"\n[expect]\nanswered_by = "frontier"\n')

    done = llmesc("drill", str(file))

    assert (done.code, done.err) == (3, "✗ answered by cloud/model, not by frontier\n")


def test_the_users_own_chain_is_played_where_there_is_one(llmesc: Run, configure: Callable[[str], Path]) -> None:
    configure(
        '[providers.mine]\napi = "llamacpp"\ntier = "local"\n'
        '[providers.claude]\napi = "anthropic"\ntier = "frontier"\nmodels = ["big"]\napi_key = { env = "NOT_SET_ANYWHERE" }\n'
    )

    done = llmesc("drill", "--hang", "mine", "--deadline", "200ms", "--simulate")

    assert (done.code, card(done.out)["answered"]) == (0, "✓ answered by claude/big")


def test_nothing_is_left_behind_in_the_users_state(llmesc: Run, configure: Callable[[str], Path]) -> None:
    configure('[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')

    llmesc("drill", "--fail", "lab=auth", "--simulate")

    assert llmesc("history", "--json").out == "[]\n"
    assert [line["state"] for line in json.loads(llmesc("circuits", "--json").out)] == ["closed"]


def test_unless_a_state_is_named(llmesc: Run, configure: Callable[[str], Path], tmp_path: Path) -> None:
    configure('[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')
    state = f"sqlite:///{tmp_path}/drill.db"

    llmesc("--state", state, "drill", "--fail", "lab=auth", "--simulate")

    assert [line["state"] for line in json.loads(llmesc("--state", state, "circuits", "--json").out)] == ["open"]


def test_the_story_is_told_where_it_is_asked_for(llmesc: Run) -> None:
    done = llmesc("drill", "--fail", "lab=503", "--simulate", "-v")

    assert "✗ lab/model: overloaded (503, status.503)" in done.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "nothing to play; give a SCENARIO, a fault like --fail openai=503, or --catalogue"),
        (("--catalogue", "--hang", "lab"), "--catalogue brings its own faults"),
        (("--fail", "lab"), "--fail: 'lab' is no fault at a candidate; write TARGET=FAULT"),
        (("--rate-limit", "lab:after=3"), "--rate-limit: the fault rate_limit has no option 'after'; allowed: retry_after"),
        (("--hang", "lob"), "no candidate 'lob'; nearest: lab/model\nnext: llmesc chain show\n"),
        (("nowhere.toml",), "nowhere.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_played_is_a_usage_error(llmesc: Run, arguments: tuple[str, ...], problem: str) -> None:
    done = llmesc("drill", *arguments, "--simulate")

    assert done.code == 2
    assert problem in done.err


README = Path(__file__).parents[2] / "README.md"


def table(text: str) -> list[list[str]]:
    """The rows of the catalogue's Markdown table in a text, without what a machine's speed decides: the delay that was added, and
    how much of a drip was shown when its window ended.
    """
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|  | fault | seen as |"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append([*cells[:4], *cells[5:7], "" if "1 token a second" in cells[1] else cells[7]])
    return rows


def test_the_table_in_the_readme_is_what_the_catalogue_prints(llmesc: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmesc.engine.drills import catalogue

    monkeypatch.setattr(catalogue, "ADDED_SECONDS", 5.0)  # of a machine that does other things

    done = llmesc("drill", "--catalogue", "--simulate", "--markdown")

    assert done.code == 0, done.err
    printed = table(done.out)
    assert len(printed) == len(catalogue.ROWS) + 2
    assert {row[0] for row in printed[2:]} == {"✓"}
    assert table(README.read_text()) == printed, "llmesc drill --catalogue --simulate --markdown prints the rows for README.md"


class TestCatalogue:
    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from llmesc.engine.drills import catalogue

        monkeypatch.setattr(catalogue, "ROWS", catalogue.ROWS[:4])
        monkeypatch.setattr(catalogue, "ADDED_SECONDS", 5.0)

    def test_every_row_is_a_line_and_all_are_right(self, llmesc: Run) -> None:
        done = llmesc("drill", "--catalogue", "--simulate")

        rows = [line.split("\t") for line in done.out.splitlines()]
        assert (done.code, done.err) == (0, "✓ all 4 faults came out as they should\n")
        assert [(*row[:4], *row[5:]) for row in rows] == [
            ("right", "500", "server error", "1", "cloud/model", "1 failure", "0"),
            ("right", "429 with retry-after", "rate limit", "1", "cloud/model", "open", "0"),
            ("right", "429 without retry-after", "rate limit", "1", "cloud/model", "1 failure", "0"),
            ("right", "connection refused", "connection", "1", "cloud/model", "1 failure", "0"),
        ]

    def test_as_markdown_it_can_be_shown_anywhere(self, llmesc: Run) -> None:
        done = llmesc("drill", "--catalogue", "--simulate", "--markdown")

        lines = done.out.splitlines()
        assert lines[0] == "|  | fault | seen as | called | added | answered by | circuit | taken back |"
        assert lines[2].startswith("| ✓ | 500 | server error | 1 | ")
        assert len(lines) == 6

    def test_json_has_a_drill_for_each_row(self, llmesc: Run) -> None:
        told = json.loads(llmesc("drill", "--catalogue", "--simulate", "--json").out)

        assert (told["right"], len(told["rows"]), told["rows"][0]["scenario"]) == (True, 4, "500")

    def test_a_chain_that_cannot_stand_it_fails(self, llmesc: Run, configure: Callable[[str], Path]) -> None:
        configure('[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')

        done = llmesc("drill", "--catalogue", "--simulate", "--deadline", "2s")

        assert done.code == 3
        assert "✗ 500: the outcome is exhausted, not answered" in done.err
