"""Errors of llmesc, all under `LlmescError`.

- LlmescError
  - ConfigError: the configuration or a credential is wrong; every mistake at once
  - StateError: the state cannot be read or is of a newer version
  - UnknownName: no such chain, provider, model or run; carries the nearest known names
  - UnusableTool: a function that cannot be offered to a model
  - MissingPackage: what was asked for needs a package that is not installed
  - RunError: a request got no accepted answer; carries every attempt in order
    - RoutingTooEarly, RoutingFailedDependency, NothingCallable: no candidate could be called
    - EscalationExhausted: several candidates failed
      - BelowQualityBar: there is an answer, but none reached the bar
    - DeadlineExceeded, PolicyStopped, RunCancelled
    - CallError: the only candidate failed, one class for each thing a caller may do about it
      - AuthError, PermissionDeniedError, AccountError, RateLimitError, ContextOverflow, ModelUnavailable, PayloadError,
        ContentPolicyError, ProviderDown, ProviderError, PrivacyError
"""

from __future__ import annotations

from collections.abc import Mapping

from llmesc.escalation.events import Answer, AttemptOutcome, RunOutcome, SkipReason
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.times import Timestamp


class LlmescError(Exception):
    """The root: everything llmesc raises on purpose."""

    hint: str = ""
    """The next thing to do, for people."""


class ConfigError(LlmescError):
    """`problems` holds one line for each mistake: file, line or key, what was found, what is allowed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StateError(LlmescError):
    """The state store cannot be used at all for what was asked."""


class UnknownName(LlmescError):
    """A name that nothing answers to."""

    def __init__(self, what: str, name: str, nearest: tuple[str, ...] = ()) -> None:
        known = f"; nearest: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no {what} {name!r}{known}")
        self.what, self.name, self.nearest = what, name, nearest


class UnusableTool(LlmescError):
    """A function that cannot be offered to a model as a tool: which one, and what to change."""


class MissingPackage(LlmescError):
    """What was asked for needs a package that is not installed; it comes with the extra `extra`."""

    def __init__(self, message: str, extra: str) -> None:
        super().__init__(message)
        self.extra = extra
        self.hint = f"pip install 'llmesc[{extra}]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReport:
    """One line of a run's story, for the error that carries it."""

    resolution: Resolution
    outcome: AttemptOutcome | None
    """None: it was skipped."""
    skipped: SkipReason | None = None
    failure: Failure | None = None
    reasons: tuple[str, ...] = ()
    """Of a quality failure."""
    hedged_away: bool = False
    """Another attempt was first: it is blamed for nothing."""


class RunError(LlmescError):
    """A request got no accepted answer."""

    def __init__(
        self,
        message: str,
        *,
        outcome: RunOutcome,
        attempts: tuple[AttemptReport, ...] = (),
        cause: Failure | None = None,
        retry_at: Timestamp | None = None,
        best_answer: Answer | None = None,
        run_id: str = "",
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.attempts = attempts
        """Every attempt and skip, in order."""
        self.cause = cause
        """The most actionable failure."""
        self.retry_at = retry_at
        """When the soonest candidate may be tried again."""
        self.best_answer = best_answer
        """The best answer that only failed the quality bar."""
        self.run_id = run_id


class RoutingTooEarly(RunError):
    """No candidate is left because a capability is not confirmed yet."""


class RoutingFailedDependency(RunError):
    """No candidate is left because each was rejected."""


class NothingCallable(RunError):
    """There are candidates, but none may be called now; `retry_at` says when."""


class EscalationExhausted(RunError):
    """Every candidate that could be called failed."""


class BelowQualityBar(EscalationExhausted):
    """`best_answer` is there, but it did not reach the bar."""


class DeadlineExceeded(RunError):
    """The time or the money for the run is spent."""


class PolicyStopped(RunError):
    """A policy, ours or a provider's, ended the run."""


class RunCancelled(RunError):
    """The caller left."""


class CallError(RunError):
    """The only candidate failed; `cause` is its failure."""


class AuthError(CallError):
    """The key was rejected."""


class PermissionDeniedError(CallError):
    """The key may not use this model or region."""


class AccountError(CallError):
    """No credit, billing, a hard quota."""


class RateLimitError(CallError):
    """Too many requests."""

    @property
    def retry_after_seconds(self) -> float | None:
        """What the provider asked for."""
        return self.cause.retry_after_seconds if self.cause else None


class ContextOverflow(CallError):
    """The prompt does not fit the window."""


class ModelUnavailable(CallError):
    """No such model there, retired, or not loaded."""


class PayloadError(CallError):
    """The provider calls the request malformed."""


class ContentPolicyError(CallError):
    """The provider's filter refused."""


class ProviderDown(CallError):
    """Not reachable, silent, or at capacity."""


class ProviderError(CallError):
    """It answered, but wrongly: another 5xx, a broken stream."""


class PrivacyError(CallError):
    """Our own privacy mode forbids it."""


CALL_ERRORS: Mapping[FailureKind, type[RunError]] = {
    FailureKind.AUTH: AuthError,
    FailureKind.PERMISSION: PermissionDeniedError,
    FailureKind.ACCOUNT: AccountError,
    FailureKind.RATE_LIMIT: RateLimitError,
    FailureKind.CONTEXT_OVERFLOW: ContextOverflow,
    FailureKind.MODEL_UNAVAILABLE: ModelUnavailable,
    FailureKind.PAYLOAD: PayloadError,
    FailureKind.CONTENT_POLICY: ContentPolicyError,
    FailureKind.OVERLOADED: ProviderDown,
    FailureKind.SERVER_ERROR: ProviderError,
    FailureKind.TIMEOUT: ProviderDown,
    FailureKind.CONNECTION: ProviderDown,
    FailureKind.PROTOCOL: ProviderError,
    FailureKind.MODEL_NOT_ALLOWED: PolicyStopped,
    FailureKind.PRIVACY: PrivacyError,
    FailureKind.CLIENT_GONE: RunCancelled,
}
