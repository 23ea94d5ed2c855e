"""`llmesc explain`: a past request as it went, beside what it would meet today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmesc.cli import complete
from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import AskOptions, Engine, Plan
    from llmesc.escalation.fold import RunView
    from llmesc.story.explain import Compared, Explanation
    from llmesc.story.run_report import RunReport


def explain(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="ID", help="The id, or how it begins.", autocompletion=complete.runs)],
    as_json: Json = False,
) -> int:
    """Show what the chain would do with a past request today.

    Beside what it did then, candidate by candidate, and why they differ: circuits, denials, the configuration, prices, windows,
    capabilities. Nobody is called. The request keeps the limits that it had.
    """
    from llmesc.story.run_report import report

    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> tuple[RunReport, Explanation]:
        from llmesc.cli.bad_input import BadInput
        from llmesc.story.explain import explain as compare

        operations = engine.operations
        run_id = await operations.find_run(run)
        told = report(await operations.run_events(run_id), await operations.run_attempts(run_id))
        if told.view.request is None or told.view.chain is None:
            raise BadInput(f"run {run_id}: its beginning is not on record", f"llmesc history show {run_id}")
        return told, compare(told.view, await _plan(engine, told.view), engine.references(), session.now())

    told, explained = session.with_engine(work)
    if as_json:
        session.out.json(_json(told, explained))
    elif session.out.is_terminal:
        _print(session, told, explained)
    else:
        session.out.table((), [_row(one) for one in explained.candidates])
    return 0


async def _plan(engine: Engine, view: RunView) -> Plan | None:
    """What the request would meet today; None where its chain is no more."""
    assert view.request is not None and view.chain is not None, "looked at before"
    if view.chain.name not in engine.chain_names():
        return None
    return await engine.plan(view.request, _options(view, view.chain.name))


def _options(view: RunView, chain: str) -> AskOptions:
    """As the request had them, as far as they are on record."""
    from llmesc.engine import AskOptions

    limits = view.limits
    if limits is None:
        return AskOptions(chain=chain, tier=_tier_floor(view), command="explain")
    return AskOptions(
        chain=chain,
        tier=_tier_floor(view),
        max_attempts=limits.max_attempts,
        quality_threshold=limits.quality_threshold,
        deadline_seconds=limits.deadline_seconds,
        max_cost=limits.max_cost,
        escalation=limits.escalation,
        privacy=limits.privacy,
        wait_or_escalate=limits.wait_or_escalate,
        all_open=limits.all_open,
        resume=limits.resume,
        gate=limits.gate,
        hedge_after=limits.hedge_after,
        command="explain",
    )


def _tier_floor(view: RunView) -> str | None:
    """The lowest tier that was asked for, as those that it kept out tell it: `tier local is below vllm`."""
    below = [each for each in view.chain.rejected if each.reason == "below_tier"] if view.chain is not None else []
    if not below:
        return None
    from llmesc.escalation.resolution import Tier

    word = below[0].detail.rpartition(" ")[2]
    return word if word in {tier.label for tier in Tier} else None


def _print(session: Session, told: RunReport, explained: Explanation) -> None:
    from llmesc.story.style import paint

    for text, style in _lines(told, explained):
        session.out.line(paint(text, style, session.out.colour))


def _lines(told: RunReport, explained: Explanation) -> Iterator[tuple[str, Any]]:
    from llmesc.escalation.untrusted import one_line
    from llmesc.story.run_lines import about

    yield about(told), "strong"
    if told.view.request is not None:
        yield f"asked: {one_line(told.view.request.prompt)}", "plain"
    if told.kept:
        yield f"record: {told.kept}; what the request needs is told by what is left of it", "doubtful"
    yield _verdict(told, explained), "good" if explained.first_now else "bad"
    for number, one in enumerate(explained.candidates, 1):
        yield "", "plain"
        yield f"{number:>3} {one_line(one.ref)}", "plain" if one.now == "call" else "dim"
        yield f"    then  {one_line(one.then_text, 1000)}", "dim"
        yield f"    now   {one_line(one.now_text, 1000)}", "good" if one.now == "call" else "doubtful"
        for difference in one.differences:
            yield f"    why   {one_line(difference.text, 1000)}", "plain"


def _verdict(told: RunReport, explained: Explanation) -> str:
    from llmesc.escalation.untrusted import one_line

    if explained.chain_gone:
        name = told.view.chain.name if told.view.chain is not None else ""
        return f"today: no chain {one_line(name)} is configured any more"
    if explained.first_now is None:
        return "today: nobody could be called"
    same = "" if explained.differ else "; nothing stands otherwise than then"
    return f"today: {one_line(explained.first_now)} would be called first{same}"


def _row(one: Compared) -> list[str]:
    from llmesc.escalation.times import rfc3339

    again = "" if one.retry_at is None else rfc3339(one.retry_at)
    why = "; ".join(difference.text for difference in one.differences)
    return [one.ref, one.then, one.then_reason or "", one.now, one.now_reason or "", again, why]


def _json(told: RunReport, explained: Explanation) -> dict[str, Any]:
    from llmesc.escalation.codec import encode
    from llmesc.escalation.events import SCHEMA
    from llmesc.story.run_json import time_json

    view = told.view
    return {
        "schema": SCHEMA,
        "run_id": view.run_id,
        "started_at": time_json(view.started_at),
        "outcome": told.outcome,
        "chain": view.chain.name if view.chain else None,
        "answered_by": view.answer.resolution.ref if view.answer else None,
        "not_kept": told.kept or None,
        **encode(explained),
        "differ": explained.differ,
    }
