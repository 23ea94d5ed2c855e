"""`llmesc circuits` and `llmesc chain show`: looking, and putting right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.latency import LEARNED_FROM_CALLS

Llmesc = Callable[..., Any]

LAB = """
[providers.lab]
api = "simulated"
tier = "vllm"
models = [{ name = "qwen", context_window = 100, price = { input_per_million = "0.10", output_per_million = "0.40" } }]
instances.gpu1 = {}
instances.gpu2 = {}
[providers.spare]
api = "simulated"
tier = "cloud"
models = ["m"]
"""


@pytest.fixture(autouse=True)
def _lab(configure: Callable[[str], Path]) -> None:
    configure(LAB)


def states(llmesc: Llmesc) -> dict[str, str]:
    rows = [line.split("\t") for line in llmesc("circuits").out.splitlines()]
    return {row[0]: row[1] for row in rows}


def test_the_list_shows_every_instance_to_eyes_to_programs_and_as_json(llmesc: Llmesc) -> None:
    assert states(llmesc) == {"lab@gpu1": "closed", "lab@gpu2": "closed", "spare": "closed"}
    assert [line["circuit"] for line in json.loads(llmesc("circuits", "--json").out)] == ["lab@gpu1", "lab@gpu2", "spare"]
    shown = llmesc("circuits", "list", terminals="in out").out.splitlines()
    assert shown[0].split() == ["CIRCUIT", "STATE", "FAILURES"]
    assert "lab@gpu1  ● closed" in shown[1]


def test_the_list_may_be_narrowed(llmesc: Llmesc) -> None:
    assert [line.split("\t")[0] for line in llmesc("circuits", "list", "lab").out.splitlines()] == ["lab@gpu1", "lab@gpu2"]
    assert [line.split("\t")[0] for line in llmesc("circuits", "list", "*2").out.splitlines()] == ["lab@gpu2"]


def test_a_forced_circuit_says_who_why_and_how_long_everywhere(llmesc: Llmesc) -> None:
    opened = llmesc("circuits", "open", "lab@gpu1", "--for", "2h", "--why", "new driver")

    assert opened.code == 0
    assert opened.out.startswith("lab@gpu1: open, was closed; forced open by ")
    assert ": new driver, until " in opened.out
    assert opened.out.endswith(" min)\n") or opened.out.endswith(" h)\n")
    assert llmesc("circuits", "open", "spare").out.endswith(", until llmesc circuits reset\n")
    llmesc("circuits", "reset", "spare")
    assert states(llmesc) == {"lab@gpu1": "open", "lab@gpu2": "closed", "spare": "closed"}
    row = llmesc("circuits", "list", "lab@gpu1").out.rstrip("\n").split("\t")
    assert row[3].endswith("Z")
    assert "new driver" in row[5]
    shown = llmesc("circuits", "show", "lab@gpu1", terminals="in out").out
    assert "○ open" in shown
    assert "new driver" in shown
    plan = llmesc("chain", "show", terminals="in out", width=200).out
    assert "skipped, forced open: new driver; may be tried at" in plan


def test_reset_says_what_changed_and_what_did_not(llmesc: Llmesc) -> None:
    llmesc("circuits", "open", "lab@gpu1", "--why", "new driver")

    done = llmesc("circuits", "reset", "lab")

    first, second = done.out.splitlines()
    assert first.startswith("lab@gpu1: closed, was open (forced open by ")
    assert second == "lab@gpu2: closed, as before"
    assert set(states(llmesc).values()) == {"closed"}


def test_reset_all_is_all(llmesc: Llmesc) -> None:
    llmesc("circuits", "open", "*")

    done = llmesc("circuits", "reset", "--all", "--json")

    assert [change["after"]["state"] for change in json.loads(done.out)["changed"]] == ["closed"] * 3


def test_closed_by_force_is_shown_as_such(llmesc: Llmesc) -> None:
    done = llmesc("circuits", "close", "spare", terminals="in out")

    assert done.out.startswith("spare: ● closed, was closed; forced closed by ")


def test_an_unknown_circuit_names_the_nearest_and_changes_nothing(llmesc: Llmesc) -> None:
    done = llmesc("circuits", "open", "lab@gpu1", "lab@gpu3")

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0].startswith("error: no circuit 'lab@gpu3'; nearest: lab@gpu")
    assert done.err.splitlines()[1] == "next: llmesc circuits list"
    assert set(states(llmesc).values()) == {"closed"}


def test_reset_denied_allows_the_models_of_the_instances_again(llmesc: Llmesc) -> None:
    llmesc("models", "deny", "lab@gpu1/qwen", "spare/m", "--why", "poor")

    done = llmesc("circuits", "reset", "lab", "--denied")

    assert done.out.splitlines()[-1] == "lab@gpu1/qwen: allowed, was denied (poor)"
    assert [row["ref"] for row in json.loads(llmesc("models", "--json").out) if row["denial"]] == ["spare/m"]


def test_the_chain_shows_candidates_with_window_and_price_and_the_rejected(llmesc: Llmesc) -> None:
    llmesc("models", "deny", "spare/m", "--for", "1h", "--why", "poor")

    rows = [line.split("\t") for line in llmesc("chain", "show").out.splitlines()]

    assert rows[0] == ["1", "lab@gpu1/qwen", "vllm", "primary", "100", "$0.10 in, $0.40 out (configuration)", "closed", "call"]
    assert rows[1][:4] == ["2", "lab@gpu2/qwen", "vllm", "lateral"]
    assert rows[2][1] == "spare/m"
    assert rows[2][7].startswith("reject denied")


def test_the_chain_for_a_prompt_counts_its_length(llmesc: Llmesc) -> None:
    made = json.loads(llmesc("chain", "show", "--for", "word " * 200, "--json").out)

    assert made["estimated_tokens"] > 100
    assert [candidate["ref"] for candidate in made["candidates"]] == ["spare/m"]
    assert {rejected["reason"] for rejected in made["rejected"]} == {"context_too_small"}


def test_an_unknown_chain_names_the_nearest(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(LAB + '[chains]\nnight = ["lab/qwen"]\n')

    done = llmesc("chain", "show", "--chain", "nigth")

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == ["error: no chain 'nigth'; nearest: night", "next: llmesc config show"]


def test_models_are_listed_denied_and_allowed(llmesc: Llmesc) -> None:
    denied = llmesc("models", "deny", "lab/qwen", "--for", "30m", "--why", "wrong answers")
    listed = llmesc("models", terminals="in out", width=200)
    rows = [line.split("\t") for line in llmesc("models").out.splitlines()]
    allowed = llmesc("models", "allow", "lab/qwen")

    assert [line.split(":")[0] for line in denied.out.splitlines()] == ["lab@gpu1/qwen", "lab@gpu2/qwen"]
    assert "denied until" in denied.out
    assert listed.out.count("⊘ denied by") == 2
    assert "● allowed" in listed.out
    assert [row[0] for row in rows] == ["lab@gpu1/qwen", "lab@gpu2/qwen", "spare/m"]
    assert rows[0][5].startswith("denied 2")
    assert rows[2][5] == "allowed"
    assert allowed.out.count("allowed (was denied by") == 2
    assert llmesc("models", "allow", "lab/qwen").err.startswith("nothing was denied")


def test_a_denial_of_what_nobody_offers_names_the_nearest(llmesc: Llmesc) -> None:
    done = llmesc("models", "deny", "lab/qwne")

    assert (done.code, done.out) == (2, "")
    assert "nearest: lab" in done.err


def test_a_glob_denies_what_is_not_offered_yet_and_is_listed(llmesc: Llmesc) -> None:
    llmesc("models", "deny", "openai/*")

    rows = [line.split("\t") for line in llmesc("models").out.splitlines()]

    assert rows[-1][0] == "openai@*/*"
    assert rows[-1][5].startswith("denied")


def test_no_history_is_no_error(llmesc: Llmesc) -> None:
    assert llmesc("history") == llmesc("history", "list")
    assert llmesc("history").out == ""
    assert llmesc("history", "--json").out == "[]\n"
    assert llmesc("history", terminals="in out").err.startswith("no such requests")
    unknown = llmesc("history", "show", "7f")
    assert (unknown.code, unknown.err.splitlines()[0]) == (2, "error: no run '7f'")


RATE_LIMITED = """
[providers.lab]
api = "simulated"
tier = "vllm"
models = [{ name = "m", script = { fail = "rate_limit", retry_after = 30 }, price = PRICE }]
[providers.spare]
api = "simulated"
tier = "cloud"
models = ["m"]
[providers.last]
api = "simulated"
tier = "frontier"
models = [{ name = "m", script = { fail = "500" } }]
[escalation]
max_attempts = 2
""".replace("PRICE", '{ input_per_million = "100", output_per_million = "100" }')


def test_the_chain_says_who_is_waited_for(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(RATE_LIMITED.replace("max_attempts = 2", "max_attempts = 3"))
    assert llmesc("ask", "hi").code == 0

    shown = json.loads(llmesc("chain", "show", "--json").out)["candidates"]

    assert [(each["skip"], each["afterwards"]) for each in shown] == [("circuit_open", "wait"), (None, None), (None, None)]
    assert shown[0]["retry_at"] is not None
    assert shown[0]["estimated_cost"] == "0.0507"
    line = llmesc("chain", "show", terminals="in out", width=300).out
    assert "skipped, circuit open: rate_limit: simulated rate_limit; may be tried at" in line
    assert "; waited for when nobody else is left" in line


def test_the_chain_says_how_long_silence_is_borne_and_who_says_so(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    def first_tokens() -> list[tuple[str, float, int]]:
        found = [each["first_token"] for each in json.loads(llmesc("chain", "show", "--json").out)["candidates"]]
        return [(told["from"], told["limit_seconds"], told["learned_from_calls"]) for told in found]

    models = '[{ name = "m", timeouts = { first_token = "7s" } }, { name = "n", script = { text = "Well, hello there." } }]'
    configure(f'[providers.a]\napi = "simulated"\ntier = "cloud"\nmodels = {models}\n')
    assert first_tokens() == [("configured", 7.0, 0), ("default", 30.0, 0)]
    assert "first token within" not in llmesc("chain", "show", terminals="in out", width=300).out

    for _ in range(LEARNED_FROM_CALLS):
        assert llmesc("ask", "--model", "a/n", "hi").code == 0

    assert first_tokens() == [("configured", 7.0, 0), ("learned", 10.0, LEARNED_FROM_CALLS)]
    shown = llmesc("chain", "show", terminals="in out", width=300).out
    assert f"would be called; first token within 10 s, learned from its latest {LEARNED_FROM_CALLS} answers" in shown
    assert llmesc("chain", "show").out.splitlines()[1].endswith("\tcall"), "rows for programs stay as they are"


@pytest.mark.parametrize(
    ("options", "skips"),
    [
        ((), [None, None, "max_attempts"]),
        (("--max-attempts", "3"), [None, None, None]),
        (("--no-escalation",), [None, "single_call", "single_call"]),
        (("--max-cost", "0.0001"), ["over_budget", None, None]),
    ],
)
def test_a_dry_run_says_why_each_would_not_be_called(
    llmesc: Llmesc, configure: Callable[[str], Path], options: tuple[str, ...], skips: list[str | None]
) -> None:
    configure(RATE_LIMITED)

    done = llmesc("ask", "hi", "--dry-run", "--json", *options)

    assert [each["skip"] for each in json.loads(done.out)["candidates"]] == skips


def test_where_all_circuits_are_open_the_chain_says_who_is_tried_all_the_same(
    llmesc: Llmesc, configure: Callable[[str], Path]
) -> None:
    broken = '[providers.lab]\napi = "simulated"\ntier = "vllm"\nmodels = [{ name = "m", script = { fail = "auth" } }]\n'
    configure(f'{broken}[escalation]\nall_open = "try"\n')
    assert llmesc("ask", "hi").code == 3

    assert json.loads(llmesc("chain", "show", "--json").out)["candidates"][0]["afterwards"] == "try"
    assert "tried all the same, for every circuit is open" in llmesc("chain", "show", terminals="in out", width=300).out
    assert llmesc("ask", "hi").code == 3, "it is called, and fails again"
    configure(broken)
    assert json.loads(llmesc("chain", "show", "--json").out)["candidates"][0]["afterwards"] is None
    assert llmesc("ask", "hi").code == 6
