"""Failures of the embedded model that no wire reports: an engine that is missing or died, weights that cannot be had."""

from __future__ import annotations

from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.redact import redact
from llmesc.escalation.untrusted import one_line

_MESSAGE_WIDTH = 600


def call_failed(kind: FailureKind, rule: str, message: str) -> CallFailed:
    """What a call raises; `message` may hold what another program printed."""
    return CallFailed(Failure(kind=kind, rule=rule, message=one_line(redact(message), _MESSAGE_WIDTH)))
