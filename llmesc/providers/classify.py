"""What a failed call means: the order of the signals.

Transport first, then what the body says (`error_body` makes it plain, `verdict` judges it by `error_codes` and `rules_of_*`),
then the status. Headers give times, never the kind (`retry_after`). Pure, bounded in work, and it never raises, whatever a
server sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from llmesc.escalation.failures import CircuitEffect, Failure, FailureKind, SkipScope
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.redact import redact
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.providers.error_body import ErrorBody, read_body, sample
from llmesc.providers.error_fields import squash
from llmesc.providers.message_rule import UNSAID
from llmesc.providers.retry_after import read_retry_after
from llmesc.providers.transport_signs import ANSWER_ENDED_EARLY, transport_kind, transport_sign
from llmesc.providers.verdict import Verdict, by_body, by_finish, by_status

_K, _S = FailureKind, SkipScope

_MESSAGE_WIDTH = 600
_CODE_HEADERS = ("x-amzn-errortype", "x-ms-error-code")
_REQUEST_HEADERS = (
    "request-id",
    "x-request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ms-request-id",
    "x-generation-id",
    "cf-ray",
)
_WAITABLE = frozenset({_K.RATE_LIMIT, _K.ACCOUNT, _K.OVERLOADED, _K.SERVER_ERROR, _K.TIMEOUT})
"""Kinds for which a wait means something. Some servers send `retry-after` with every error, a malformed request included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known about one failed call."""

    api: str = "openai"
    """The wire: `openai`, `openai-responses`, `anthropic`, `gemini`, `ollama`."""
    provider: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes = ""
    """As it came; of a stream, what was read of it."""
    transport: str | None = None
    """What the transport saw; see `transport_signs.TRANSPORT_WORDS`."""
    detail: str = ""
    """The exception's text."""
    streamed: bool = False
    self_hosted: bool = False
    now: Timestamp | None = None
    """Wall time, for HTTP dates and absolute resets; without it they are not read."""


def classify(evidence: Evidence) -> Failure:
    """The failure that `evidence` shows. Every verdict names its rule and what that matched."""
    headers = {str(name).lower(): str(value) for name, value in evidence.headers.items()}
    body = read_body(evidence.body)
    header_codes = tuple(value.split(":")[0] for name in _CODE_HEADERS if (value := headers.get(name, "").strip()))
    told = read_retry_after(headers, body, evidence.now, limited=429 in {evidence.status, body.status})
    verdict = _decide(evidence, body, header_codes, told[0] if told else None)
    wait = told if told and verdict.kind in _WAITABLE else (None, None)
    return Failure(
        kind=verdict.kind,
        rule=verdict.rule,
        message=_message(evidence, body),
        matched=one_line(redact(verdict.matched, 300), 120),
        status=evidence.status,
        provider_code=_provider_code(verdict, body, header_codes),
        retry_after_seconds=wait[0],
        retry_after_source=wait[1],
        request_id=_request_id(headers, body),
        scope=_scope(verdict, body, self_hosted=evidence.self_hosted),
        body=redact(sample(evidence.body)),
    )


def explain(case: Mapping[str, Any]) -> dict[str, Any]:
    """One case of `llmesc classify` as its verdict, both as plain JSON values.

    Read are `api`, `provider`, `status`, `headers`, `body` (text, or JSON as it is; without a `status` it may have status line
    and headers on top), `transport`, `detail` and `self_hosted`; all may be missing. `action` is words with spaces between: what
    is skipped, what the circuit learns, whether the model is denied, what next.
    Raises ValueError where a field is not of its type.
    """
    from llmesc.providers.advice import advice

    evidence = _evidence_of(case)
    failure = classify(evidence)
    consequence = failure.consequence
    steps = (
        f"skip_{failure.skip}",
        "" if consequence.circuit is CircuitEffect.NONE else f"circuit_{consequence.circuit}",
        "deny_model" if consequence.deny else "",
        "stop" if consequence.stop else "next",
    )
    return {
        "kind": str(failure.kind),
        "retry_after_seconds": failure.retry_after_seconds,
        "rule": failure.rule,
        "action": " ".join(filter(None, steps)),
        "matched": failure.matched,
        "sure": not failure.rule.startswith(("status.", "body.")),
        "message": failure.message,
        "provider_code": failure.provider_code,
        "retry_after_source": failure.retry_after_source,
        "request_id": failure.request_id,
        "skip": str(failure.skip),
        "circuit": str(consequence.circuit),
        "deny": consequence.deny,
        "hint": advice(failure, evidence.provider, self_hosted=evidence.self_hosted),
    }


