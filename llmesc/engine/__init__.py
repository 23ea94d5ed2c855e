"""The one doorway: `Engine` puts configuration, providers, state and the executor together.

async with Engine.open() as engine:
    reply = await engine.ask("…")
    async with engine.start("…") as run:
        async for event in run: ...
"""

from __future__ import annotations

from llmesc.engine.engine import AskOptions, Engine, Plan, Planned, Reply

__all__ = ["AskOptions", "Engine", "Plan", "Planned", "Reply"]
