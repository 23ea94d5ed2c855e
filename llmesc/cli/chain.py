"""`llmesc chain show`: what a request would do, without a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmesc.cli import complete
from llmesc.cli.chain_simulate import simulate
from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine, Plan, Planned
    from llmesc.escalation.events import Rejected
    from llmesc.escalation.resolution import Resolution
    from llmesc.story.table import Cell, Row

HELP = "Who would be asked, in which order, and why not others."

_AFTERWARDS = {
    "wait_first": "waited for before the next is called",
    "wait": "waited for when nobody else is left",
    "try": "tried all the same, for every circuit is open",
}


def show(
    ctx: typer.Context,
    chain: Annotated[str | None, typer.Option(metavar="NAME", help="The chain to show.", autocompletion=complete.chains)] = None,
    prompt: Annotated[str | None, typer.Option("--for", metavar="PROMPT", help="For this prompt: its length counts.")] = None,
    caller: Annotated[str | None, typer.Option(metavar="NAME", help="Who would ask: budgets of callers count.")] = None,
    as_json: Json = False,
) -> int:
    """Show who would be asked, without a call.

    Each candidate in order with tier, window, price and circuit, and whether and why it would be skipped; then the rejected.
    """
    from llmesc.cli.exit_codes import ExitCode
    from llmesc.engine import AskOptions

    session: Session = ctx.obj
    session.promised_json = as_json

    async def plan(engine: Engine) -> Plan:
        return await engine.plan(prompt, AskOptions(chain=chain, caller=caller, command="chain show"))

    show_plan(session, session.with_engine(plan), for_a_prompt=prompt is not None, as_json=as_json)
    return ExitCode.ANSWERED


def show_plan(session: Session, plan: Plan, *, for_a_prompt: bool, as_json: bool) -> None:
    """A plan as JSON, tab-separated rows, or a table with a line about it."""
    if as_json:
        session.out.json(_plan_json(plan))
        return
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words
    from llmesc.story.table import Column

    columns = (
        Column("#", right=True),
        Column("candidate"),
        Column("tier"),
        Column("move"),
        Column("window", right=True),
        Column("price"),
        Column("circuit"),
        Column("now"),
    )
    rows = [_candidate_row(session, number, planned) for number, planned in enumerate(plan.candidates, 1)]
    rows += [_rejected_row(session, rejected) for rejected in plan.chain.rejected]
    session.out.table(columns, rows)
    if session.out.is_terminal:
        about = f"chain {plan.chain.name}: at most {words.plural(plan.max_attempts, 'attempt')}"
        if for_a_prompt:
            about += f"; the prompt has about {words.count(plan.estimated_tokens)} tokens"
        session.out.line(one_line(about))


def _candidate_row(session: Session, number: int, planned: Planned) -> Row:
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    state, style = words.state_words(planned.circuit_state)
    if planned.skip is None:
        adapted = f"; adapted: {planned.detail}" if planned.detail else ""
        now = Cell(f"would be called{adapted}{_learned(planned)}", "good", raw="call")
    else:
        reason = words.plain_words(planned.skip) + (f": {planned.detail}" if planned.detail else "")
        again = planned.retry_at
        now = Cell(
            f"skipped, {reason}"
            + (f"; may be tried at {words.ahead(again, session.now())}" if again is not None else "")
            + (f"; {_AFTERWARDS[planned.afterwards]}" if planned.afterwards else ""),
            "doubtful",
            raw=f"skip {planned.skip}"
            + (f" {rfc3339(again)}" if again is not None else "")
            + (f" {planned.afterwards}" if planned.afterwards else ""),
        )
    return (str(number), *_about(planned.resolution, planned.move), Cell(state, style, raw=planned.circuit_state), now)


def _learned(planned: Planned) -> str:
    """How long it may be silent, where that stands in no configuration."""
    limits = planned.timeouts
    if limits is None or not limits.learned_from_calls:
        return ""
    from llmesc.escalation.liveness import where_from
    from llmesc.story import words

    return f"; first token within {words.seconds(limits.first_token_seconds)}, {where_from(limits)}"


def _rejected_row(session: Session, rejected: Rejected) -> Row:
    from llmesc.story import words
    from llmesc.story.table import Cell

    reason = words.plain_words(rejected.reason) + (f": {rejected.detail}" if rejected.detail else "")
    if rejected.retry_at is not None:
        reason += f"; until {words.ahead(rejected.retry_at, session.now())}"
    told = Cell(f"rejected, {reason}", "dim", raw=f"reject {rejected.reason}")
    return ("", *_about(rejected.resolution, ""), "", told)


def _about(resolution: Resolution, move: str) -> tuple[Cell | str, ...]:
    from llmesc.story import words
    from llmesc.story.table import Cell

    window = resolution.offering.context_window
    return (
        Cell(words.who(resolution), raw=resolution.ref),
        resolution.tier.label,
        move,
        Cell(words.count(window), raw="" if window is None else str(window)),
        price_words(resolution),
    )


def price_words(resolution: Resolution) -> str:
    """US dollars for a million tokens in and out, and who says so; empty where nobody sends a bill."""
    price = resolution.offering.price
    if price is None:
        return "" if resolution.tier.self_hosted or resolution.simulated else "unknown"
    rates = f"${price.input_per_million} in, ${price.output_per_million} out"
    if price.tiers:
        first = price.tiers[0]
        rates += f"; above {first.above_input_tokens:,} tokens ${first.input_per_million} in, ${first.output_per_million} out"
    return f"{rates} ({price.source})"


def _plan_json(plan: Plan) -> dict[str, Any]:
    from llmesc.escalation.codec import encode
    from llmesc.escalation.events import SCHEMA
    from llmesc.story.run_json import time_json

    return {
        "schema": SCHEMA,
        "chain": plan.chain.name,
        "max_attempts": plan.max_attempts,
        "estimated_tokens": plan.estimated_tokens,
        "candidates": [
            {
                "ref": planned.resolution.ref,
                **encode(planned.resolution),
                "move": planned.move,
                "circuit": {"state": planned.circuit_state, **_circuit_facts(planned)},
                "skip": planned.skip,
                "detail": planned.detail,
                "retry_at": time_json(planned.retry_at),
                "afterwards": planned.afterwards,
                "estimated_cost": None if planned.cost is None else str(planned.cost),
                "first_token": _first_token(planned),
            }
            for planned in plan.candidates
        ],
        "rejected": [
            {
                "ref": rejected.resolution.ref,
                **encode(rejected.resolution),
                "reason": rejected.reason,
                "detail": rejected.detail,
                "retry_at": time_json(rejected.retry_at),
            }
            for rejected in plan.chain.rejected
        ],
    }


def _first_token(planned: Planned) -> dict[str, Any] | None:
    """How long it may be silent, and who says so."""
    limits = planned.timeouts
    if limits is None:
        return None
    return {
        "limit_seconds": limits.first_token_seconds,
        "from": limits.first_token_from,
        "learned_from_calls": limits.learned_from_calls,
    }


def _circuit_facts(planned: Planned) -> dict[str, Any]:
    from llmesc.escalation.codec import encode

    facts = encode(planned.circuit)
    return {name: facts[name] for name in ("retry_at", "cause", "override", "generation")}


VERBS = {"show": show, "simulate": simulate}