def _decide(evidence: Evidence, body: ErrorBody, header_codes: tuple[str, ...], wait: float | None) -> Verdict:
    status = evidence.status or UNSAID
    if status >= 400:
        return by_body(body, status, header_codes=header_codes, wait=wait) or by_status(status, body)
    return _by_transport(evidence, body) or _in_band(evidence, body, header_codes, wait)


def _by_transport(evidence: Evidence, body: ErrorBody) -> Verdict | None:
    """What the exchange itself shows; a status of an error that still arrived would be the better witness."""
    if not evidence.transport or (body.is_error and evidence.transport in ANSWER_ENDED_EARLY):
        return None
    seen = transport_kind(evidence.transport, evidence.detail, answer_began=evidence.status is not None)
    return Verdict(*seen) if seen else None


def _in_band(evidence: Evidence, body: ErrorBody, header_codes: tuple[str, ...], wait: float | None) -> Verdict:
    """A failure under a status of success, or under none at all."""
    status = evidence.status or UNSAID
    if 300 <= status < 400:
        return Verdict(_K.PROTOCOL, f"status.{status}", "redirect")
    if body.is_html:
        return Verdict(_K.PROTOCOL, "body.html", body.message or "html")
    says_error = body.is_error or (not evidence.transport and (body.is_plain or status == UNSAID))
    verdict = by_body(body, UNSAID, header_codes=header_codes, wait=wait) if says_error else None
    verdict = verdict or by_finish(body)
    if verdict is None and evidence.detail:
        seen = transport_kind("", evidence.detail, answer_began=status != UNSAID)
        verdict = Verdict(*seen) if seen else None
    if verdict is None and body.is_plain and not (evidence.status or evidence.transport):  # the text of an exception
        seen = transport_sign(body.message)
        verdict = Verdict(*seen) if seen else None
    return verdict or by_status(status, body)


def _scope(verdict: Verdict, body: ErrorBody, *, self_hosted: bool) -> SkipScope | None:
    if verdict.scope is _S.MODEL and self_hosted:
        return None  # what one server of ours retired, another may still hold
    if verdict.scope is None and verdict.kind is _K.RATE_LIMIT and any("permodel" in quota for quota in body.quotas):
        return _S.MODEL_ON_INSTANCE
    return verdict.scope


def _message(evidence: Evidence, body: ErrorBody) -> str:
    refused = (evidence.status or UNSAID) >= 400
    said = body.message if refused or body.is_error or not evidence.transport else ""
    ended = f"the answer ended with {body.finish[0]}" if body.finish else ""
    status = f"HTTP {evidence.status} without a word" if evidence.status else ""
    words = said or evidence.detail or evidence.transport or ended or status
    return one_line(redact(words, _MESSAGE_WIDTH), _MESSAGE_WIDTH) or "nothing was said"


def _provider_code(verdict: Verdict, body: ErrorBody, header_codes: tuple[str, ...]) -> str | None:
    """The code that decided; else the one that says most, which is rarely the outermost `error`."""
    inner = tuple(code for part in body.inner for code in part.codes)
    known = [code for code in (*header_codes, *inner, *body.codes) if squash(code) not in {"error", ""}]
    code = verdict.code or next((code for code in known if not code.isdigit()), next(iter(known), None))
    return None if code is None else one_line(redact(code, 100), 100)


def _request_id(headers: Mapping[str, str], body: ErrorBody) -> str | None:
    found = next((headers[name] for name in _REQUEST_HEADERS if headers.get(name)), None) or body.request_id
    return one_line(found, 100) if found else None


def _evidence_of(case: Mapping[str, Any]) -> Evidence:
    status, headers, body = case.get("status"), case.get("headers") or {}, case.get("body")
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status[:4])
    if status is not None and (isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 999):
        raise ValueError(f"status: {str(status)[:40]!r} is no HTTP status")
    if not isinstance(headers, Mapping):
        raise ValueError("headers: not an object of names and values")
    if not isinstance(body, str | bytes | None):
        import json

        body = json.dumps(body)
    if status is None and isinstance(body, str):
        from llmesc.providers.pasted import take_apart

        if (pasted := take_apart(body)) is not None:
            status, headers, body = pasted.status, {**pasted.headers, **headers}, pasted.body
    return Evidence(
        api=str(case.get("api") or "openai"),
        provider=str(case.get("provider") or ""),
        status=status,
        headers=headers,
        body=body or "",
        transport=str(case["transport"]) if case.get("transport") else None,
        detail=str(case.get("detail") or ""),
        self_hosted=bool(case.get("self_hosted")),
    )
