"""`llmesc models`: what is offered, and what routing must not use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmesc.cli import complete
from llmesc.cli.options import For, Json, Why, duration

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine
    from llmesc.escalation.ports import Denial
    from llmesc.escalation.resolution import Resolution
    from llmesc.story.table import Cell, Row

HELP = "What is offered, and what routing must not use."

Patterns = Annotated[
    list[str],
    typer.Argument(metavar="REF", help="A reference, or a glob such as 'openai/*'.", autocompletion=complete.references),
]


def list_models(ctx: typer.Context, as_json: Json = False) -> int:
    """List the models on offer, and the denials."""
    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> tuple[Sequence[tuple[Resolution, Denial | None]], Sequence[Denial]]:
        return await engine.operations.models(), await engine.operations.denials()

    offered, denials = session.with_engine(work)
    shown = {denial.key for _, denial in offered if denial is not None}
    others = [denial for denial in denials if denial.key not in shown]
    if as_json:
        session.out.json([*(_offering_json(*row) for row in offered), *(_denial_json(denial) for denial in others)])
    else:
        _print_table(session, offered, others)
    return 0


def deny(ctx: typer.Context, patterns: Patterns, lasting: For = None, why: Why = "", as_json: Json = False) -> int:
    """Keep routing away from models.

    Until they are allowed again, or for as long as you say.
    """
    session: Session = ctx.obj
    session.promised_json = as_json
    _check(patterns)
    for_seconds = duration("--for", lasting)

    async def work(engine: Engine) -> list[Denial]:
        from llmesc.cli.session import operator

        who = operator()
        return [
            denial
            for pattern in patterns
            for denial in await engine.operations.deny(pattern, for_seconds=for_seconds, who=who, why=why)
        ]

    _print_denials(session, session.with_engine(work), "denied", as_json=as_json)
    return 0


def allow(ctx: typer.Context, patterns: Patterns, as_json: Json = False) -> int:
    """Take denials back, and say which."""
    session: Session = ctx.obj
    session.promised_json = as_json
    _check([pattern for pattern in patterns if pattern != "*"])

    async def work(engine: Engine) -> list[Denial]:
        return [denial for pattern in patterns for denial in await engine.operations.allow(pattern)]

    _print_denials(session, session.with_engine(work), "allowed", as_json=as_json)
    return 0


def _check(patterns: Sequence[str]) -> None:
    from llmesc.cli.bad_input import BadInput
    from llmesc.escalation.resolution import Reference

    for pattern in patterns:
        try:
            Reference.parse(pattern)
        except ValueError as error:
            raise BadInput(str(error), "llmesc models list") from None


def _print_table(session: Session, offered: Sequence[tuple[Resolution, Denial | None]], others: Sequence[Denial]) -> None:
    from llmesc.story.table import Column

    columns = (
        Column("model"),
        Column("tier"),
        Column("window", right=True),
        Column("price"),
        Column("capabilities"),
        Column("state"),
    )
    rows: list[Row] = [_offering_row(session, *row) for row in offered]
    rows += [(str(denial.key), "", "", "", "", _state(session, denial)) for denial in others]
    if rows or not session.out.is_terminal:
        session.out.table(columns, rows)
    else:
        session.err.say("no models are configured and none were found; next: llmesc init")


def _offering_row(session: Session, resolution: Resolution, denial: Denial | None) -> Row:
    from llmesc.cli.chain import price_words
    from llmesc.story import words
    from llmesc.story.table import Cell

    offering = resolution.offering
    known = offering.capabilities
    return (
        Cell(words.who(resolution), raw=resolution.ref),
        resolution.tier.label,
        Cell(words.count(offering.context_window), raw="" if offering.context_window is None else str(offering.context_window)),
        price_words(resolution),
        Cell("?" if known is None else " ".join(sorted(known)), raw="" if known is None else " ".join(sorted(known))),
        _state(session, denial),
    )


def _state(session: Session, denial: Denial | None) -> Cell:
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    if denial is None:
        return Cell("● allowed", "good", raw="allowed")
    until, reason = denial.until, f": {denial.why}" if denial.why else ""
    told = f"⊘ denied by {denial.who}" + (f" until {words.ahead(until, session.now())}" if until is not None else "") + reason
    raw = f"denied {'' if until is None else rfc3339(until)} {denial.who}{reason}"
    return Cell(told, "bad", raw=raw)


def _print_denials(session: Session, denials: Sequence[Denial], verb: str, *, as_json: bool) -> None:
    if as_json:
        session.out.json([_denial_json(denial) for denial in denials])
        return
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words

    for denial in denials:
        until = f" until {words.ahead(denial.until, session.now())}" if denial.until is not None and verb == "denied" else ""
        was = f" (was denied by {denial.who}{': ' + denial.why if denial.why else ''})" if verb == "allowed" else ""
        session.out.line(one_line(f"{denial.key}: {verb}{until}{was}"))
    if not denials:
        session.err.say("nothing was denied; next: llmesc models list")


def _offering_json(resolution: Resolution, denial: Denial | None) -> dict[str, Any]:
    from llmesc.escalation.codec import encode

    return {"ref": resolution.ref, **encode(resolution), "denial": None if denial is None else _denial_json(denial)}


def _denial_json(denial: Denial) -> dict[str, Any]:
    from llmesc.escalation.codec import encode

    return {**encode(denial), "key": str(denial.key)}


VERBS = {"list": list_models, "deny": deny, "allow": allow}
