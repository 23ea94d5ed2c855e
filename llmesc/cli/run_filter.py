"""Which past requests are meant: the options of `history list` and of whatever else takes several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import RunFilter
    from llmesc.escalation.status import Status

Since = Annotated[str | None, typer.Option(metavar="WHEN", help="A duration (2h) or a date (2026-11-22).")]
Outcome = Annotated[str | None, typer.Option(metavar="OUTCOME", help="E.g. answered, exhausted, interrupted.")]
StatusWords = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="WORD",
        help="E.g. escalation_exhausted; of a call, e.g. rate_limited. May be given several times.",
        autocompletion=complete.statuses,
    ),
]
ProviderName = Annotated[str | None, typer.Option("--provider", metavar="NAME", help="A provider that was called.")]
Text = Annotated[str | None, typer.Option(metavar="TEXT", help="Part of the prompt.")]
Caller = Annotated[str | None, typer.Option(metavar="NAME", help="Who asked: the name that was given, or user@host.")]
Conversation = Annotated[str | None, typer.Option(metavar="ID", help="The caller's id of the conversation.")]
Correlation = Annotated[str | None, typer.Option(metavar="ID", help="The caller's id of what belongs together.")]


def run_filter(
    session: Session,
    *,
    since: str | None,
    outcome: str | None,
    status: Sequence[str] | None,
    provider: str | None,
    text: str | None,
    caller: str | None,
    conversation: str | None,
    correlation: str | None,
    limit: int,
) -> RunFilter:
    """The filter that the options make. Raises `BadInput`."""
    from llmesc.cli.options import moment
    from llmesc.engine import RunFilter

    return RunFilter(
        since=None if since is None else moment("--since", since, session.now()),
        outcome=outcome,
        statuses=frozenset(map(_status, status or ())),
        provider=provider,
        text=text,
        caller=as_recorded(caller),
        conversation=as_recorded(conversation),
        correlation=as_recorded(correlation),
        limit=limit,
    )


def _status(word: str) -> Status:
    from llmesc.cli.bad_input import BadInput
    from llmesc.escalation.status import Status

    try:
        return Status(word)
    except ValueError:
        raise BadInput(f"--status: {word!r} is none of {', '.join(Status)}") from None


def as_recorded(given: str | None) -> str | None:
    """What a caller says of himself is on record as one line."""
    from llmesc.escalation.untrusted import one_line

    return None if given is None else one_line(given)
