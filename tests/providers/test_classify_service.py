"""What the model is not, what the server cannot, whom a 500 blames, and what only the transport saw."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind, SkipScope
from llmesc.providers.classify import Evidence, classify
from llmesc.providers.transport_signs import TRANSPORT_WORDS

K = FailureKind


def fail(status: int | None, body: Any = "", **more: Any) -> Any:
    return classify(Evidence(status=status, body=body if isinstance(body, str | bytes) else json.dumps(body), **more))


def said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


NO_SUCH_MODEL = {
    "not found": (404, said("model 'acme-9' not found, try pulling it")),
    "no access or no model": (404, said("`acme-9` does not exist or you lack access", code="model_not_found")),
    "no access or no model, without a code": (404, said("The endpoint acme-9 does not exist, or you are not allowed to use it")),
    "google": (404, {"error": {"status": "NOT_FOUND", "message": "models/g-9 is not found for API version v1"}}),
    "an empty name in a type": (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: c-9"}}),
    "a deployment": (404, {"error": {"code": "DeploymentNotFound", "message": "no"}}),
    "a dotted code": (404, said("no", code="InvalidEndpointOrModel.NotFound")),
    "an identifier that is none": (400, {"message": "The model identifier you gave is invalid."}),
    "a router without endpoints": (404, said("No endpoints found for acme/9.")),
    "a gateway without channels": (503, said("当前分组下对于模型 acme-9 无可用渠道")),
    "nothing loaded": (404, said("No models loaded.")),
    "too large for the machine": (500, {"error": "model requires more system memory (40 GiB) than is available"}),
    "gone": (410, ""),
    "plain text under 200": (200, "unknown model: acme-9"),
    "mistral's number": (400, {"object": "error", "message": "…", "code": "1500"}),
    "cloudflare's number": (400, {"success": False, "errors": [{"code": 5007, "message": "…"}]}),
}


@pytest.mark.parametrize("case", NO_SUCH_MODEL)
def test_a_missing_model_is_told_from_a_wrong_request(case: str) -> None:
    assert fail(*NO_SUCH_MODEL[case]).kind is K.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    "retired",
    [said("no", code="model_decommissioned"), {"message": "This model version has reached the end of its life."}],
    ids=str,
)
def test_a_retired_model_is_gone_on_every_account_but_not_on_every_server_of_ours(retired: Any) -> None:
    assert fail(400, retired).scope is SkipScope.MODEL
    assert fail(400, retired, self_hosted=True).scope is None


WRONG_ADDRESS = {
    "a bare 404": (404, ""),
    "a framework's": (404, {"detail": "Not Found"}),
    "a page": (404, "<html><head><title>404 Not Found</title></head></html>"),
    "the path is named": (404, said("Invalid URL (POST /v1/v1/chat/completions)")),
    "a 200 that regrets": (200, {"error": "Unexpected endpoint or method. (GET /chat/completions)"}),
    "a page under 200": (200, "<!doctype html><html><head><title>Sign in</title></head></html>"),
    "a redirect": (307, ""),
}


@pytest.mark.parametrize("case", WRONG_ADDRESS)
def test_a_wrong_address_is_a_protocol_failure_and_no_missing_model(case: str) -> None:
    assert fail(*WRONG_ADDRESS[case]).kind is K.PROTOCOL


MALFORMED = [
    (400, ""),
    (405, ""),
    (422, {"detail": [{"loc": ["body", "messages"], "msg": "Field required", "input": "the prompt is too long"}]}),
    (400, said("Unknown parameter: 'reasoning.level'.")),
    (400, said("This model does not support tools")),
    (400, said("For model acme-9, temperature is not supported")),
    (400, said("tools.0.input_schema: JSON schema is invalid")),
    (400, said("Failed to fetch the image: status code 404")),
    (501, said("This server does not support completions", type="not_supported_error")),
    (500, said("Failed to parse tools: expected an array", type="server_error")),
    (500, {"error": "json: cannot unmarshal array into a string"}),
    (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    (418, ""),
]


@pytest.mark.parametrize(("status", "body"), MALFORMED, ids=str)
def test_a_malformed_request_is_ours_to_mend(status: int, body: Any) -> None:
    assert fail(status, body).kind is K.PAYLOAD


def test_a_status_nobody_knows_blames_no_other_instance() -> None:
    assert fail(418).scope is SkipScope.INSTANCE
    assert fail(422).scope is None


FULL = {
    "a bare 503": (503, ""),
    "anthropic's 529": (529, ""),
    "a type, under 200": (200, 'event: error\ndata: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'),
    "behind a proxy that answers 500": (500, said("Error code: 529 - {'error': {'type': 'overloaded_error'}}")),
    "capacity, under 429": (429, said("We have no capacity for this tier", code="NoCapacity")),
    "demand, under 429": (429, said("The model sees high demand at the moment")),
    "a queue": (429, {"message": "no", "code": "queue_exceeded"}),
    "loading": (503, {"error": "Model acme-9 is currently loading", "estimated_time": 20.5}),
    "envoy": (503, "upstream connect error, reset reason: overflow"),
    "groq's 498": (498, said("Flex tier capacity exceeded")),
    "Chinese": (429, said("当前分组上游负载已饱和")),
    "deepseek's reason": (200, {"choices": [{"finish_reason": "insufficient_system_resource"}]}),
    "aws": (429, {"message": "not yet"}, {"x-amzn-errortype": "ModelNotReadyException"}),
}


@pytest.mark.parametrize("case", FULL)
def test_a_full_server_is_told_from_a_limit_of_ours(case: str) -> None:
    status, body, *headers = FULL[case]
    assert fail(status, body, headers=headers[0] if headers else {}).kind is K.OVERLOADED


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "", K.SERVER_ERROR),
        (502, "<html><head><title>502 Bad Gateway</title></head></html>", K.SERVER_ERROR),
        (521, "", K.SERVER_ERROR),
        (424, {"message": "the container failed"}, K.SERVER_ERROR),
        (400, said("see failed_generation", code="tool_use_failed"), K.SERVER_ERROR),
        (400, {"error": "The model has crashed without additional information."}, K.SERVER_ERROR),
        (200, 'data: {"error":{"message":"engine died","code":500}}\n\n', K.SERVER_ERROR),
        (200, {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, K.SERVER_ERROR),
        (200, '{"message":{"content":"hi"},"done":false}\n{"error":"the runner stopped"}\n', K.SERVER_ERROR),
        (504, "", K.TIMEOUT),
        (408, "", K.TIMEOUT),
        (500, said("The backend timed out"), K.TIMEOUT),
        (504, {"error": {"status": "DEADLINE_EXCEEDED", "message": "late"}}, K.TIMEOUT),
    ],
    ids=str,
)
def test_the_servers_own_faults(status: int, body: Any, kind: FailureKind) -> None:
    assert fail(status, body).kind is kind


@pytest.mark.parametrize(("word", "kind"), TRANSPORT_WORDS.items())
def test_each_transport_word_names_its_kind_and_its_rule(word: str, kind: FailureKind) -> None:
    failure = fail(None, transport=word, detail="what the socket said")
    assert (failure.kind, failure.rule, failure.message) == (kind, f"transport.{word}", "what the socket said")


def test_a_closed_connection_is_a_cut_only_after_an_answer_began() -> None:
    assert fail(None, transport="closed").kind is K.CONNECTION
    assert fail(200, 'data: {"choices":[]}', transport="closed").kind is K.PROTOCOL


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ("ConnectTimeout", K.TIMEOUT),
        ("[Errno 104] Connection reset by peer", K.CONNECTION),
        ("Server disconnected without sending a response.", K.CONNECTION),
        ("certificate verify failed", K.CONNECTION),
        ("peer closed connection without sending complete message body", K.PROTOCOL),
        ("Error -3 while decompressing data: incorrect gzip header", K.PROTOCOL),
        ("something else", K.CONNECTION),
    ],
)
def test_an_exceptions_own_words_do_where_no_word_of_ours_is_known(detail: str, kind: FailureKind) -> None:
    assert fail(None, transport="error", detail=detail).kind is kind
    assert fail(None, transport=detail).kind is kind


def test_a_server_that_reports_an_error_and_hangs_up_has_cut_nothing() -> None:
    body = 'event: error\ndata: {"error":{"type":"overloaded_error","message":"full"}}\n\n'
    for word in ("no_terminal_sign", "cut", "closed", "bad_json"):
        assert fail(200, body, transport=word).kind is K.OVERLOADED


def test_the_words_of_a_cut_answer_are_not_taken_for_an_error() -> None:
    body = '{"choices":[{"message":{"content":"rate limit, invalid api key, prompt is too long"}}]}'
    assert fail(200, body, transport="cut").kind is K.PROTOCOL


def test_a_status_that_came_outranks_a_body_that_stalled() -> None:
    assert fail(429, transport="stall_timeout").kind is K.RATE_LIMIT


def test_nothing_at_all_is_a_protocol_failure() -> None:
    assert (fail(None).kind, fail(200).kind) == (K.PROTOCOL, K.PROTOCOL)
