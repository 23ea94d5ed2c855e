"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmesc.escalation.hedging import HedgeAfter
    from llmesc.escalation.times import Timestamp

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
For = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="How long, e.g. 30m or 2h; without it until taken back.")
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, shown wherever it has an effect.")]


def duration(option: str, text: str | None) -> float | None:
    """The seconds of a duration given as `option`; None stays None. Raises `BadInput`."""
    if text is None:
        return None
    from llmesc.cli.bad_input import BadInput
    from llmesc.escalation.durations import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise BadInput(f"{option}: {error}") from None
    if seconds <= 0:
        raise BadInput(f"{option}: {text!r} is no time at all")
    return seconds


def moment(option: str, text: str, now: Timestamp) -> Timestamp:
    """The point in time given as `option`: so long before `now` (2h), or a date. Raises `BadInput`."""
    from llmesc.escalation.durations import parse_duration
    from llmesc.escalation.times import Timestamp

    try:
        return Timestamp(now - parse_duration(text))
    except ValueError:
        pass
    from datetime import datetime

    from llmesc.cli.bad_input import BadInput

    try:  # a date without a zone is meant as the operator's own
        return Timestamp(datetime.fromisoformat(text).astimezone().timestamp())
    except (ValueError, OverflowError):
        raise BadInput(f"{option}: {text!r} is neither a duration (2h) nor a date (2026-11-22)") from None


def hedge_after(option: str, text: str | None) -> HedgeAfter | None:
    """As `duration`, or `off`, or `p95`. Raises `BadInput`."""
    from llmesc.cli.bad_input import BadInput

    match text:
        case "off" | "p95":
            return text
        case _:
            try:
                return duration(option, text)
            except BadInput as error:
                raise BadInput(f"{error}; or off, or p95") from None


def dollars(option: str, text: str | None) -> Decimal | None:
    """US dollars given as `option`: `0.05` or `$0.05`; None stays None. Raises `BadInput`."""
    if text is None:
        return None
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        from llmesc.cli.bad_input import BadInput

        raise BadInput(f"{option}: {text!r} is no amount of US dollars; write 0.05")
    return amount
