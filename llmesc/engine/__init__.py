"""The one doorway: `Engine` puts configuration, providers, state and the executor together.

async with Engine.open() as engine:
    reply = await engine.ask("…")
    async with engine.start("…") as run:
        async for event in run: ...
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmesc.engine.budgets import BudgetLine
from llmesc.engine.engine import Engine
from llmesc.engine.operations import CircuitLine, Operations
from llmesc.engine.options import AskOptions, Plan, Reply
from llmesc.engine.savings import Saved, Yardstick
from llmesc.engine.sink_status import SinkStatus
from llmesc.engine.used import GROUPINGS, By, Sums, Usage, UsageLine
from llmesc.escalation.failures import Failure
from llmesc.escalation.foresight import Planned
from llmesc.escalation.messages import Request
from llmesc.escalation.resolution import Resolution
from llmesc.state.activity import Calls, ModelUsage, ProviderActivity, Spread, Window
from llmesc.state.keeping import Pruned, Retention, Verified
from llmesc.state.store import AttemptRow, DayTotals, RunFilter, RunSummary, StateUnavailable
from llmesc.state.usage import WASTED, Fate

if TYPE_CHECKING:
    from llmesc.engine.doctor import Check as Check
    from llmesc.engine.recordings import Imported as Imported
    from llmesc.records.delivery import Left as Left

__all__ = [
    "GROUPINGS",
    "WASTED",
    "AskOptions",
    "AttemptRow",
    "BudgetLine",
    "By",
    "Calls",
    "CircuitLine",
    "DayTotals",
    "Engine",
    "Fate",
    "ModelUsage",
    "Operations",
    "Plan",
    "Planned",
    "ProviderActivity",
    "Pruned",
    "Reply",
    "Retention",
    "RunFilter",
    "RunSummary",
    "Saved",
    "SinkStatus",
    "Spread",
    "StateUnavailable",
    "Sums",
    "Usage",
    "UsageLine",
    "Verified",
    "Window",
    "Yardstick",
    "advice_on",
    "ask",
    "explain_error",
    "responses_request",
]


def ask(request: Request | str, options: AskOptions | None = None) -> str:
    """The accepted answer's text, for scripts without an event loop. Raises as `Engine.ask` does."""
    import asyncio

    async def main() -> str:
        async with Engine.open() as engine:
            return (await engine.ask(request, options)).text

    return asyncio.run(main())


def advice_on(failure: Failure, resolution: Resolution) -> str:
    """What the operator should do about a failure, in one line."""
    import os

    from llmesc.providers.advice import advice
    from llmesc.providers.proxy_advice import proxy_advice

    said = advice(failure, f"{resolution.provider} {resolution.endpoint}", self_hosted=resolution.tier.self_hosted)
    return proxy_advice(failure, resolution.endpoint, os.environ) or said


def explain_error(case: Mapping[str, Any]) -> dict[str, Any]:
    """What llmesc would make of an error: see `llmesc classify`."""
    from llmesc.providers.classify import explain

    return explain(case)


def responses_request(body: Mapping[str, Any]) -> Request:
    """The request that a body of the Responses API makes.

    It goes as it is, but for `model` and `stream`, to candidates that speak that API, and translated to the others, as far as
    they can carry it. Raises ValueError where it asks nothing.
    """
    from llmesc.providers.responses_body import request_of

    return request_of(body)
