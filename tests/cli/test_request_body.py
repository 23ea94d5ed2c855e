"""`ask --responses-body`: a whole request from a file or standard input, and what may not stand beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]

DEMO = """
[providers.demo]
api = "simulated"
tier = "local"
models = [{ name = "m", script = SCRIPT }]
"""
ASK: dict[str, Any] = {"model": "theirs", "input": [{"role": "user", "content": "What is Raft?"}], "top_p": 0.5}
SERVED: dict[str, Any] = {**ASK, "tools": [{"type": "web_search"}], "previous_response_id": "resp_1"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
FORMAT = {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}


@pytest.fixture
def demo(configure: Callable[[str], Path]) -> Callable[[str], None]:
    """`demo(script)`: the only candidate answers so."""

    def write(script: str = '{ text = "Forty-two." }') -> None:
        configure(DEMO.replace("SCRIPT", script))

    write()
    return write


@pytest.fixture
def body(tmp_path: Path) -> Callable[[Any], str]:
    """`body(value)`: a file that holds it as JSON."""

    def write(value: Any) -> str:
        file = tmp_path / "body.json"
        file.write_text(json.dumps(value))
        return str(file)

    return write


Demo = Callable[..., None]
Body = Callable[[Any], str]


def test_a_body_is_asked_from_a_file_and_from_standard_input(llmesc: Llmesc, demo: Demo, body: Body) -> None:
    from_file = llmesc("ask", "--responses-body", body(ASK), "-v")
    piped = llmesc("ask", "--responses-body", "-", stdin=b"\xef\xbb\xbf" + json.dumps(ASK).encode(), terminals="")

    assert (from_file.code, from_file.out) == (piped.code, piped.out) == (0, "Forty-two.\n")
    assert "  adapted: of the request body, top_p is left out\n" in from_file.err


def test_what_stands_on_standard_input_beside_a_file_is_nobodys_prompt(llmesc: Llmesc, demo: Demo, body: Body) -> None:
    assert llmesc("ask", "--responses-body", body(ASK), stdin=b"\xff\xff", terminals="").code == 0


def test_what_the_only_candidate_cannot_carry_is_named_before_any_call(llmesc: Llmesc, demo: Demo, body: Body) -> None:
    file = body(SERVED)
    because = "only the Responses API takes the tool web_search, previous_response_id"

    done = llmesc("ask", "--responses-body", file)
    (planned,) = json.loads(llmesc("ask", "--responses-body", file, "--dry-run", "--json").out)["candidates"]

    assert (done.code, done.out) == (6, "")
    assert f"↷ skipped demo/m (simulated): unsupported ({because})" in done.err
    assert (planned["skip"], planned["detail"]) == ("unsupported", because)


@pytest.mark.parametrize(
    ("answer", "code"), [('{ text = "{\\"n\\": 1}" }', 0), ('{ text = "{\\"n\\": \\"one\\"}" }', 4), ('{ text = "one" }', 4)]
)
def test_the_format_that_a_body_asks_for_is_checked(llmesc: Llmesc, demo: Demo, body: Body, answer: str, code: int) -> None:
    demo(answer)

    assert llmesc("ask", "--responses-body", body({**ASK, "text": FORMAT})).code == code


def test_calls_of_the_functions_of_a_body_are_the_answer_and_nobody_runs_them(llmesc: Llmesc, demo: Demo, body: Body) -> None:
    demo('{ text = "", tool_calls = [{ name = "now", arguments = {} }] }')

    made = json.loads(
        llmesc("ask", "--json", "--responses-body", body({**ASK, "tools": [{"type": "function", "name": "now"}]})).out
    )

    assert made["outcome"] == "answered"
    assert [call["name"] for call in made["answer"]["tool_calls"]] == ["now"]
    assert made["attempts"][0]["tool_calls"][0]["result"] is None


def test_the_record_holds_the_body_as_it_was_given(llmesc: Llmesc, demo: Demo, body: Body) -> None:
    given = {**ASK, "instructions": "caf\u00e9 \ud800"}
    run_id = json.loads(llmesc("ask", "--json", "--responses-body", body(given)).out)["run_id"]

    first = json.loads(llmesc("history", "export", run_id).out.splitlines()[0])

    assert first["request"]["responses_body"]["content"] == given
    assert first["request"]["messages"][1]["parts"][0]["text"] == "What is Raft?"


@pytest.mark.parametrize(
    ("option", "name"),
    [
        (["hi"], "PROMPT"),
        (["-f", "notes.txt"], "--file"),
        (["--image", "a.png"], "--image"),
        (["--system", "Be short."], "--system"),
        (["--expect", "json"], "--expect"),
        (["--schema", "s.json"], "--schema"),
        (["--tools", "t.py"], "--tools"),
    ],
)
def test_nothing_joins_a_whole_request(llmesc: Llmesc, demo: Demo, body: Body, option: list[str], name: str) -> None:
    done = llmesc("ask", *option, "--responses-body", body(ASK))

    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {name} and --responses-body exclude each other: the body is the whole request\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "not JSON: Expecting property name"),
        (b"\xff", "not JSON: 'utf-8' codec can't decode"),
        (b'{"input": NaN}', "not JSON: NaN is no number of JSON"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'["hi"]', "a request body is a JSON object"),
        (b"{}", "it has no input"),
        (b'{"input": []}', "it has no input"),
        (
            b'{"input": "hi", "text": {"format": {"type": "json_schema", "schema": {"type": "odd"}}}}',
            "no JSON Schema: 'odd' is not valid",
        ),
        (b'{"input": "' + b"x" * 10_000_000 + b'"}', "the request body is larger than 10 MB"),
    ],
    ids=["empty", "blank", "broken", "binary", "NaN", "deep", "list", "nothing", "no items", "schema", "large"],
)
def test_what_is_no_body_is_refused_with_its_reason(llmesc: Llmesc, demo: Demo, content: bytes, told: str) -> None:
    done = llmesc("ask", "--responses-body", "-", stdin=content, terminals="")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: --responses-body -: {told}")


def test_a_body_that_is_not_there_is_said_as_json_where_json_was_promised(llmesc: Llmesc, demo: Demo) -> None:
    done = llmesc("ask", "--responses-body", "missing.json", "--json")

    assert done.code == 2
    assert json.loads(done.out)["error"]["message"] == "--responses-body missing.json: No such file or directory"
