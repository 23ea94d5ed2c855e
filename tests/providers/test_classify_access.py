"""Who may not ask, and what may not be asked: keys, permissions, regions, filters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind, SkipScope
from llmesc.providers.classify import Evidence, classify

AUTH, PERMISSION, CONTENT = FailureKind.AUTH, FailureKind.PERMISSION, FailureKind.CONTENT_POLICY


def fail(status: int, body: Any, **more: Any) -> Any:
    return classify(Evidence(status=status, body=body if isinstance(body, str) else json.dumps(body), **more))


def google(status: str, message: str, reason: str | None = None) -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return {"error": {"status": status, "message": message, "details": details}}


REJECTED_KEYS = {
    "a bare 401": (401, ""),
    "an nginx page": (401, "<html><head><title>401 Authorization Required</title></head></html>"),
    "a strong code": (400, {"error": {"message": "nope", "code": "invalid_api_key"}}),
    "the same code spelled in camel case": (403, {"code": "InvalidApiKey", "message": "nope"}),
    "google, under a 400": (400, google("INVALID_ARGUMENT", "bad", "API_KEY_INVALID")),
    "google, no key at all": (403, google("PERMISSION_DENIED", "Unregistered callers may not use this method.")),
    "google, a leaked key": (403, google("PERMISSION_DENIED", "This API key was leaked and has been disabled.")),
    "an expired key in words": (400, {"error": {"message": "The API key you sent has expired."}}),
    "missing credentials in words": (422, {"detail": "Missing API key"}),
    "a validator's words": (403, {"detail": "Not authenticated"}),
    "a proxy's own table": (400, {"error": {"message": "no such virtual key", "type": "token_not_found_in_db"}}),
    "an OAuth refresh": (400, {"error": "invalid_grant", "error_description": "Session ended."}),
    "Chinese": (400, {"error": {"message": "无效的令牌", "type": "new_api_error"}}),
    "behind a proxy that answers 500": (500, {"error": {"message": "Error code: 401 - {'error': {'code': 'wrong_api_key'}}"}}),
    "an exception's name behind a proxy": (500, {"error": {"message": "AuthenticationError: upstream said no"}}),
    "watsonx": (401, {"errors": [{"code": "authentication_token_expired", "message": "Log in again"}], "trace": "t"}),
}


@pytest.mark.parametrize("case", REJECTED_KEYS)
def test_a_rejected_key_is_auth_whatever_the_status_and_shape(case: str) -> None:
    assert fail(*REJECTED_KEYS[case]).kind is AUTH


@pytest.mark.parametrize(
    "error",
    ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException"],
)
def test_the_credential_errors_of_aws_are_read_from_their_header(error: str) -> None:
    headers = {"X-Amzn-ErrorType": f"{error}:http://internal.example/coral/"}
    failure = fail(403, {"message": "no"}, headers=headers)
    assert (failure.kind, failure.rule, failure.provider_code) == (AUTH, f"code.{error}", error)


REFUSED = {
    "a bare 403": (403, "", None),
    "no such right, under a 401": (401, {"error": {"message": "Insufficient permissions: missing scopes model.read"}}, None),
    "a key limited to other models": (403, {"error": {"message": "no", "type": "team_model_access_denied"}}, None),
    "a known model that this project may not use": (403, {"error": {"message": "no", "code": "model_not_found"}}, None),
    "a plan without the model": (429, {"error": {"message": "That model is not included in your plan"}}, None),
    "a subscription is needed": (403, {"error": "this model requires a paid plan"}, None),
    "a gated repository": (403, {"error": "Access to model acme/big is restricted"}, None),
    "a form not sent": (404, {"message": "Use case details have not been given for this account"}, None),
    "Chinese": (403, {"error": {"message": "该密钥无权使用此模型"}}, None),
    "a region by code": (403, {"error": {"code": "unsupported_country_region_territory"}}, SkipScope.PROVIDER),
    "a region in words": (400, google("FAILED_PRECONDITION", "Your location is not supported."), SkipScope.PROVIDER),
    "an organisation shut": (400, {"error": {"message": "Your workspace was disabled."}}, SkipScope.INSTANCE),
    "an organisation not verified": (
        404,
        {"error": {"message": "The organization must be verified before it may use o9", "code": "model_not_found"}},
        SkipScope.INSTANCE,
    ),
    "a login method not allowed": (
        401,
        {"error": {"type": "authentication_error", "message": "This login is not allowed for your organization"}},
        SkipScope.INSTANCE,
    ),
    "a firewall": (403, {"error": {"code": "403", "message": "Denied by Virtual Network/Firewall rules."}}, SkipScope.INSTANCE),
    "a service switched off": (403, google("PERMISSION_DENIED", "Enable it first", "SERVICE_DISABLED"), SkipScope.INSTANCE),
    "a bot wall": (403, "<html><head><title>Just a moment...</title></head><body>…</body></html>", SkipScope.ENDPOINT),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_permission_names_how_far_it_reaches(case: str) -> None:
    status, body, scope = REFUSED[case]
    failure = fail(status, body)
    assert (failure.kind, failure.scope) == (PERMISSION, scope)


FILTERED = {
    "a strong code": (400, {"error": {"message": "no", "code": "content_filter"}}),
    "a code inside the code": (400, {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    "a code of a kind never seen": (400, {"error": {"code": "OutputImageSensitiveContentDetected", "message": "no"}}),
    "a 403 whose code says permission": (
        403,
        {"code": "caller lacks permission", "error": "The text violates our usage guidelines."},
    ),
    "moderation of a router": (403, {"error": {"code": 403, "message": "Your prompt was flagged for violence"}}),
    "a filter of the answer": (400, {"error": {"message": "The output was blocked by a content filter"}}),
    "Chinese": (400, {"error": {"message": "输入包含敏感内容"}}),
    "zhipu's number": (400, {"error": {"code": "1301", "message": "…"}}),
    "minimax's number under 200": (200, {"base_resp": {"status_code": 1027, "status_msg": "…"}}),
    "cloudflare's guardrail": (424, {"success": False, "errors": [{"code": 2016, "message": "…"}]}),
    "an answer that ended so": (200, {"choices": [{"finish_reason": "content_filter", "message": {"content": ""}}]}),
    "a stream that ended so": (200, 'data: {"candidates":[{"finishReason":"PROHIBITED_CONTENT"}]}\r\n\r\n'),
    "a prompt that was blocked": (200, {"promptFeedback": {"blockReason": "BLOCKLIST"}}),
    "a refusal": (200, {"type": "message", "content": [], "stop_reason": "refusal"}),
}


@pytest.mark.parametrize("case", FILTERED)
def test_a_filter_is_content_policy_whatever_else_the_body_says(case: str) -> None:
    assert fail(*FILTERED[case]).kind is CONTENT


def test_what_a_model_quotes_is_no_reason_for_which_it_ended() -> None:
    quoted = {"choices": [{"delta": {"content": '{"finish_reason": "content_filter"}'}}]}
    assert fail(200, f"data: {json.dumps(quoted)}\n\n").kind is FailureKind.PROTOCOL
