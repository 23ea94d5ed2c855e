"""What a body means: its signals in their order, and the status as the last of them.

Names of quotas, strong codes, sizes, sentences, weak codes, status. What stands behind a gateway speaks before the gateway does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmesc.escalation.failures import FailureKind, SkipScope
from llmesc.escalation.light_dataclass import dataclass
from llmesc.providers.error_body import ErrorBody
from llmesc.providers.error_codes import FINISHED, STRONG, WEAK, CodeRule
from llmesc.providers.error_fields import squash
from llmesc.providers.message_rule import UNSAID, any_of
from llmesc.providers.numbered_codes import GENERAL_NUMBERS, NUMBERED
from llmesc.providers.rules_of_access import ACCESS, REFUSALS
from llmesc.providers.rules_of_limits import LIMITS, SIZES
from llmesc.providers.rules_of_service import SERVICE

_K, _S = FailureKind, SkipScope

MESSAGE_RULES = (*REFUSALS, *LIMITS, *SIZES, *ACCESS, *SERVICE)
"""In the order they are tried; the first that fits decides."""
_VAGUE_STATUSES = frozenset({UNSAID, 400, 500, 502})
"""A proxy answers these for whatever went wrong behind it: a weak code, or a status in the body, knows better."""
_BLIND_STATUSES = frozenset({UNSAID, 500, 502})
"""As vague, and no verdict on the request: here even a status in running text is believed. Under a 400 it is as often that of an
image that could not be fetched."""
_MODEL_WORDS = ("model", "deployment", "engine", "模型")
_LIMIT_AND_REQUESTED = (r"\blimit:? (\d[\d,]{0,14})\b.{0,60}\brequested:? (\d[\d,]{0,14})\b",)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind, and what decided it."""

    kind: FailureKind
    rule: str
    matched: str
    scope: SkipScope | None = None
    code: str | None = None
    """The provider's code that decided, where one did."""


def by_body(
    body: ErrorBody, http_status: int, *, header_codes: tuple[str, ...] = (), wait: float | None = None
) -> Verdict | None:
    """The verdict of what the body says, from its innermost part outwards; None where only the status is left.

    `http_status` is `UNSAID` where it was no error's; `wait` is how many seconds the provider asked for.
    """
    status = http_status or body.status or UNSAID
    if body.told_status and status in _BLIND_STATUSES:
        status = body.told_status
    for inner in body.inner:
        verdict = by_body(inner, inner.status or status, wait=wait)
        if verdict:
            return verdict
    codes = (*header_codes, *body.codes)
    verdict = (
        _by_quota(body)
        or _by_code(STRONG, codes, status, body.text)
        or _by_number(body, general=False)
        or _by_size(body, status)
        or _by_message(body, status, wait)
        or _by_number(body, general=True)
    )
    if verdict is None and status in _VAGUE_STATUSES:
        verdict = _by_code(WEAK, codes, status, body.text)
    if verdict is None:
        better = status if status != http_status else body.status
        blind = http_status in _BLIND_STATUSES
        if better and (blind or (http_status in _VAGUE_STATUSES and better not in _VAGUE_STATUSES)):
            verdict = by_status(better, body)
    return verdict


def by_finish(body: ErrorBody) -> Verdict | None:
    """The verdict of the reason for which an answer ended, where that is a failure."""
    for kind, reasons in FINISHED.items():
        reason = next((reason for reason in body.finish if reason in reasons), None)
        if reason:
            return Verdict(kind, f"finish.{reason}", reason, None, reason)
    return None


def by_status(status: int, body: ErrorBody) -> Verdict:
    """The default, and the least sure of all verdicts."""
    if status == 404 and not any(any_of(_MODEL_WORDS).search(part.text) for part in (body, *body.inner)):
        return Verdict(_K.PROTOCOL, "status.404.no_model_named", "404")
    if status in _BY_STATUS:
        return Verdict(_BY_STATUS[status], f"status.{status}", str(status))
    if 400 <= status < 500:
        # A status nobody knows blames the request perhaps, but only as this instance sees it.
        return Verdict(_K.PAYLOAD, f"status.{status}", str(status), None if status in _MALFORMED else _S.INSTANCE)
    if status >= 500:
        return Verdict(_K.SERVER_ERROR, f"status.{status}", str(status))
    if body.is_error:
        return Verdict(_K.SERVER_ERROR, "body.error", body.message or "error")
    return Verdict(_K.PROTOCOL, "body.no_terminal_sign" if body.message or body.finish else "body.empty", "")


