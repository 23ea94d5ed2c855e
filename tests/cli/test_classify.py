"""`llmesc classify`: one error, or a file of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.cli.classify_words import sentences
from llmesc.escalation.failures import CircuitEffect, SkipScope

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


WHOLE = 'HTTP/2 402\r\nrequest-id: req_0123456789\r\n\r\n{"error": {"message": "Insufficient Balance"}}'


def test_at_a_terminal_a_verdict_is_told_in_sentences_and_what_is_unknown_is_left_out(llmesc: Llmesc) -> None:
    done = llmesc("classify", "--provider", "deepseek", "--body", WHOLE, terminals="in out")

    told = {line[:14].strip(): line[14:] for line in done.out.splitlines() if line[:14].strip()}
    assert told == {
        "kind": "account",
        "because": "text.no_credit, by 'insufficient balance'",
        "it said": "Insufficient Balance",
        "request id": "req_0123456789",
        "skipped": "for this request, this instance with all its models; its siblings",
        "circuit": "opens at once",
        "then": "the next candidate",
        "to do": "Top up, or raise the spending limit (platform.deepseek.com, Top",
    }


def test_a_pipe_alone_is_the_pasted_error(llmesc: Llmesc) -> None:
    from_pipe = llmesc("classify", "--json", stdin=WHOLE.encode(), terminals="")

    assert from_pipe == llmesc("classify", "--json", "--body", WHOLE)
    assert json.loads(from_pipe.out)["kind"] == "account"


def test_an_exception_may_be_pasted_without_a_status(llmesc: Llmesc) -> None:
    pasted = "openai.AuthenticationError: Error code: 401 - {'error': {'message': 'nope', 'code': 'invalid_api_key'}}"

    assert json.loads(llmesc("classify", "--json", "--body", pasted).out)["kind"] == "auth"


def test_of_a_traceback_the_end_counts(llmesc: Llmesc) -> None:
    frames = '  File "client.py", line 1, in send\n    return self.pool.request(timeout=timeout)\n' * 60
    pasted = f"Traceback (most recent call last):\n{frames}httpx.ConnectError: [Errno 111] Connection refused"

    assert json.loads(llmesc("classify", "--json", "--body", pasted).out)["kind"] == "connection"


@pytest.mark.parametrize("stdin", [b"", b" \n"])
def test_nothing_at_all_is_bad_input(llmesc: Llmesc, stdin: bytes) -> None:
    done = llmesc("classify", stdin=stdin, terminals="")

    assert (done.code, done.out) == (2, "")
    assert "--status" in done.err


@pytest.mark.parametrize("scope", SkipScope)
@pytest.mark.parametrize("circuit", CircuitEffect)
def test_every_consequence_has_its_words(scope: SkipScope, circuit: CircuitEffect) -> None:
    verdict = dict.fromkeys(("kind", "rule", "matched", "message", "hint", "request_id", "retry_after_seconds"), "")
    told = dict(
        sentences(
            {
                **verdict,
                "retry_after_seconds": None,
                "sure": True,
                "skip": str(scope),
                "circuit": str(circuit),
                "deny": True,
                "action": "skip_everything stop",
            }
        )
    )

    assert told["skipped"] != "for this request, "
    assert told["circuit"]
    assert told["then"] == "stop"
    assert "denied" in told
