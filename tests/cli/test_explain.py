"""`llmesc explain`: what a past request would meet today, without a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

TWO = """
[providers.lab]
api = "simulated"
tier = "vllm"
models = [{ name = "m", context_window = 4096 }]
script = { text = "Forty-two." }
[providers.spare]
api = "simulated"
tier = "cloud"
models = ["m"]
[chains]
default = ["lab/m", "spare/m"]
"""


@pytest.fixture
def run_id(llmesc: Llmesc, configure: Configure) -> str:
    configure(TWO)
    return str(json.loads(llmesc("ask", "why?", "--json").out)["run_id"])


def explained(llmesc: Llmesc, run_id: str) -> dict[str, Any]:
    return dict(json.loads(llmesc("explain", run_id, "--json").out))


def test_where_nothing_changed_it_says_so_and_calls_nobody(run_id: str, llmesc: Llmesc) -> None:
    made = explained(llmesc, run_id[:6])

    assert (made["run_id"], made["chain"], made["answered_by"]) == (run_id, "default", "lab/m")
    assert (made["first_now"], made["differ"], made["chain_gone"]) == ("lab/m", False, False)
    assert [(one["ref"], one["then"], one["now"]) for one in made["candidates"]] == [
        ("lab/m", "called", "call"),
        ("spare/m", "not_reached", "call"),
    ]
    assert len(llmesc("history").out.splitlines()) == 1
    shown = llmesc("explain", run_id, terminals="in out").out
    assert "today: lab/m would be called first; nothing stands otherwise than then" in shown


def test_an_open_circuit_and_a_denial_are_told_with_their_reasons(run_id: str, llmesc: Llmesc) -> None:
    llmesc("circuits", "open", "lab", "--for", "1h", "--why", "new driver")
    llmesc("models", "deny", "spare/m", "--why", "too dear")

    made = explained(llmesc, run_id)
    rows = [line.split("\t") for line in llmesc("explain", run_id).out.splitlines()]
    shown = llmesc("explain", run_id, terminals="in out").out

    assert made["first_now"] is None
    assert [[each["kind"] for each in one["differences"]] for one in made["candidates"]] == [["circuit"], ["denied"]]
    assert [row[:5] for row in rows] == [
        ["lab/m", "called", "success", "skip", "forced_open"],
        ["spare/m", "not_reached", "", "reject", "denied"],
    ]
    assert rows[0][5].endswith("Z") and "new driver" in rows[0][6]
    assert "today: nobody could be called" in shown
    assert "why   its circuit is not closed now (new driver)" in shown
    assert "too dear" in shown


def test_a_configuration_that_was_changed_is_seen(run_id: str, llmesc: Llmesc, configure: Configure) -> None:
    changed = TWO.replace("4096", "8192").replace('["lab/m", "spare/m"]', '["lab/m"]')
    configure(changed)

    lab, spare = explained(llmesc, run_id)["candidates"]

    assert [each["text"] for each in lab["differences"]] == ["its window was 4,096 tokens, and is 8,192"]
    assert [each["text"] for each in spare["differences"]] == ["it is no longer in the chain"]


def test_a_chain_that_is_no_more_is_named(llmesc: Llmesc, configure: Configure) -> None:
    configure(TWO + 'special = ["spare/m"]\n')
    run_id = json.loads(llmesc("ask", "--chain", "special", "why?", "--json").out)["run_id"]
    configure(TWO)

    assert explained(llmesc, run_id)["chain_gone"] is True
    assert "today: no chain special is configured any more" in llmesc("explain", run_id, terminals="in out").out


def test_the_tier_that_was_asked_for_still_holds(llmesc: Llmesc, configure: Configure) -> None:
    configure(TWO)
    run_id = json.loads(llmesc("ask", "--tier", "cloud", "why?", "--json").out)["run_id"]

    made = explained(llmesc, run_id)

    assert (made["first_now"], made["differ"]) == ("spare/m", False)


def test_a_request_whose_texts_were_not_kept_says_what_it_is_told_by(llmesc: Llmesc, configure: Configure) -> None:
    configure(TWO)
    run_id = json.loads(llmesc("ask", "--capture", "metadata", "why?", "--json").out)["run_id"]

    shown = llmesc("explain", run_id, terminals="in out").out

    assert "the texts were not kept" in shown
    assert "capture = metadata" in explained(llmesc, run_id)["not_kept"]


def test_a_run_that_nobody_knows_is_named(llmesc: Llmesc, configure: Configure) -> None:
    configure(TWO)

    done = llmesc("explain", "7f")

    assert (done.code != 0, "no run '7f'" in done.err) == (True, True)
