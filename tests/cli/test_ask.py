"""`llmesc ask`: what reaches standard output, what standard error, and how it ends, over simulated providers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

HEADER = '[escalation]\ndeadline = "20s"\n'


def provider(name: str, script: str, tier: str = "vllm", more: str = "") -> str:
    return f'[providers.{name}]\napi = "simulated"\ntier = "{tier}"\nmodels = [{{ name = "m", script = {script}{more} }}]\n'


GOOD = provider("good", '{ text = "Forty-two." }', "cloud")
DOWN = provider("down", '{ fail = "503" }')
HALF = provider("half", '{ text = "Half an ", fail = "reset" }')
EMPTY = provider("empty", '{ text = "" }')
LONG = provider("long", '{ text = "It goes on and", finish = "length" }')


@pytest.fixture
def chain(configure: Configure) -> Callable[..., None]:
    def write(*providers: str, more: str = "") -> None:
        configure(HEADER + more + "".join(providers))

    return write


Chain = Callable[..., None]


def test_a_pipe_gets_the_answer_and_one_newline_and_the_story_goes_elsewhere(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)

    done = llmesc("ask", "hi")

    assert (done.code, done.out) == (0, "Forty-two.\n")
    failed, switched, answered = done.err.splitlines()
    assert failed.startswith("✗ down/m (simulated): overloaded (503, ")
    assert switched == (
        "→ switched down/m (simulated) → good/m (simulated): overloaded; "
        "tier upgrade vllm → cloud: the prompt leaves your machines"
    )
    assert answered.startswith("✓ answered by good/m (simulated) · ")
    assert answered.endswith(" · 2 attempts")


@pytest.mark.parametrize(
    ("providers", "options", "code", "out"),
    [
        ([GOOD], [], 0, "Forty-two.\n"),
        ([HALF, GOOD], [], 0, "Forty-two.\n"),
        ([HALF, GOOD], ["--stream", "always"], 0, "Half an \nForty-two.\n"),
        ([DOWN, HALF], [], 3, ""),
        ([DOWN, GOOD], ["--no-escalation"], 3, ""),
        ([DOWN, GOOD], ["--max-attempts", "1"], 3, ""),
        ([DOWN, GOOD], ["--tier", "cloud"], 0, "Forty-two.\n"),
        ([DOWN, GOOD], ["--model", "good/m"], 0, "Forty-two.\n"),
        ([LONG], [], 4, "It goes on and\n"),
        ([LONG], ["--strict"], 4, ""),
        ([LONG], ["--quality-threshold", "0"], 0, "It goes on and\n"),
        ([GOOD], ["--expect", "json"], 4, "Forty-two.\n"),
        ([provider("slow", '{ fail = "hang" }')], ["--deadline", "100ms"], 7, ""),
        ([DOWN, GOOD], ["--model", "nobody/m"], 2, ""),
        ([DOWN, GOOD], ["--chain", "nobody"], 2, ""),
    ],
)
def test_how_a_request_ends(providers: list[str], options: list[str], code: int, out: str, llmesc: Llmesc, chain: Chain) -> None:
    chain(*providers)

    done = llmesc("ask", "hi", *options)

    assert (done.code, done.out) == (code, out), done.err
    assert done.err.splitlines()[-1].startswith("✓ answered by" if code == 0 else "next: llmesc ")


def test_nothing_callable_says_when_and_names_the_command(llmesc: Llmesc, chain: Chain) -> None:
    chain(GOOD)
    llmesc("circuits", "open", "good", "--for", "1h", "--why", "maintenance")

    done = llmesc("ask", "hi")
    made = json.loads(llmesc("ask", "hi", "--json").out)

    assert (done.code, done.out) == (6, "")
    assert "↷ skipped good/m (simulated): forced open" in done.err
    assert "  the soonest candidate may be tried at " in done.err
    assert done.err.endswith("next: llmesc chain show\n")
    assert made["outcome"] == "nothing_callable"
    assert made["error"]["type"] == "NothingCallable"
    assert made["error"]["retry_at"].endswith("Z")


SMALL = provider("small", '{ text = "Forty-two." }', "local", ", context_window = 100")


@pytest.mark.parametrize(
    ("providers", "forced", "headline"),
    [
        ([SMALL, GOOD], True, "error: no candidate can be called now"),
        ([SMALL], False, "error: no candidate can be called for this request"),
        ([SMALL, DOWN], False, "error: the call failed"),
    ],
)
def test_without_an_answer_it_is_told_whose_window_was_too_small(
    providers: list[str], forced: bool, headline: str, llmesc: Llmesc, chain: Chain
) -> None:
    chain(*providers)
    if forced:
        llmesc("circuits", "open", "good", "--for", "1h")

    told = llmesc("ask", "word " * 300).err.splitlines()

    assert headline in told
    (reason,) = [line for line in told if "rejected small/m (simulated): context too small (about " in line]
    assert told.index(reason) > told.index(headline) or providers == [SMALL], "an empty chain is told of at once"


def test_of_many_that_were_rejected_five_are_told(llmesc: Llmesc, chain: Chain) -> None:
    chain(*(SMALL.replace("small", f"small{number}") for number in range(8)), DOWN)

    told = llmesc("ask", "word " * 300).err

    assert told.count("  rejected small") == 5
    assert "  rejected 3 others, too\n" in told


@pytest.mark.parametrize(
    ("options", "headline"),
    [
        (["--deadline", "100ms"], "error: the time for the request is over: it has 0.1 s"),
        (
            ["--max-cost", "0.000001"],
            "error: the money for the request is spent, or every other call may cost more: it has <$0.0001",
        ),
    ],
)
def test_what_of_the_limits_ended_a_request_is_said(options: list[str], headline: str, llmesc: Llmesc, chain: Chain) -> None:
    dear = ', price = { input_per_million = "5", output_per_million = "20" }'
    chain(provider("slow", '{ fail = "hang" }', "cloud", dear))

    done = llmesc("ask", "hi", *options)

    assert (done.code, done.out) == (7, "")
    assert headline in done.err.splitlines()


def test_with_nobody_to_ask_the_way_on_is_init(llmesc: Llmesc, configure: Configure) -> None:
    configure("")

    done = llmesc("ask", "hi")

    assert (done.code, done.out) == (6, "")
    assert done.err.splitlines() == ["error: there is nobody to ask", "next: llmesc init"]


def test_candidates_that_were_all_rejected_are_told_with_their_reasons(llmesc: Llmesc, chain: Chain) -> None:
    chain(provider("small", '{ text = "x" }', more=", context_window = 20"))

    done = llmesc("ask", "word " * 500)

    assert (done.code, done.out) == (6, "")
    assert done.err.splitlines()[0].startswith("↷ rejected small/m (simulated): context too small")
    assert done.err.splitlines()[-1] == "next: llmesc chain show"


def test_a_policy_stops_before_any_call(llmesc: Llmesc, chain: Chain) -> None:
    chain(GOOD, more='allowed_models = ["other/*"]\n')

    done = llmesc("ask", "hi", "--model", "good/m")

    assert (done.code, done.out) == (8, "")
    assert "stopped by policy" in done.err


def test_quiet_says_nothing_unless_it_fails(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)

    assert llmesc("ask", "hi", "-q").err == ""
    failed = llmesc("ask", "hi", "-q", "--no-escalation")
    assert failed.code == 3
    assert failed.err.splitlines()[0].startswith("✗ down/m")
    assert "error: the call failed" in failed.err


def test_verbose_tells_of_every_attempt(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)

    err = llmesc("ask", "hi", "-v").err

    for told in (
        "run ",
        "▶ attempt 1: down/m (simulated) (vllm, primary)",
        "  attempt 1: error in ",
        "▶ attempt 2: good/m (simulated) (cloud, escalation)",
        "≈ good/m (simulated): quality 100 of 100, the bar is 50",
        " · request id ",
    ):
        assert told in err


def test_json_is_one_object_of_a_documented_shape(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)

    done = llmesc("ask", "hi", "--json")

    made = json.loads(done.out)
    assert done.code == 0
    assert list(made) == [
        "schema",
        "run_id",
        "outcome",
        "status",
        "started_at",
        "chain",
        "answer",
        "attempts",
        "skipped",
        "rejected",
        "switches",
        "circuits",
        "denied",
        "totals",
        "error",
        "capture",
        "caller",
    ]
    assert made["answer"]["text"] == "Forty-two."
    assert made["answer"]["simulated"] is True
    assert [attempt["outcome"] for attempt in made["attempts"]] == ["error", "success"]
    assert [attempt["move"] for attempt in made["attempts"]] == ["primary", "escalation"]
    assert made["totals"]["attempts"] == 2
    assert made["error"] is None


def test_json_on_failure_carries_the_cause(llmesc: Llmesc, chain: Chain) -> None:
    chain(provider("locked", '{ fail = "auth" }'))

    done = llmesc("ask", "hi", "--json")

    made = json.loads(done.out)
    assert done.code == 3
    assert made["error"]["type"] == "AuthError"
    assert made["error"]["cause"]["kind"] == "auth"
    assert done.err.endswith("next: llmesc doctor\n")


def test_json_lines_are_all_events_in_order(llmesc: Llmesc, chain: Chain) -> None:
    chain(HALF, GOOD)

    events = [json.loads(line) for line in llmesc("ask", "hi", "--jsonl").out.splitlines()]

    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[0]["type"] == "run_started"
    assert events[-1]["type"] == "run_finished"
    assert {event["schema"] for event in events} == {1}
    assert [event["characters_discarded"] for event in events if event["type"] == "provider_switched"] == [8]


def test_a_terminal_streams_and_a_rule_stands_where_the_answer_begins_again(llmesc: Llmesc, chain: Chain) -> None:
    chain(HALF, GOOD)

    done = llmesc("ask", "hi", terminals="in out")

    half, rule, answer = done.out.splitlines()
    assert (half, answer) == ("Half an ", "Forty-two.")
    assert rule.startswith("── switched half → good: connection · tier upgrade vllm → cloud · 8 charact")


def test_never_streaming_holds_the_answer_on_a_terminal_too(llmesc: Llmesc, chain: Chain) -> None:
    chain(HALF, GOOD)

    done = llmesc("ask", "hi", "--stream", "never", terminals="in out err")

    assert done.out == "Forty-two.\n"
    assert "──" not in done.err
    assert "→ switched half/m (simulated) → good/m (simulated): connection" in done.err


def test_a_dry_run_asks_nobody(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)

    done = llmesc("ask", "hi", "--dry-run")
    made = json.loads(llmesc("ask", "hi", "--dry-run", "--json", "--model", "good/m").out)

    assert (done.code, done.err) == (0, "")
    assert [line.split("\t")[1] for line in done.out.splitlines()] == ["down/m", "good/m"]
    assert made["candidates"][0]["ref"] == "good/m"
    assert llmesc("history").out == ""


def test_files_and_piped_text_join_the_prompt(llmesc: Llmesc, chain: Chain, tmp_path: Path) -> None:
    chain(GOOD)
    file = tmp_path / "notes.txt"
    file.write_text("notes\n")

    done = llmesc("ask", "question", "-f", str(file), "--system", "Be brief.", "--jsonl", stdin=b"piped", terminals="")

    messages = json.loads(done.out.splitlines()[0])["request"]["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[1]["parts"][0]["text"] == "piped\n\nnotes\n\nquestion"


def test_a_schema_is_what_the_answer_has_to_satisfy(llmesc: Llmesc, configure: Configure, tmp_path: Path) -> None:
    configure(HEADER + provider("wrong", "{ text = '{\"a\": 1}' }") + provider("right", '{ text = \'{"a": "x"}\' }', "cloud"))
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"a": {"type": "string"}}}')

    done = llmesc("ask", "hi", "--schema", str(schema))

    assert (done.code, done.out) == (0, '{"a": "x"}\n')
    assert "≈ wrong/m (simulated): quality 0 of 100 is below the bar of 50: schema" in done.err


@pytest.mark.parametrize("content", ["not json", "[]", '{"type": "nothing"}', b"\xff"])
def test_an_unusable_schema_is_refused_before_any_call(
    content: str | bytes, llmesc: Llmesc, chain: Chain, tmp_path: Path
) -> None:
    chain(GOOD)
    schema = tmp_path / "schema.json"
    schema.write_bytes(content if isinstance(content, bytes) else content.encode())

    done = llmesc("ask", "hi", "--schema", str(schema))

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: --schema {schema}: ")
    assert llmesc("history").out == ""


def test_an_unknown_reference_names_the_nearest_and_leaves_no_trace(llmesc: Llmesc, chain: Chain) -> None:
    chain(GOOD)

    done = llmesc("ask", "hi", "--model", "god/m")

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == "error: no model 'god/m'; nearest: good/m"
    assert done.err.splitlines()[1] == "next: llmesc models list"
    assert llmesc("history").out == ""


def test_three_failures_open_the_circuit_and_everybody_sees_it(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)

    told = [llmesc("ask", "hi").err for _ in range(3)]
    after = llmesc("ask", "hi")

    assert "○ circuit down: closed → open (overloaded: " in told[2]
    assert after.code == 0
    assert "↷ skipped down/m (simulated): circuit open" in after.err
    assert llmesc("circuits", "list", "down").out.split("\t")[1] == "open"
    assert "skip circuit_open 2" in llmesc("chain", "show").out
    reset = llmesc("circuits", "reset", "down")
    assert reset.out.startswith("down: closed, was open (overloaded: ")
    assert llmesc("circuits", "list", "down").out.split("\t")[1] == "closed"


def test_history_tells_the_story_again(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, HALF, GOOD)
    run_id = json.loads(llmesc("ask", "why is\nthe sky blue?", "--json").out)["run_id"]

    (row,) = [line.split("\t") for line in llmesc("history").out.splitlines()]
    attempts = [line.split("\t") for line in llmesc("history", "show", run_id[:6]).out.splitlines()]
    shown = llmesc("history", "show", run_id, terminals="in out", width=200).out
    made = json.loads(llmesc("history", "show", run_id, "--json").out)

    assert row[0] == run_id
    assert row[2:5] == ["answered", "good/m", "3"]
    assert row[-1] == "why is the sky blue?"
    assert [attempt[1:4] for attempt in attempts] == [
        ["primary", "down/m", "error"],
        ["lateral", "half/m", "error"],
        ["escalation", "good/m", "success"],
    ]
    assert attempts[0][9].startswith("overloaded (503, ")
    assert "→ switched down/m (simulated) → half/m (simulated): overloaded" in shown
    assert shown.endswith("\nForty-two.\n")
    assert made["run_id"] == run_id
    assert made["answer"]["text"] == "Forty-two."
    assert made["prompt"] == "why is\nthe sky blue?"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], 2),
        (["--outcome", "answered"], 1),
        (["--outcome", "exhausted"], 1),
        (["--text", "first"], 1),
        (["--provider", "down"], 2),
        (["--provider", "nobody"], 0),
        (["--since", "1h"], 2),
        (["--since", "2026-01-01"], 2),
        (["--limit", "1"], 1),
        (["--caller", "billing"], 1),
        (["--caller", "bill"], 0),
        (["--conversation", "c-17"], 1),
        (["--correlation", "x-1", "--conversation", "c-17", "--caller", "billing", "--text", "first", "--since", "1h"], 1),
        (["--correlation", "x-1", "--outcome", "exhausted"], 0),
        (["--correlation", "c-17"], 0),
    ],
)
def test_history_can_be_narrowed(options: list[str], found: int, llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)
    llmesc("ask", "the first", "--caller", "billing", "--conversation", "c-17", "--correlation", "x-1")
    llmesc("ask", "the second", "--no-escalation")

    assert len(json.loads(llmesc("history", *options, "--json").out)) == found


def test_the_list_of_requests_fits_a_narrow_terminal_and_says_when(llmesc: Llmesc, chain: Chain) -> None:
    chain(DOWN, GOOD)
    llmesc("ask", "What is the answer to everything, and why is it so short?")

    narrow = llmesc("history", terminals="out", width=80).out.splitlines()
    roomy = llmesc("history", terminals="out", width=120).out.splitlines()

    assert max(map(len, narrow)) <= 80
    assert re.search(r"[0-9a-f]{12}  [0-9:]{8}  ✓ answered  good/m +2  .* What is ", narrow[1])
    assert re.search(r"[0-9a-f]{12}  [0-9-]{10} [0-9:]{8}  ✓ answered ", roomy[1])


def test_a_broken_state_never_costs_the_answer(llmesc: Llmesc, chain: Chain, tmp_path: Path) -> None:
    chain(GOOD)
    broken = tmp_path / "state.db"
    broken.write_text("this is no database")

    done = llmesc("--state", f"sqlite://{broken}", "ask", "hi")
    looked = llmesc("--state", f"sqlite://{broken}", "circuits")

    assert (done.code, done.out) == (0, "Forty-two.\n")
    assert "warning: " in done.err
    assert (looked.code, looked.out) == (1, "")
    error, following = looked.err.splitlines()  # told once: nothing goes on without it
    assert error.startswith(f"error: {broken}: damaged")
    assert following == f"next: llmesc --state sqlite://{broken} doctor"


FENCED = r"""
[providers.demo]
api = "simulated"
tier = "local"
models = [{ name = "m", script = [{ text = "```json\n{\"raft\": true}\n```" }] }]
"""


def test_json_that_was_asked_for_comes_without_its_fence(llmesc: Llmesc, configure: Configure) -> None:
    configure(FENCED)

    assert llmesc("ask", "hi", "--expect", "json").out == '{"raft": true}\n'
    assert llmesc("ask", "hi").out == '```json\n{"raft": true}\n```\n'
