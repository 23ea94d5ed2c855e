"""`llmesc records`: how far the sinks are, and delivering what waits; and that `ask` waits for none of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hook_receiver import Hook, hooked

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

DEMO = '[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n'
FILE = '[[records.sinks]]\nname = "audit"\nkind = "jsonl"\npath = "events.jsonl"\n'
WAIT = '[records]\nexit_wait = "60s"\n'


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


def to(hook: Hook) -> str:
    return f'[[records.sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{hook.url}"\n'


def test_without_sinks_it_says_what_to_do(llmesc: Llmesc, configure: Configure) -> None:
    configure(DEMO)

    assert (
        llmesc("records", terminals="out err").err == "no sinks are configured; next: add [[records.sinks]], llmesc config edit\n"
    )
    assert llmesc("records", "--json").out == "[]\n"
    flushed = llmesc("records", "flush")
    assert (flushed.code, "no sinks are configured" in flushed.err) == (0, True)


def test_what_was_asked_is_listed_as_delivered(llmesc: Llmesc, configure: Configure) -> None:
    file = configure(DEMO + WAIT + FILE)
    asked = llmesc("ask", "hi")

    (sink,) = json.loads(llmesc("records", "--json").out)
    row = llmesc("records", "status").out.split("\t")
    shown = llmesc("records", terminals="out err", width=200).out

    assert asked.code == 0
    events = (file.parent / "events.jsonl").read_text().splitlines()
    assert {"name": "audit", "kind": "jsonl", "waiting": 0, "dropped": 0, "delivered": len(events)}.items() <= sink.items()
    assert sink["target"] == str(file.parent / "events.jsonl")
    assert row[:4] == ["audit", "jsonl", "delivered", str(len(events))]
    assert "✓ delivered" in shown
    assert "DROPPED" in shown


def test_the_list_of_sinks_fits_a_narrow_terminal_with_the_whole_error(llmesc: Llmesc, configure: Configure) -> None:
    configure(DEMO + WAIT + FILE + '[[records.sinks]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:9/x"\n')
    llmesc("ask", "hi")

    told = llmesc("records", terminals="out err", width=80).out.splitlines()

    assert max(map(len, told)) <= 80
    assert told[0].split() == ["SINK", "KIND", "STATE", "DELIVERED", "WAITING", "SINCE", "LAST", "ERROR"]
    assert "Connect call failed" in " ".join(" ".join(line[59:] for line in told).split())


def test_what_waits_is_flushed_and_the_exit_code_says_whether_something_is_left(
    llmesc: Llmesc, configure: Configure, hook: Hook
) -> None:
    configure(DEMO + WAIT + to(hook))
    hook.answers = [(503, {"Retry-After": "3600"}, b""), (500, {}, b"not yet")]
    asked = llmesc("ask", "hi")
    failing = llmesc("records").out.split("\t")
    left = llmesc("records", "flush")
    done = llmesc("records", "flush", "hook")
    again = llmesc("records", "flush", "--json")

    assert (asked.code, "hook" in asked.err) == (0, False), "it is no part of the story of an answer"
    assert failing[:3] == ["hook", "webhook", "failing"]
    assert left.code == 1
    assert "hook: 0 events delivered" in left.err
    assert left.err.rstrip().endswith("/hook answered 500: not yet")
    assert (done.code, done.err) == (0, f"hook: {len(hook.taken)} events delivered\n")
    assert json.loads(again.out) == [{"name": "hook", "outcome": "nothing", "delivered": 0, "waiting": 0}]
    assert [item["seq"] for item in hook.taken] == list(range(len(hook.taken)))


def test_one_that_wants_no_more_is_said_and_started_again(llmesc: Llmesc, configure: Configure, hook: Hook) -> None:
    configure(DEMO + WAIT + to(hook))
    hook.answers = [(410, {}, b"moved")]

    asked = llmesc("ask", "hi")
    told = llmesc("records", "status", terminals="out err", width=200)
    doctor = llmesc("doctor")
    flushed = llmesc("records", "flush")

    assert "sink hook wants no more" in asked.err
    assert "✗ stopped" in told.out
    assert doctor.code == 1
    assert "failed\tsink:hook\tstopped: " in doctor.out
    assert flushed.code == 0
    assert hook.taken


def test_a_sink_that_nobody_knows_is_a_mistake_of_the_command_line(llmesc: Llmesc, configure: Configure) -> None:
    configure(DEMO + FILE)

    done = llmesc("records", "flush", "audti")

    assert done.code == 2
    assert done.err == "error: no sink 'audti'; nearest: audit\nnext: llmesc records\n"


def test_doctor_says_that_a_sink_can_be_reached(llmesc: Llmesc, configure: Configure, hook: Hook) -> None:
    configure(DEMO + FILE + to(hook))

    checks = {check["name"]: check for check in json.loads(llmesc("doctor", "--json").out)}

    assert checks["sink:audit"]["status"] == checks["sink:hook"]["status"] == "ok"
    assert checks["sink:hook"]["detail"] == f"{hook.url} answers (204)"


def test_what_the_sink_said_does_not_steer_the_terminal(llmesc: Llmesc, configure: Configure, hook: Hook) -> None:
    configure(DEMO + WAIT + to(hook))
    hook.answers = [(500, {}, b"\x1b]0;owned\x07[bold]no\r\n")] * 2
    llmesc("ask", "hi")

    shown = llmesc("records", terminals="out err", width=250)
    flushed = llmesc("records", "flush")

    assert "[bold]no" in shown.out
    assert "\x1b" not in shown.out + shown.err + flushed.err
