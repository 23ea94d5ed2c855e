"""Exit codes, and the only place that maps outcomes and errors to them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from llmesc.escalation.errors import LlmescError


class ExitCode(IntEnum):
    """What a script may rely on. Retry on 3, 6 and 7; fix the input on 2 and 5; look at the answer on 4; report 70.

    The meaning of each is its docstring, and what `llmesc help exit-codes` prints.
    """

    ANSWERED = 0, "answered; any other command: done"
    UNEXPECTED = 1, "the command failed for a reason of its surroundings: the state, the disk"
    USAGE = 2, "the input is wrong: an option, a name, a file, the prompt"
    EXHAUSTED = 3, "every call failed; of a drill: something did not come as expected"
    BELOW_BAR = 4, "no answer reached the quality bar; the best one is printed all the same, unless --strict"
    CONFIGURATION = 5, "the configuration or a credential is wrong"
    NOTHING_CALLABLE = 6, "no candidate may be called now; standard error and --json say when"
    DEADLINE = 7, "the time or the money is spent: what the request may take, or a spending budget"
    POLICY = 8, "stopped by a policy: ours, or a provider's where the configuration says so"
    FAULT = 70, "a fault of llmesc itself; the crash file that was written holds no secret"
    INTERRUPTED = 130, "interrupted: Ctrl-C, or asked to terminate"
    READER_GONE = 141, "whoever read standard output has left"

    def __new__(cls, code: int, meaning: str) -> Self:
        """A code that knows its meaning."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.__doc__ = meaning
        return made


OUTCOME_CODES: Mapping[str, ExitCode] = {
    "answered": ExitCode.ANSWERED,
    "below_bar": ExitCode.BELOW_BAR,
    "exhausted": ExitCode.EXHAUSTED,
    "nothing_callable": ExitCode.NOTHING_CALLABLE,
    "deadline": ExitCode.DEADLINE,
    "policy": ExitCode.POLICY,
    "cancelled": ExitCode.INTERRUPTED,
}
"""By the value of a `RunOutcome`."""


def code_of(error: LlmescError) -> ExitCode:
    """The exit code of an error that llmesc raises on purpose."""
    from llmesc.cli.bad_input import BadInput
    from llmesc.escalation.errors import ConfigError, MissingPackage, RunError, UnknownName

    match error:
        case BadInput() | UnknownName():
            return ExitCode.USAGE
        case ConfigError() | MissingPackage():
            return ExitCode.CONFIGURATION
        case RunError():
            return OUTCOME_CODES[error.outcome]
        case _:
            return ExitCode.UNEXPECTED
