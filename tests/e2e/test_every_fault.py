"""Every fault of the fault server at the primary, with a healthy second candidate: the user always has the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from llmesc.providers.faults.behaviours import ANSWER, FAULTS


@dataclass(frozen=True)
class Fault:
    """What one fault is to be taken for."""

    name: str
    cause: str
    """The failure kind, or `quality`."""
    then: str = "counted"
    """What the circuit of `a` learned: `counted` (one weighted failure), `open`, or `nothing`."""


CASES = [
    Fault("auth", "auth", "open"),
    Fault("no_credit", "account", "open"),
    Fault("permission", "permission", "nothing"),
    Fault("no_model", "model_unavailable", "nothing"),
    Fault("bad_request", "payload", "nothing"),
    Fault("overflow", "context_overflow", "nothing"),
    Fault("policy", "content_policy", "nothing"),
    Fault("rate_limit", "rate_limit", "open"),
    Fault("server_error", "server_error"),
    Fault("overloaded", "overloaded"),
    Fault("502", "server_error"),
    Fault("529", "overloaded"),
    Fault("endless_error", "timeout"),  # its status would tell, but its body takes longer than a first token may
    Fault("redirect", "protocol"),
    Fault("refuse", "connection"),
    Fault("reset", "connection"),
    Fault("reset_midway", "connection"),
    Fault("close", "connection"),
    Fault("not_http", "protocol"),
    Fault("hang", "timeout"),
    Fault("hang_after_headers", "timeout"),
    Fault("hang_midway", "timeout"),
    Fault("role_then_hang", "timeout"),
    Fault("keep_alives", "timeout"),
    Fault("slow", "timeout"),
    Fault("drip", "timeout"),
    Fault("cut", "protocol"),
    Fault("no_finish", "protocol"),
    Fault("close_without_finish", "protocol"),
    Fault("error_in_stream", "server_error"),
    Fault("error_first", "rate_limit"),
    Fault("error_field", "server_error"),
    Fault("html", "protocol"),
    Fault("bad_json", "protocol"),
    Fault("bad_json_midway", "protocol"),
    Fault("empty_body", "protocol"),
    Fault("huge_line", "protocol"),
    Fault("empty", "quality"),
    Fault("length", "quality"),
]


def test_no_fault_of_the_server_is_left_out() -> None:
    assert {case.name for case in CASES} >= set(FAULTS) - {"ok", "no_done"}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_second_candidate_answers_and_the_cause_is_known(case: Fault, shell: Any, sick: Any, well: Any, chain: Any) -> None:
    shell.config = chain(sick, well)
    if case.name == "refuse":
        sick.do(sick.server.refuse())
    else:
        sick.server.script["m"] = case.name

    asked = shell.run("ask", "What is Raft?", "--json")

    assert asked.code == 0, asked.err
    run = asked.json()
    assert run["answer"]["text"] == ANSWER
    assert sick.server.count("m") == (0 if case.name == "refuse" else 1), "one attempt is one request"
    first, second = shell.run("history", "show", run["run_id"], "--json").json()["attempts"]
    cause = first["failure"]["kind"] if first["failure"] else "quality"
    assert (cause, second["outcome"]) == (case.cause, "success")
    [circuit] = [line for line in shell.run("circuits", "--json").json() if line["circuit"] == "a"]
    learned = "open" if circuit["state"] == "open" else "counted" if circuit["failures"] else "nothing"
    assert learned == case.then


@pytest.mark.parametrize("fault", ["auth", "rate_limit"])
def test_a_second_ask_in_a_new_process_obeys_the_circuit(fault: str, shell: Any, sick: Any, well: Any, chain: Any) -> None:
    shell.config = chain(sick, well)
    sick.server.script["m"] = fault
    shell.run("ask", "hi")

    again = shell.run("ask", "hi")

    assert (again.code, again.out) == (0, ANSWER + "\n")
    assert sick.server.count("m") == 1
    assert "a/m" in again.err
    assert "open" in again.err


def test_three_failures_open_the_circuit_and_a_reset_closes_it(shell: Any, sick: Any, well: Any, chain: Any) -> None:
    shell.config = chain(sick, well)
    sick.server.script["m"] = "overloaded"
    for _ in range(3):
        assert shell.run("ask", "hi").code == 0
    assert shell.run("ask", "hi").code == 0
    assert sick.server.count("m") == 3

    shown = shell.run("chain", "show", "--json").json()["candidates"][0]
    assert (shown["skip"], shown["retry_at"] is not None) == ("circuit_open", True)

    sick.server.script["m"] = "ok"
    assert shell.run("circuits", "reset", "a").code == 0
    assert shell.run("ask", "hi").code == 0
    assert sick.server.count("m") == 4
