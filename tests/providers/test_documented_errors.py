"""Errors as providers document and send them, each with the kind that is right: `documented_errors.jsonl`.

The lines are cases of `python -m tests.benchmarks.classification` and of `llmesc classify --jsonl`. `also_acceptable` marks what
can honestly be called two things.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.providers.classify import Evidence, classify
from tests.benchmarks.classification import MONEY_OR_KEY, evidence_of, read_cases

CASES = list(read_cases([Path(__file__).with_name("documented_errors.jsonl")]))
KINDS = sorted({case["expected"] for case in CASES})


def test_every_case_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(case["id"] for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_of_the_kind_that_its_provider_means(kind: str) -> None:
    cases = [case for case in CASES if case["expected"] == kind]
    verdicts = {case["id"]: classify(evidence_of(case)) for case in cases}
    accepted = {case["id"]: {kind, *case.get("also_acceptable", ())} for case in cases}

    assert {name: (failure.kind, failure.rule) for name, failure in verdicts.items() if failure.kind not in accepted[name]} == {}


def test_money_rates_and_keys_are_never_taken_for_one_another() -> None:
    confused = {
        case["id"]: failure.rule
        for case in CASES
        if case["expected"] in MONEY_OR_KEY
        and (failure := classify(evidence_of(case))).kind in MONEY_OR_KEY - {case["expected"], *case.get("also_acceptable", ())}
    }

    assert confused == {}


def test_the_wait_that_is_asked_for_is_read_to_the_millisecond() -> None:
    asked = {case["id"]: case["retry_after_s"] for case in CASES if "retry_after_s" in case}
    read = {case["id"]: classify(evidence_of(case)).retry_after_seconds for case in CASES if case["id"] in asked}

    assert len(asked) > 20
    assert read == pytest.approx(asked, abs=0.001)


def in_an_exception(status: int, body: Any) -> Evidence:
    return Evidence(body=f"openai.APIStatusError: Error code: {status} - {body!r}")


def in_a_log(status: int, body: Any) -> Evidence:
    return Evidence(body=f"API Error: {status} {json.dumps(body)}")


def behind_a_proxy_that_answers_500(status: int, body: Any) -> Evidence:
    message = f"litellm.APIError: OpenAIException - Error code: {status} - {body!r}"
    return Evidence(status=500, body=json.dumps({"error": {"message": message, "type": None, "param": None, "code": "500"}}))


def behind_a_router(status: int, body: Any) -> Evidence:
    metadata = {"raw": json.dumps(body), "provider_name": "Some"}
    outer = {"error": {"message": "Provider returned error", "code": status, "metadata": metadata}}
    return Evidence(status=status, body=json.dumps(outer))


def as_json_in_json(status: int, body: Any) -> Evidence:
    outer = {"error": {"message": json.dumps(body), "type": "upstream_error", "code": status}}
    return Evidence(status=status, body=json.dumps(outer))


def in_a_list(status: int, body: Any) -> Evidence:
    return Evidence(status=status, body=json.dumps([body]))


WRAPPINGS = (in_an_exception, in_a_log, behind_a_proxy_that_answers_500, behind_a_router, as_json_in_json, in_a_list)
LEFT_OUT = {"openai-image-url"}
"""Names the status with which somebody else answered, which counts as the error's own where that is missing."""


@pytest.mark.parametrize("wrapped", WRAPPINGS, ids=lambda wrapping: wrapping.__name__)
def test_an_error_is_what_it_is_however_it_is_wrapped(wrapped: Callable[[int, Any], Evidence]) -> None:
    changed = {}
    for case in CASES:
        status, told_by_headers = case["status"] or 0, any(name.startswith("x-amzn") for name in case.get("headers", ()))
        if status < 400 or told_by_headers or case["id"] in LEFT_OUT or not case["body"].startswith("{"):
            continue
        failure = classify(wrapped(status, json.loads(case["body"])))
        if failure.kind not in {case["expected"], *case.get("also_acceptable", ())}:
            changed[case["id"]] = (failure.kind, failure.rule)

    assert changed == {}
