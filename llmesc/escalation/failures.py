"""What can go wrong with a call, and what each kind does: the table that decides everything after a failure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from llmesc.escalation.light_dataclass import dataclass


class FailureKind(StrEnum):
    """What went wrong. The kind decides what is skipped, what the circuit learns, and whether to wait."""

    AUTH = "auth"
    PERMISSION = "permission"
    ACCOUNT = "account"
    RATE_LIMIT = "rate_limit"
    CONTEXT_OVERFLOW = "context_overflow"
    MODEL_UNAVAILABLE = "model_unavailable"
    PAYLOAD = "payload"
    CONTENT_POLICY = "content_policy"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    PROTOCOL = "protocol"
    MODEL_NOT_ALLOWED = "model_not_allowed"
    PRIVACY = "privacy"
    CLIENT_GONE = "client_gone"


class SkipScope(StrEnum):
    """Which candidates a failure rules out for the rest of the request."""

    INSTANCE = "instance"
    MODEL_ON_INSTANCE = "model_on_instance"
    MODEL = "model"
    """All instances of that provider and model."""
    CAPACITY = "capacity"
    """Hosted: as MODEL, its instances share one pool of machines; self-hosted: as ENDPOINT."""
    ENDPOINT = "endpoint"
    PROVIDER = "provider"
    SMALLER_WINDOWS = "smaller_windows"
    """Windows known to be too small, and those of the same tier that are unknown."""
    EVERYTHING = "everything"


class CircuitEffect(StrEnum):
    """What a failure tells the circuit of its instance."""

    NONE = "none"
    FAILURE = "failure"
    """One weighted failure."""
    TRIP = "trip"
    """Open at once."""
    RETRY_AFTER = "retry_after"
    """Open until the time the provider named; one failure where it named none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """One row of the table: what a failure kind does."""

    skip: SkipScope
    circuit: CircuitEffect = CircuitEffect.NONE
    deny: bool = False
    """Deny the model on the instance for a while."""
    stop: bool = False
    """End the run and raise it: another candidate would not help, or must not be asked."""


_K, _S, _C = FailureKind, SkipScope, CircuitEffect

CONSEQUENCES: Mapping[FailureKind, Consequence] = {
    _K.AUTH: Consequence(skip=_S.INSTANCE, circuit=_C.TRIP),
    _K.PERMISSION: Consequence(skip=_S.MODEL_ON_INSTANCE, deny=True),
    _K.ACCOUNT: Consequence(skip=_S.INSTANCE, circuit=_C.TRIP),
    _K.RATE_LIMIT: Consequence(skip=_S.INSTANCE, circuit=_C.RETRY_AFTER),
    _K.CONTEXT_OVERFLOW: Consequence(skip=_S.SMALLER_WINDOWS),
    _K.MODEL_UNAVAILABLE: Consequence(skip=_S.MODEL_ON_INSTANCE, deny=True),
    _K.PAYLOAD: Consequence(skip=_S.MODEL),
    _K.CONTENT_POLICY: Consequence(skip=_S.PROVIDER),
    _K.OVERLOADED: Consequence(skip=_S.CAPACITY, circuit=_C.FAILURE),
    _K.SERVER_ERROR: Consequence(skip=_S.CAPACITY, circuit=_C.FAILURE),
    _K.TIMEOUT: Consequence(skip=_S.ENDPOINT, circuit=_C.FAILURE),
    _K.CONNECTION: Consequence(skip=_S.ENDPOINT, circuit=_C.FAILURE),
    _K.PROTOCOL: Consequence(skip=_S.CAPACITY, circuit=_C.FAILURE),
    _K.MODEL_NOT_ALLOWED: Consequence(skip=_S.EVERYTHING, stop=True),
    _K.PRIVACY: Consequence(skip=_S.INSTANCE),
    _K.CLIENT_GONE: Consequence(skip=_S.EVERYTHING, stop=True),
}
"""Every kind has exactly one row. Whether content_policy stops is a setting (`on_content_policy`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One classified failure: what it is, which rule said so, and what the provider said about time."""

    kind: FailureKind
    rule: str
    """The id of the rule that decided, e.g. `code.insufficient_quota` or `status.503`."""
    message: str
    """What the provider or the transport said, redacted and bounded; untrusted text."""
    matched: str = ""
    """The evidence: the code, words or exception that the rule matched."""
    status: int | None = None
    """HTTP status; None where none arrived."""
    provider_code: str | None = None
    retry_after_seconds: float | None = None
    retry_after_source: str | None = None
    """Where that time was read, e.g. `header:retry-after`, `body:RetryInfo`, `text`."""
    request_id: str | None = None
    scope: SkipScope | None = None
    """Narrower or wider than the table's, where the provider said so (a daily quota of one model)."""
    body: str = ""
    """The raw body for the audit, redacted and bounded."""

    @property
    def consequence(self) -> Consequence:
        """The row of the table."""
        return CONSEQUENCES[self.kind]

    @property
    def skip(self) -> SkipScope:
        """What to skip: the failure's own scope, or its row's."""
        return self.scope or self.consequence.skip


class CallFailed(Exception):
    """How a provider says that a call failed: raised out of `Provider.call`, caught by who made the call."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure
