"""What the shell offers for references, chains, circuits and runs. Quick, and silent about every error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from llmesc.engine import Engine

PATIENCE_SECONDS = 2.0
"""A shell that waits longer than this for a completion has lost its user."""


def references(ctx: typer.Context, incomplete: str) -> list[str]:
    """Every offering's reference."""

    async def known(engine: Engine) -> Iterable[str]:
        return engine.references()

    return _offer(ctx, incomplete, known)


def chains(ctx: typer.Context, incomplete: str) -> list[str]:
    """The configured chains."""

    async def known(engine: Engine) -> Iterable[str]:
        return engine.config.chains

    return _offer(ctx, incomplete, known)


def circuits(ctx: typer.Context, incomplete: str) -> list[str]:
    """Every circuit."""

    async def known(engine: Engine) -> Iterable[str]:
        return [str(line.key) for line in await engine.operations.circuits()]

    return _offer(ctx, incomplete, known)


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The latest runs."""

    async def known(engine: Engine) -> Iterable[str]:
        from llmesc.engine import RunFilter

        return [run.run_id for run in await engine.operations.history(RunFilter(limit=200))]

    return _offer(ctx, incomplete, known)


def languages(incomplete: str) -> list[tuple[str, str]]:
    """The languages that an answer may be asked for in, with their names."""
    from llmesc.escalation.language import NAMES

    return [(code, name) for code, name in NAMES.items() if code.startswith(incomplete)]


def usage_groupings(incomplete: str) -> list[str]:
    """What usage may be told by."""
    from llmesc.engine import GROUPINGS

    return [by for by in GROUPINGS if by.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    """The ten words for how something stands in an audit."""
    from llmesc.escalation.status import Status

    return [word.value for word in Status if word.startswith(incomplete)]


def tiers(incomplete: str) -> list[str]:
    """The five tiers."""
    from llmesc.escalation.resolution import Tier

    return [tier.label for tier in Tier if tier.label.startswith(incomplete)]


def _offer(ctx: typer.Context, incomplete: str, known: Callable[[Engine], Awaitable[Iterable[str]]]) -> list[str]:
    import asyncio

    from llmesc.engine import Engine

    options = ctx.find_root().params

    async def ask() -> list[str]:
        config = options.get("config")
        opening = Engine.open(
            config_file=Path(config) if config else None, state=options.get("state"), on_warning=lambda _text: None
        )
        async with asyncio.timeout(PATIENCE_SECONDS), opening as engine:
            return [name for name in await known(engine) if name.startswith(incomplete)]

    try:
        return asyncio.run(ask())
    except Exception:  # noqa: BLE001 - a completion that fails offers nothing and says nothing
        return []