_BY_STATUS: Mapping[int, FailureKind] = {
    401: _K.AUTH,
    402: _K.ACCOUNT,
    403: _K.PERMISSION,
    404: _K.MODEL_UNAVAILABLE,
    407: _K.CONNECTION,
    408: _K.TIMEOUT,
    410: _K.MODEL_UNAVAILABLE,
    412: _K.ACCOUNT,
    424: _K.SERVER_ERROR,
    429: _K.RATE_LIMIT,
    451: _K.PERMISSION,
    498: _K.OVERLOADED,
    499: _K.TIMEOUT,
    501: _K.PAYLOAD,
    503: _K.OVERLOADED,
    504: _K.TIMEOUT,
    524: _K.TIMEOUT,
    529: _K.OVERLOADED,
    598: _K.TIMEOUT,
    599: _K.TIMEOUT,
}
_MALFORMED = frozenset({400, 405, 406, 409, 411, 413, 414, 415, 422})
_ONE_PROVIDERS_OWN = frozenset({412, 498})
"""In `_BY_STATUS` as one provider means them (Fireworks, Groq); others mean something else, and say it in words."""


def _by_quota(body: ErrorBody) -> Verdict | None:
    """By the names of the quotas that ran out. A day's weighs more than a minute's: waiting a minute would not help."""
    for period, kind in (
        ("perday", _K.ACCOUNT),
        ("permonth", _K.ACCOUNT),
        ("perminute", _K.RATE_LIMIT),
        ("persecond", _K.RATE_LIMIT),
    ):
        quota = next((name for name in body.quotas if period in name), None)
        if quota:
            return Verdict(kind, f"quota.{period}", quota, _S.MODEL_ON_INSTANCE if "model" in quota else None)
    return None


def _by_code(rules: tuple[CodeRule, ...], codes: tuple[str, ...], status: int, text: str) -> Verdict | None:
    spelled = [(code, name) for code in codes for name in _spellings(code)]
    for rule in rules:
        if (rule.only_on and status not in rule.only_on) or (rule.unless and any_of(rule.unless).search(text)):
            continue
        for code, name in spelled:
            if name in rule.codes or (rule.like and any_of(rule.like).search(name)):
                return Verdict(rule.kind, f"code.{_slug(code)}", code, rule.scope, code)
    return None


def _by_number(body: ErrorBody, *, general: bool) -> Verdict | None:
    table = NUMBERED.get(body.numbers, {})
    for code in body.codes:
        for kind, numbers in table.items():
            if code in numbers and (kind in GENERAL_NUMBERS) is general:
                return Verdict(kind, f"code.{body.numbers}.{code}", code, None, code)
    return None


def _by_size(body: ErrorBody, status: int) -> Verdict | None:
    """A request that is by itself larger than the whole allowance of a minute: no wait makes it fit, whatever the status says."""
    if status not in {UNSAID, 413, 429}:
        return None
    hit = any_of(_LIMIT_AND_REQUESTED).search(body.text)
    if hit and int(hit[2].replace(",", "")) > int(hit[1].replace(",", "")):
        return Verdict(_K.CONTEXT_OVERFLOW, "text.larger_than_the_rate_limit", hit[0], _S.MODEL_ON_INSTANCE)
    return None


def _by_message(body: ErrorBody, status: int, wait: float | None) -> Verdict | None:
    if not body.text:
        return None
    if 400 <= status < 500 and (status in _ONE_PROVIDERS_OWN or not (status in _BY_STATUS or status in _MALFORMED)):
        status = 400  # what nobody else sends has no meaning of its own that would narrow a sentence's
    for rule in MESSAGE_RULES:
        hit = rule.found_in(body.text, status, wait)
        if hit:
            return Verdict(rule.kind, f"text.{rule.name}", hit, rule.scope)
    return None


def _spellings(code: str) -> tuple[str, ...]:
    """`code` squashed, whole and by its parts: `AllocationQuota.FreeTierOnly`, `aws.protocoltests#ThrottlingException`."""
    parts = re.split(r"[.#:/]", code[:120])
    return tuple(filter(None, dict.fromkeys((squash(code), *map(squash, parts)))))


def _slug(code: str) -> str:
    return re.sub(r"[^\w.\-]+", "_", code, flags=re.ASCII)[:60].strip("_") or "code"
