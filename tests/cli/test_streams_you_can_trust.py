"""`llmesc ask --resume` and `--gate`: what stands on the streams when an answer breaks off or begins badly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]

WHOLE = "Raft is a consensus algorithm."
CUT = """
state = "memory:"
[providers.first]
api = "simulated"
tier = "vllm"
models = [{ name = "m", script = [{ text = "Raft is a con", chunk = 4, fail = "cut" }] }]
[providers.second]
api = "simulated"
tier = "cloud"
models = [{ name = "m", script = [{ text = "consensus algorithm.", chunk = 4 }] }]
"""
REFUSED = """
state = "memory:"
[providers.first]
api = "simulated"
tier = "vllm"
models = [{ name = "m", script = [{ text = "I'm sorry, but I can't help with that request. It is not allowed.", chunk = 40 }] }]
[providers.second]
api = "simulated"
tier = "cloud"
models = [{ name = "m", script = [{ text = "Raft is a consensus algorithm.", chunk = 4 }] }]
"""


@pytest.mark.parametrize("options", [(), ("--stream", "always")])
def test_an_answer_that_breaks_off_goes_on_in_a_pipe(
    configure: Callable[[str], Path], llmesc: Llmesc, options: tuple[str, ...]
) -> None:
    configure(CUT)

    done = llmesc("ask", "What is Raft?", "--resume", "continue", *options)

    assert (done.code, done.out) == (0, f"{WHOLE}\n")
    assert "; 13 characters kept, it goes on from there" in done.err
    assert "✓ answered by second/m (simulated), after 13 characters by first/m (simulated) ·" in done.err


def test_on_a_terminal_of_its_own_the_answer_goes_on_in_place(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(CUT)

    assert llmesc("ask", "What is Raft?", "--resume", "continue", terminals="in out").out == f"{WHOLE}\n"


def test_on_one_terminal_a_rule_says_where_another_goes_on(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(CUT)

    done = llmesc("ask", "What is Raft?", "--resume", "continue", terminals="in out err", width=120)

    assert done.out == "Raft is a con\nsensus algorithm.\n", "the first line is ended before the story"
    assert "── switched first → second: protocol · tier upgrade vllm → cloud · 13 characters kept ──" in done.err


@pytest.mark.parametrize("terminals", ["in", "in out"])
def test_a_continuation_below_the_bar_is_printed_and_is_code_4(
    configure: Callable[[str], Path], llmesc: Llmesc, terminals: str
) -> None:
    configure(CUT.replace('text = "consensus algorithm."', 'text = "sorry, I cannot help with that request."'))

    done = llmesc("ask", "What is Raft?", "--resume", "continue", terminals=terminals)

    assert (done.code, done.out) == (4, "Raft is a consorry, I cannot help with that request.\n")
    assert llmesc("ask", "What is Raft?", "--resume", "continue", "--strict").out == ""


def test_by_default_it_begins_anew_and_says_so(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(CUT)

    done = llmesc("ask", "What is Raft?")

    assert done.out == "consensus algorithm.\n"
    assert "; 13 characters discarded" in done.err


def test_the_setting_stands_in_the_configuration_and_the_option_outranks_it(
    configure: Callable[[str], Path], llmesc: Llmesc
) -> None:
    configure(f'{CUT}[escalation]\nresume = "continue"\n')

    assert llmesc("ask", "?").out == f"{WHOLE}\n"
    assert llmesc("ask", "?", "--resume", "restart").out == "consensus algorithm.\n"


def test_json_says_who_wrote_what(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(CUT)

    told = json.loads(llmesc("ask", "?", "--resume", "continue", "--json").out)

    assert told["answer"]["ranges"] == [{"attempt": 1, "start": 0, "end": 13}, {"attempt": 2, "start": 13, "end": 30}]
    assert [attempt["continues_characters"] for attempt in told["attempts"]] == [0, 13]
    assert [attempt["repeated_characters"] for attempt in told["attempts"]] == [0, 3]
    assert (told["switches"][0]["characters_kept"], told["switches"][0]["characters_discarded"]) == (13, 0)


def test_a_reader_of_the_events_puts_the_same_answer_together(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(CUT)

    events = [json.loads(line) for line in llmesc("ask", "?", "--resume", "continue", "--jsonl").out.splitlines()]

    text = held = ""
    for event in events:
        match event["type"]:
            case "text_delta" if event["held"]:
                held += event["text"]
            case "text_delta":
                text += event["text"]
            case "gate_opened":
                text, held = text + held, ""
            case "answer_reset":
                text = ""
    assert text == events[-1]["answer"]["text"] == WHOLE


def test_history_says_who_wrote_what(configure: Callable[[str], Path], llmesc: Llmesc, tmp_path: Path) -> None:
    configure(CUT.replace("memory:", f"sqlite://{tmp_path}/state.db"))
    llmesc("ask", "?", "--resume", "continue")
    run_id = json.loads(llmesc("history", "list", "--json").out)[0]["run_id"]

    shown = llmesc("history", "show", run_id, terminals="in out", width=120).out

    assert "✎ 13 characters by first/m (simulated), then 17 characters by second/m (simulated)\n" in shown
    assert shown.endswith(f"\n{WHOLE}\n")


@pytest.mark.parametrize("gate", ["window", "full"])
@pytest.mark.parametrize("terminals", ["in out", "in out err"])
def test_a_gate_hides_a_refusal_and_nothing_is_announced_as_lost(
    configure: Callable[[str], Path], llmesc: Llmesc, gate: str, terminals: str
) -> None:
    configure(f"{REFUSED}[escalation]\ngate_characters = 40\n")

    done = llmesc("ask", "?", "--gate", gate, terminals=terminals)

    assert done.out == f"{WHOLE}\n"
    assert "discarded" not in done.err
    assert "quality 40 of 100 is below the bar" in done.err


def test_without_a_gate_a_refusal_is_seen_and_taken_back(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(REFUSED)

    done = llmesc("ask", "?", terminals="in out")

    assert done.out.startswith("I'm sorry")
    assert "── switched first → second: quality" in done.out
    assert done.out.endswith(f"\n{WHOLE}\n")


def test_an_answer_below_the_bar_that_was_held_is_printed_at_the_end(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(REFUSED.partition("[providers.second]")[0])

    done = llmesc("ask", "?", "--gate", "full", terminals="in out")

    assert (done.code, done.out) == (4, "I'm sorry, but I can't help with that request. It is not allowed.\n")


@pytest.mark.parametrize("option", ["--resume", "--gate"])
def test_a_setting_that_is_none_is_a_mistake_that_names_the_others(llmesc: Llmesc, option: str) -> None:
    done = llmesc("ask", "?", option, "perhaps")

    assert done.code == 2
    assert "'perhaps' is not one of" in done.err


def test_a_mistake_in_the_configuration_names_what_is_allowed(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(f'{CUT}[escalation]\nresume = "go"\ngate = "half"\ngate_time = "0s"\nlast_grace = 0.5\n')

    done = llmesc("ask", "?")

    assert done.code == 5
    for allowed in ("one of restart, continue", "one of off, window, full", "a duration above zero", "a number from 1 to 100"):
        assert allowed in done.err


IN_ENGLISH = "Raft is a consensus algorithm that keeps the same log on all servers of a cluster. It elects a leader."
IN_GERMAN = "Raft hält auf allen Rechnern eines Verbunds dasselbe Protokoll und wählt einen Anführer."
ENGLISH_FIRST = f"""
state = "memory:"
[providers.first]
api = "simulated"
tier = "vllm"
models = [{{ name = "m", script = [{{ text = "{IN_ENGLISH}", chunk = 9 }}] }}]
[providers.second]
api = "simulated"
tier = "cloud"
models = [{{ name = "m", script = [{{ text = "{IN_GERMAN}", chunk = 9 }}] }}]
[escalation]
gate_characters = 70
"""


@pytest.mark.parametrize("gate", ["off", "window", "full"])
def test_an_answer_in_another_language_than_asked_for_is_passed_over(
    configure: Callable[[str], Path], llmesc: Llmesc, gate: str
) -> None:
    configure(ENGLISH_FIRST)

    done = llmesc("ask", "Was ist Raft?", "--language", "de", "--gate", gate)

    assert (done.code, done.out) == (0, f"{IN_GERMAN}\n")
    assert "language -60: it is in English, not in German" in done.err
    assert ("discarded" in done.err) is (gate == "off")


def test_a_wrong_language_is_seen_in_the_window_before_the_answer_has_ended(
    configure: Callable[[str], Path], llmesc: Llmesc
) -> None:
    configure(ENGLISH_FIRST)

    told = json.loads(llmesc("ask", "?", "--language", "de-AT", "--gate", "window", "--json").out)

    first = told["attempts"][0]
    assert (first["finish_reason"], first["characters"]) == (None, 72)
    assert told["answer"]["text"] == IN_GERMAN


def test_who_asks_for_no_language_gets_any(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(ENGLISH_FIRST)

    assert llmesc("ask", "Was ist Raft?").out.startswith("Raft is a consensus")


def test_the_language_check_is_weighed_as_all_others(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(f"{ENGLISH_FIRST}[quality.weights]\nlanguage = 0\n")

    assert llmesc("ask", "?", "--language", "de").out.startswith("Raft is a consensus")


def test_a_language_that_nobody_knows_is_a_usage_error(configure: Callable[[str], Path], llmesc: Llmesc) -> None:
    configure(ENGLISH_FIRST)

    done = llmesc("ask", "?", "--language", "german")

    assert (done.code, done.out) == (2, "")
    assert "no language 'german'; nearest: de" in done.err


def test_without_the_extra_it_says_what_to_install(
    configure: Callable[[str], Path], llmesc: Llmesc, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(ENGLISH_FIRST)
    monkeypatch.setattr("llmesc.engine.languages.PACKAGE", "no_such_package")

    done = llmesc("ask", "?", "--language", "de")

    assert (done.code, done.out) == (5, "")
    assert "next: pip install 'llmesc[language]'" in done.err
