"""Keys and tokens taken out of text that is going to be kept or shown."""

from __future__ import annotations

import re
from functools import cache


@cache
def _secrets() -> re.Pattern[str]:
    """Made when something is redacted: few commands do, and it takes 1 ms."""
    return re.compile(
        r"(?i)"
        r"(?P<head>\bbearer\s+|\bbasic\s+"
        r"|(?:api[-_ ]?key|x-api-key|x-goog-api-key|token|secret|password|authorization)[\"']?\s*[:=]\s*[\"']?)"
        r"(?P<value>[^\s\"',;&}]{6,})"
        r"|\b(?P<known>(?:sk|pk|rk|gsk|xai|hf|r8|pplx|csk|fw|nvapi|sk-ant|sk-or|sk-proj)[-_][A-Za-z0-9_\-]{12,}"
        r"|AIza[0-9A-Za-z_\-]{20,}|ya29\.[0-9A-Za-z_\-]{10,}|A[KS]IA[0-9A-Z]{12,}|gh[pousr]_[A-Za-z0-9]{20,}"
        r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*)"
    )


def redact(text: str, limit: int = 4000) -> str:
    """`text`, cut to `limit` characters, with what looks like a credential replaced by `***`."""
    # Cut late, so that a key that straddles the limit does not lose the part it is known by.
    cleaned = _secrets().sub(lambda hit: (hit["head"] or "") + "***", text[: limit + 400])
    return cleaned if len(cleaned) <= limit else cleaned[:limit] + "…"
