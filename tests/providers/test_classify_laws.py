"""What holds for every verdict, whatever a server sends."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.providers import error_codes, message_rule, verdict
from llmesc.providers.classify import Evidence, classify, explain
from llmesc.providers.message_rule import any_of

PLAIN_NAMES = (
    "error",
    "errors",
    "message",
    "code",
    "type",
    "status",
    "detail",
    "details",
    "reason",
    "response",
    "choices",
    "msg",
)
ODD_NAMES = ("raw", "base_resp", "retryDelay", "quotaId", "error_code", "error_msg", "request_id", "estimated_time", "x")
NAMES = st.sampled_from(PLAIN_NAMES + ODD_NAMES)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["{}", '{"error":{"code":429}}'])
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=30)
WRAPPERS = st.sampled_from(["{}", "data: {}\n\n", "event: error\ndata: {}\n\n", "error: {}", "Error code: 500 - {}", "<html>{}"])


def check(failure: Failure) -> None:
    assert failure.kind in FailureKind
    assert failure.rule
    assert failure.message
    assert len(failure.message) <= 600 and len(failure.matched) <= 120 and len(failure.body) <= 4001
    wait = failure.retry_after_seconds
    assert (wait is None) == (failure.retry_after_source is None)
    assert wait is None or (math.isfinite(wait) and wait >= 0)


STATUSES = st.none() | st.sampled_from([200, 301, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529]) | st.integers(100, 999)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "date", "x-ratelimit-reset", "x-amzn-errortype", "request-id"]),
    st.text(max_size=30) | st.sampled_from(["1e999", "-1", "Sun, 22 Nov 2026 12:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 -9999"]),
)


@given(
    body=st.binary(max_size=400),
    status=STATUSES,
    headers=HEADERS,
    transport=st.none() | st.text(max_size=12),
    detail=st.text(max_size=30),
)
@example(body=b"\xef\xbb\xbf{}", status=200, headers={}, transport=None, detail="")
@settings(deadline=None)
def test_it_never_raises_whatever_bytes_come(
    body: bytes, status: int | None, headers: dict[str, str], transport: str | None, detail: str
) -> None:
    check(classify(Evidence(status=status, headers=headers, body=body, transport=transport, detail=detail)))


@given(tree=TREES, wrapper=WRAPPERS, status=STATUSES)
@settings(deadline=None)
def test_it_never_raises_whatever_json_comes(tree: object, wrapper: str, status: int | None) -> None:
    check(classify(Evidence(status=status, body=wrapper.replace("{}", json.dumps(tree)))))


HOSTILE = {
    "deep objects": '{"error":' * 3000 + "1" + "}" * 3000,
    "deep enough to parse": '{"error":' * 400 + '"x"' + "}" * 400,
    "deep lists": "[" * 900 + "]" * 900,
    "deep responses": '{"response":' * 300 + "{}" + "}" * 300,
    "an absurd number": '{"error":{"code":' + "9" * 5000 + "}}",
    "no number": '{"error":{"code":NaN,"message":Infinity}}',
    "a lone surrogate": '{"error":{"message":"\\ud800"}}',
    "a wide list": json.dumps({"errors": [{"message": f"the model's prompt exceeds {index}"} for index in range(20_000)]}),
    "braces": "{" * 2_000_000,
    "quotes": '"' * 2_000_000,
    "backslashes": '{"message":"' + "\\\\" * 1_000_000,
    "events without end": 'data: {"error' * 200_000,
    "tags": "<html>" + "<h1 " * 500_000,
    "addresses": "http://" * 300_000,
    "waits": "retry " * 300_000,
    "words of one rule": '{"error":{"message":"' + "prompt exceeds model not api key insufficient " * 40_000 + '"}}',
    "zeros": "\0" * 3_000_000,
}


@pytest.mark.parametrize("body", HOSTILE)
def test_the_work_is_bounded_on_hostile_and_endless_bodies(body: str) -> None:
    classify(Evidence(status=400, body='{"error":{"message":"warm up"}}'))
    started = time.process_time()
    for status in (400, 429, 200):
        check(classify(Evidence(status=status, body=HOSTILE[body])))
    assert time.process_time() - started < 2.0


def test_nothing_shows_a_key() -> None:
    key = "sk-live-abcdefghijklmnop0123456789"
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {key}.", "code": key}})
    failure = classify(Evidence(status=401, body=body, detail=key))
    assert key not in repr(failure)


def test_control_characters_stay_out_of_the_message_and_the_evidence() -> None:
    failure = classify(Evidence(status=400, body=json.dumps({"error": {"message": "\x1b[31mcredit balance\x07 too low"}})))
    assert failure.message == "credit balance too low"
    assert "\x1b" not in failure.matched


def test_the_same_evidence_gives_the_same_verdict() -> None:
    evidence = Evidence(status=429, headers={"Retry-After": "3"}, body=b'{"error":{"code":"rate_limit_exceeded"}}')
    assert classify(evidence) == classify(evidence)


def test_the_innermost_provider_speaks_before_the_gateway() -> None:
    inner = json.dumps({"error": {"message": "slow", "status": "RESOURCE_EXHAUSTED", "details": [{"quotaId": "PerDay"}]}})
    gateway = {"error": {"message": f"upstream: {inner}", "type": "server_error", "code": 500}}
    failure = classify(Evidence(status=500, body=json.dumps(gateway)))
    assert (failure.kind, failure.rule, failure.message) == (FailureKind.ACCOUNT, "quota.perday", "slow")


def test_a_gateway_is_believed_where_its_provider_says_nothing() -> None:
    gateway = {"error": {"message": '{"error": {"message": "?"}}', "code": "model_not_found"}}
    assert classify(Evidence(status=503, body=json.dumps(gateway))).kind is FailureKind.MODEL_UNAVAILABLE


def test_the_request_id_comes_from_headers_before_the_body() -> None:
    body = '{"error":{"message":"x"},"request_id":"in-body"}'
    assert classify(Evidence(status=500, headers={"X-Request-Id": "in-head"}, body=body)).request_id == "in-head"
    assert classify(Evidence(status=500, body=body)).request_id == "in-body"


def test_a_wait_is_told_only_where_waiting_helps() -> None:
    headers = {"retry-after": "2"}
    waits = {
        status: classify(Evidence(status=status, headers=headers)).retry_after_seconds
        for status in (400, 401, 404, 429, 500, 503)
    }
    assert waits == {400: None, 401: None, 404: None, 429: 2.0, 500: 2.0, 503: 2.0}


def test_every_rule_of_sentences_has_its_own_name_and_compiles() -> None:
    names = [rule.name for rule in verdict.MESSAGE_RULES]
    assert len(names) == len(set(names))
    for rule in verdict.MESSAGE_RULES:
        any_of(rule.says), any_of(rule.unless)
        assert rule.only_on <= message_rule.ANY


def test_no_code_is_listed_that_a_pattern_of_its_rule_finds_anyway() -> None:
    for rule in (*error_codes.STRONG, *error_codes.WEAK):
        spare = [code for code in rule.codes if rule.like and any_of(rule.like).search(code)]
        assert not spare


def test_a_case_is_explained_in_plain_json() -> None:
    case = {
        "api": "openai",
        "status": 429,
        "headers": {"Retry-After": "7"},
        "body": {"error": {"message": "x"}},
        "transport": None,
    }
    told = explain(case)
    assert json.loads(json.dumps(told)) == told
    assert [*told][:4] == ["kind", "retry_after_seconds", "rule", "action"]
    assert (told["kind"], told["retry_after_seconds"], told["rule"]) == ("rate_limit", 7.0, "status.429")
    assert told["action"] == "skip_instance circuit_retry_after next"
    assert told["sure"] is False


def test_the_action_says_what_the_table_says() -> None:
    assert explain({"status": 401})["action"] == "skip_instance circuit_trip next"
    assert explain({"status": 403})["action"] == "skip_model_on_instance deny_model next"
    assert explain({"status": "529"})["action"] == "skip_capacity circuit_failure next"
    assert explain({"transport": "dns"})["kind"] == "connection"
    assert explain({})["kind"] == "protocol"


@pytest.mark.parametrize("case", [{"status": "many"}, {"status": True}, {"status": 7}, {"status": 4.5}, {"headers": ["a"]}])
def test_a_case_that_is_none_is_refused_with_the_field_named(case: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(case))}: "):
        explain(case)


def test_classifying_loads_no_http_library() -> None:
    code = "import sys, llmesc.providers.classify; print(sorted({'httpx', 'asyncio', 'ssl', 'email'} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
