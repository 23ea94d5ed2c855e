"""`llmesc classify`: one error, or a file of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Llmesc = Callable[..., Any]


def test_one_error_is_explained_to_eyes_to_programs_and_as_json(llmesc: Llmesc) -> None:
    case = ("classify", "--api", "openai", "--status", "429", "--header", "Retry-After: 7", "--body", "slow down")

    rows = dict(line.split("\t") for line in llmesc(*case).out.splitlines())
    made = json.loads(llmesc(*case, "--json").out)

    assert rows["kind"] == made["kind"] == "rate_limit"
    assert rows["retry_after_seconds"] == "7.0"
    assert made["retry_after_seconds"] == 7.0
    assert set(made) >= {"kind", "retry_after_seconds", "rule", "action"}
    assert "rate_limit" in llmesc(*case, terminals="in out").out


def test_a_body_may_come_from_standard_input(llmesc: Llmesc) -> None:
    body = json.dumps({"error": {"code": "context_length_exceeded", "message": "too long"}}).encode()

    done = llmesc("classify", "--status", "400", "--body", "-", "--json", stdin=body, terminals="")

    assert json.loads(done.out)["kind"] == "context_overflow"


def test_a_transport_error_needs_no_status(llmesc: Llmesc) -> None:
    done = llmesc("classify", "--transport", "ConnectTimeout", "--json")

    assert json.loads(done.out)["kind"] == "timeout"


def test_one_case_a_line_in_is_one_verdict_a_line_out_also_where_a_line_is_no_case(llmesc: Llmesc, tmp_path: Path) -> None:
    cases = [
        json.dumps({"api": "openai", "status": 503, "headers": {}, "body": ""}),
        "not json",
        "[1]",
        "",
        json.dumps({"api": "openai", "status": 401, "headers": {}, "body": ""}),
    ]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(cases) + "\n")

    from_file = llmesc("classify", "--jsonl", str(file))
    from_stdin = llmesc("classify", "--jsonl", "-", stdin=file.read_bytes(), terminals="")

    verdicts = [json.loads(line) for line in from_file.out.splitlines()]
    assert [verdict["kind"] for verdict in verdicts] == ["overloaded", None, None, "auth"]
    assert verdicts[1]["error"].startswith("line 2: ")
    assert from_file.code == 2
    assert "2 lines could not be read as a case" in from_file.err
    assert from_stdin == from_file


def test_a_missing_file_is_bad_input(llmesc: Llmesc, tmp_path: Path) -> None:
    done = llmesc("classify", "--jsonl", str(tmp_path / "gone"))

    assert (done.code, done.out) == (2, "")
    assert "No such file or directory" in done.err


def test_a_header_without_a_colon_is_bad_input(llmesc: Llmesc) -> None:
    assert llmesc("classify", "--status", "500", "--header", "retry-after 5").code == 2
