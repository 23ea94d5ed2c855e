"""What is used up and what is too large: money, rates, quotas, windows. None of these may be taken for another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmesc.escalation.failures import FailureKind, SkipScope
from llmesc.providers.classify import Evidence, classify

ACCOUNT, RATE, OVERFLOW, PAYLOAD = (
    FailureKind.ACCOUNT,
    FailureKind.RATE_LIMIT,
    FailureKind.CONTEXT_OVERFLOW,
    FailureKind.PAYLOAD,
)


def fail(status: int, body: Any, **more: Any) -> Any:
    return classify(Evidence(status=status, body=body if isinstance(body, str) else json.dumps(body), **more))


def said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


NO_MONEY = {
    "a bare 402": (402, ""),
    "a page": (402, "<html><body><h1>Payment Required</h1></body></html>"),
    "fireworks' 412": (412, said("The account acme is suspended")),
    "a code under 429": (429, said("see your plan", code="insufficient_quota")),
    "a code with a prefix": (403, said("no", code="local:insufficient_quota")),
    "a code in capitals": (403, {"code": "NOT_ENOUGH_BALANCE", "message": "no"}),
    "a code of a kind never seen": (400, said("no", code="wallet_balance_depleted")),
    "overdue": (403, said("no", code="AccountOverdueError")),
    "a free tier that ended": (403, {"code": "AllocationQuota.FreeTierOnly", "message": "no"}),
    "credit in words, under 400": (400, said("Your credit balance does not cover this", type="invalid_request_error")),
    "credits in words, under 403": (403, {"code": "forbidden", "error": "The team has used all its credits."}),
    "no credits yet": (403, {"error": "Your new team doesn't have any credits."}),
    "a card is wanted": (403, said("A payment method is required before the first call")),
    "an invalid card at a marketplace": (403, {"message": "INVALID_PAYMENT_INSTRUMENT: no valid payment instrument"}),
    "a budget of a proxy, under 401": (401, said("Authentication Error, ExceededBudget: key is over its budget")),
    "a spending limit": (429, said("You reached your monthly spending limit")),
    "a usage limit with a date": (400, said("You have reached your API usage limits until 2027-01-01.")),
    "a weekly allowance": (429, said("you've reached your weekly usage limit")),
    "a key's own limit": (403, said("Key limit exceeded (total limit)")),
    "billing switched off": (403, {"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "BILLING_DISABLED"}]}}),
    "Chinese": (403, said("账户余额不足，请充值")),
    "Spanish": (400, said("Saldo insuficiente")),
    "zhipu's number": (429, said("…", code="1113")),
    "siliconflow's number": (403, {"code": 30011, "message": "…", "data": None}),
    "minimax's number under 200": (200, {"base_resp": {"status_code": 1008, "status_msg": "…"}}),
    "in a stream": (200, 'event: error\ndata: {"type":"error","error":{"code":"insufficient_quota","message":"no"}}\n\n'),
}


@pytest.mark.parametrize("case", NO_MONEY)
def test_an_empty_account_is_told_from_a_busy_one(case: str) -> None:
    assert fail(*NO_MONEY[case]).kind is ACCOUNT


TOO_FAST = {
    "a bare 429": (429, ""),
    "per minute": (429, said("9,000 prompt tokens per minute is all you have. Shorten the prompt or wait.")),
    "with a link to billing": (
        429,
        said("60 queries per minute. Upgrade at https://x.example/settings/billing", type="credit_limit"),
    ),
    "with advice to pay": (429, said("Rate limit reached on RPM. Adding a payment method raises it.")),
    "used up the minute, but not larger than it": (429, said("On TPM: Limit 30000, Used 29000, Requested 2000")),
    "a day's limit that calls itself a rate": (429, said("Rate limit exceeded: free-requests-per-day. 10 credits unlock more.")),
    "concurrency": (429, said("Concurrency limit of 4 requests hit, too many at once")),
    "the resource, in google's words": (
        429,
        {"error": {"status": "RESOURCE_EXHAUSTED", "message": "Resource exhausted, see quota"}},
    ),
    "aws": (400, {"__type": "com.amazon#ThrottlingException", "message": "slow down"}),
    "dashscope, whose quota is a rate": (429, {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded"}),
    "zhipu's number": (429, said("…", code="1302")),
    "mistral's number": (429, {"object": "error", "message": "…", "code": "1300"}),
    "Chinese": (429, said("请求过于频繁，请稍后再试")),
    "under 200, with the status in the body": (200, {"error": {"code": 429, "message": "The upstream refused"}}),
    "behind a proxy that answers 500": (
        500,
        said("litellm.RateLimitError: Error code: 429 - {'error': {'message': 'calm down'}}"),
    ),
    "in a stream": (200, 'data: {"type":"error","error":{"type":"rate_limit_error","message":"calm down"}}\n\n'),
    "a page": (429, "<html><head><title>You are being rate limited</title></head></html>"),
}


@pytest.mark.parametrize("case", TOO_FAST)
def test_a_rate_is_told_from_an_account_and_from_a_window(case: str) -> None:
    assert fail(*TOO_FAST[case]).kind is RATE


def gemini_quota(*ids: str) -> dict[str, Any]:
    violations = [{"quotaId": name, "quotaDimensions": {"model": "g-1"}} for name in ids]
    return {
        "error": {
            "status": "RESOURCE_EXHAUSTED",
            "message": "You exceeded your current quota",
            "details": [{"violations": violations}],
        }
    }


@pytest.mark.parametrize(
    ("body", "kind", "scope"),
    [
        (gemini_quota("RequestsPerMinutePerProject"), RATE, None),
        (gemini_quota("InputTokensPerModelPerMinute"), RATE, SkipScope.MODEL_ON_INSTANCE),
        (gemini_quota("RequestsPerDayPerProjectPerModel"), ACCOUNT, SkipScope.MODEL_ON_INSTANCE),
        (gemini_quota("RequestsPerMinutePerModel", "RequestsPerDayPerModel"), ACCOUNT, SkipScope.MODEL_ON_INSTANCE),
        (said("Trial keys allow 1000 calls / month"), ACCOUNT, SkipScope.MODEL_ON_INSTANCE),
        (said("Trial keys allow 10 calls / minute"), RATE, None),
        (said("Rate limit of 50 per 86400s exceeded for UserByModelByDay"), RATE, SkipScope.MODEL_ON_INSTANCE),
        (said("You exceeded your current quota. Retry in 12.5s."), RATE, None),
        (said("You exceeded your current quota."), ACCOUNT, None),
    ],
)
def test_the_period_of_a_quota_decides_between_waiting_and_paying(body: Any, kind: FailureKind, scope: SkipScope | None) -> None:
    failure = fail(429, body)
    assert (failure.kind, failure.scope) == (kind, scope)


TOO_LONG = {
    "a code": (400, said("no", code="context_length_exceeded")),
    "a code of a kind never seen": (400, said("no", code="model_max_prompt_tokens_exceeded")),
    "an exception's name": (400, said("litellm.ContextWindowExceededError: too big")),
    "a prompt too long": (400, said("prompt is too long: 210000 tokens > 200000")),
    "an input that exceeds": (400, {"message": "Input length 9000 exceeds the maximum of 8192 tokens"}),
    "a window that is named": (400, said("The model's maximum context length is 8192 tokens, and you sent 9001")),
    "under 422": (422, {"error": "`inputs` must have less than 4096 tokens. Given: 5000"}),
    "under 413": (413, said("Request body too large for this model. Max size: 8000 tokens.")),
    "under 500": (500, {"error": "input length exceeds the context length"}),
    "under 200": (200, {"error": {"code": 400, "type": "exceed_context_size_error", "message": "no"}}),
    "in a field of a stream that is no data": (200, 'error: {"code":400,"message":"the context is too long","type":"x"}\n\n'),
    "bytes": (400, said("too many total text bytes: 9000001 > 9000000")),
    "mistral's number": (400, {"object": "error", "message": "…", "code": "3051"}),
    "Chinese": (400, said("输入超出模型的上下文长度", code="1210")),
    "German": (400, said("Der Prompt ist zu lang")),
    "prompt and answer together": (400, said("input length and `max_tokens` exceed the limit: 190000 + 20000 > 200000")),
    "larger than a minute allows": (429, said("Request too large on tokens per min: Limit 30000, Requested 45123.")),
}


@pytest.mark.parametrize("case", TOO_LONG)
def test_a_prompt_that_does_not_fit_is_an_overflow(case: str) -> None:
    assert fail(*TOO_LONG[case]).kind is OVERFLOW


def test_a_request_larger_than_a_minutes_allowance_says_nothing_about_windows() -> None:
    failure = fail(429, said("Limit 30,000, Requested 45,123"), headers={"retry-after": "20"})
    assert (failure.scope, failure.retry_after_seconds) == (SkipScope.MODEL_ON_INSTANCE, None)


NOT_THE_PROMPT = [
    said("max_tokens: 200000 > 64000, the maximum allowed number of output tokens"),
    said("max_tokens is too large: this model supports at most 4096 completion tokens"),
    said("max_completion_tokens (9000) cannot exceed 8192. Reduce the length of the output."),
    said("messages.1.content.0.image: image exceeds 5 MB maximum"),
    said("Invalid 'messages': array too long. At most 2048 items."),
    said("Invalid 'tools[0].function.name': string too long. Maximum length 64."),
    said("The number of tools exceeds the maximum of 128"),
    said("The request's temperature exceeds the maximum of 2"),
]


@pytest.mark.parametrize("body", NOT_THE_PROMPT, ids=lambda body: body["error"]["message"][:30])
def test_other_things_that_are_too_large_are_the_payloads_fault(body: Any) -> None:
    assert fail(400, body).kind is PAYLOAD
