"""`llmesc records`: verify and prune, as an operator sees them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.durations import parse_duration
from tests.redis_server import RedisServer

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

CONFIG = """{records}
[providers.demo]
api = "simulated"
tier = "local"
models = [{{ name = "m", script = {{ text = "Forty-two." }} }}]
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server.start()
    server.stop()


@pytest.fixture
def asked(llmesc: Llmesc, configure: Configure) -> Callable[..., None]:
    """So many requests were answered, and then grew so old."""

    def ask(number: int, home: Path, *, aged: str | None = None, records: str = "") -> None:
        configure(CONFIG.format(records=records))
        for _ in range(number):
            assert llmesc("ask", "What is the answer?").code == 0
        if aged is not None:
            _age(home, parse_duration(aged))

    return ask


def _age(home: Path, seconds: float) -> None:
    """Moves all requests into the past, as far as pruning looks: this breaks no chain, and the lists differ from their events."""
    with closing(sqlite3.connect(home / "state" / "state.db")) as connection, connection:
        micros = int(seconds * 1_000_000)
        connection.execute("UPDATE events SET run = run - ?", (micros,))
        connection.execute("UPDATE attempts SET run = run - ?, started_at = started_at - ?", (micros, seconds))
        connection.execute("UPDATE runs SET id = id - ?, started_at = started_at - ?", (micros, seconds))


def _spoil(home: Path) -> None:
    with closing(sqlite3.connect(home / "state" / "state.db")) as connection, connection:
        connection.execute("UPDATE events SET body = replace(body, 'Forty-two', 'Forty-one')")


def test_verify_says_how_many_and_gives_the_head(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(2, home)

    done = llmesc("records", "verify")
    told = json.loads(llmesc("records", "verify", "--json").out)

    assert (done.code, done.out.splitlines()[0]) == (0, "2 requests verified")
    assert done.out.splitlines()[1] == f"head {told['head']}"
    assert (told["verified"], told["runs"], told["pruned_runs"], told["problems"]) == (True, 2, 0, [])
    assert llmesc("records", "verify", "--anchor", told["head"]).code == 0


def test_verify_names_what_was_changed_and_ends_with_1(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(1, home)
    _spoil(home)

    done, told = llmesc("records", "verify"), json.loads(llmesc("records", "verify", "--json").out)

    assert done.code == 1
    (problem,) = told["problems"]
    assert done.out.startswith(f"✗ changed: request {problem['run_id']}: its events ")
    assert (told["verified"], told["runs"], problem["flaw"]) == (False, 0, "changed")


def test_an_anchor_that_is_none_and_one_that_is_not_met(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(1, home)

    wrong, unmet = llmesc("records", "verify", "--anchor", "abc"), llmesc("records", "verify", "--anchor", "9:" + "0" * 64)

    assert (wrong.code, unmet.code) == (2, 1)
    assert "--anchor: 'abc' is no head of a chain" in wrong.err
    assert "✗ unproven: the chain: the anchor is not met: the chain ends at" in unmet.out


def test_prune_says_what_goes_asks_and_does_it(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(2, home, aged="40d")
    asked(1, home)

    no = llmesc("records", "prune", "--older-than", "30d", stdin=b"n\n", terminals="in out err")
    yes = llmesc("records", "prune", "--older-than", "30d", stdin=b"y\n", terminals="in out err")

    assert no.out.startswith("to go: 2 requests, ")
    assert "let them go? [y/N]" in no.err
    assert "nothing was pruned" in no.err
    assert "pruned: 2 requests, " in yes.out
    assert len(json.loads(llmesc("history", "--json").out)) == 1
    verified = llmesc("records", "verify")
    assert (verified.code, verified.out.splitlines()[0].split(", last on")[0]) == (0, "1 request verified · 2 pruned")


def test_a_dry_run_only_tells(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(1, home, aged="40d")

    done = llmesc("records", "prune", "--older-than", "30d", "--dry-run")
    told = json.loads(llmesc("records", "prune", "--older-than", "30d", "--dry-run", "--json").out)

    assert done.out.startswith("would go: 1 request, ")
    assert (told["dry_run"], told["runs"]) == (True, 1)
    assert told["bytes"] > 0
    assert len(json.loads(llmesc("history", "--json").out)) == 1


def test_without_a_terminal_it_needs_yes(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(1, home, aged="40d")

    refused = llmesc("records", "prune", "--older-than", "30d", terminals="")
    told = json.loads(llmesc("records", "prune", "--older-than", "30d", "--yes", "--json", terminals="").out)

    assert refused.code == 2
    assert "--yes prunes unasked" in refused.err
    assert (told["dry_run"], told["runs"]) == (False, 1)
    assert llmesc("records", "prune", "--older-than", "30d", "--yes", terminals="").err.startswith("nothing to prune")


def test_what_the_configuration_keeps_is_what_prune_takes(llmesc: Llmesc, asked: Callable[..., None], home: Path) -> None:
    asked(1, home, aged="40d")
    assert "say which requests are to go" in llmesc("records", "prune", "--yes").err
    asked(0, home, records='[records]\nkeep = "30d"')

    assert json.loads(llmesc("records", "prune", "--yes", "--json").out)["runs"] == 1


def test_each_request_takes_old_ones_with_it_where_the_configuration_says_so(
    llmesc: Llmesc, asked: Callable[..., None], home: Path
) -> None:
    asked(2, home, aged="40d")

    asked(1, home, records='[records]\nkeep = "30d"')

    assert len(json.loads(llmesc("history", "--json").out)) == 1
    assert json.loads(llmesc("records", "verify", "--json").out)["pruned_runs"] == 2


@pytest.mark.parametrize(
    ("arguments", "why", "hint"),
    [
        (("verify",), "there is no chain of digests to verify", "records status"),
        (("prune", "--older-than", "1d"), "it is not pruned by hand", "config edit"),
        (("prune", "--older-than", "1d", "--dry-run"), "it is not pruned by hand", "config edit"),
    ],
)
@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_a_state_without_a_chain_says_so_and_what_to_do(
    kind: str,
    arguments: tuple[str, ...],
    why: str,
    hint: str,
    llmesc: Llmesc,
    configure: Configure,
    request: pytest.FixtureRequest,
) -> None:
    state = "memory:" if kind == "memory" else request.getfixturevalue("redis").url
    configure(CONFIG.format(records=""))
    done = llmesc("--state", state, "records", *arguments)
    assert done.code == 1
    assert f"{state} is no SQLite file: {why}" in done.err
    assert done.err.splitlines()[-1].startswith("next: llmesc --state ")
    assert done.err.endswith(f" {hint}\n")
