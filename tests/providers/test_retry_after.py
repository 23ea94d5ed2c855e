"""When a provider says to come back: where it is read, in which order, and what is not believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmesc.escalation.times import Timestamp, from_rfc3339
from llmesc.providers.error_body import read_body
from llmesc.providers.retry_after import parse_duration, read_retry_after

NOW = from_rfc3339("2026-11-22T12:00:00Z")


def told(headers: dict[str, str] | None = None, body: Any = "", now: Timestamp | None = NOW, *, limited: bool = True) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return read_retry_after(headers or {}, read_body(text), now, limited=limited)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20.0),
        ("0.66", 0.66),
        ("7m12s", 432.0),
        ("21m36.001s", 1296.001),
        ("115ms", 0.115),
        ("1h 5 minutes", 3900.0),
        ("2 hours, 5 minutes and 3 seconds", 7503.0),
        ("12.17:07:56", 1098476.0),
        ("00:01:30", 90.0),
        ("30 秒", 30.0),
        ("", None),
        ("soon", None),
        ("5 apples", None),
        ("9" * 400, None),
        ("nan", None),
    ],
)
def test_durations_as_servers_write_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "20"}, (20.0, "header:retry-after")),
        ({"retry-after-ms": "660"}, (0.66, "header:retry-after-ms")),
        ({"retry-after-ms": "1500", "retry-after": "2"}, (1.5, "header:retry-after-ms")),
        ({"retry-after-ms": "0", "retry-after": "1"}, (1.0, "header:retry-after")),
        ({"retry-after": "0"}, (0.0, "header:retry-after")),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, (30.0, "header:retry-after")),
        ({"retry-after": "2026-11-22T12:01:00Z"}, (60.0, "header:retry-after")),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, (0.0, "header:retry-after")),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "99999999999"}, None),
        ({"retry-after": "Sun, 99 Nov 2026"}, None),
    ],
)
def test_headers_say_it_in_seconds_milliseconds_or_dates(headers: dict[str, str], expected: Any) -> None:
    assert told(headers) == expected


def test_a_date_counts_by_the_servers_own_clock() -> None:
    headers = {"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:20 GMT"}
    assert told(headers, now=None) == (10.0, "header:retry-after")


def test_a_date_without_any_clock_is_not_guessed() -> None:
    assert told({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, now=None) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"details": [{"@type": "x/RetryInfo", "retryDelay": "48.5s"}]}}, (48.5, "body:RetryInfo")),
        ({"error": {"message": json.dumps({"error": {"details": [{"retryDelay": "9s"}]}})}}, (9.0, "body:RetryInfo")),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": "1795348860000"}}}}, (60.0, "body:xratelimitreset")),
        ({"error": {"type": "x", "resets_in_seconds": 1234}}, (1234.0, "body:resetsinseconds")),
        ({"error": {"message": "x", "retry_after_ms": 250}}, (0.25, "body:retryafterms")),
        ({"error": "loading", "estimated_time": 20.5}, (20.5, "body:estimated_time")),
        ({"error": {"details": [{"metadata": {"quotaResetDelay": "2h7m15.5s"}}]}}, (7635.5, "body:quotaresetdelay")),
        ({"error": {"message": "Please try again in 7m12s."}}, (432.0, "text")),
        ({"error": {"message": "Please try again in 329.999ms."}}, (0.329999, "text")),
        ({"error": {"message": "retry after 26 seconds"}}, (26.0, "text")),
        ({"error": {"message": "Please wait 33402 seconds before retrying"}}, (33402.0, "text")),
        ({"error": {"message": "Expected available in 1 second."}}, (1.0, "text")),
        ({"error": {"message": "Your quota will reset after 49m14s."}}, (2954.0, "text")),
        ({"error": {"message": "Quota will be replenished in 1.00:00:00."}}, (86400.0, "text")),
        ({"error": {"message": "请在 30 秒后重试"}}, (30.0, "text")),
        ({"error": {"message": "Réessayez dans 12 secondes"}}, (12.0, "text")),
        ({"error": {"message": "You will regain access on 2026-11-23 at 00:00 UTC."}}, (43200.0, "text")),
        ({"error": {"message": "Limit 5 per 60 seconds exceeded"}}, None),
        ({"error": {"message": "Try again later"}}, None),
    ],
)
def test_bodies_say_it_in_fields_and_in_sentences(body: Any, expected: Any) -> None:
    assert told(body=body) == expected


def test_the_more_deliberate_source_wins() -> None:
    body = {"error": {"message": "try again in 9s", "details": [{"retryDelay": "8s"}]}}
    assert told({"retry-after": "7"}, body) == (7.0, "header:retry-after")
    assert told({"retry-after": "0"}, body) == (8.0, "body:RetryInfo")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-requests": "9"}
            | {"x-ratelimit-reset-requests": "1s"},
            (360.0, "header:x-ratelimit-reset-tokens"),
        ),
        (
            {"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-22T12:00:45Z"},
            (45.0, "header:anthropic-ratelimit-tokens-reset"),
        ),
        ({"x-ratelimit-reset": "1795348830"}, (30.0, "header:x-ratelimit-reset")),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6s"}, None),
        ({"x-ratelimit-reset-tokens": "6s", "x-ratelimit-reset-requests": "7s"}, None),
    ],
)
def test_of_the_limit_headers_only_an_empty_bucket_speaks(headers: dict[str, str], expected: Any) -> None:
    assert told(headers) == expected
    assert told(headers, limited=False) is None
