"""`llmesc doctor`: is everything there that a request needs?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Check, Engine
    from llmesc.story.style import Style

_MARKS: dict[str, tuple[str, Style]] = {
    "ok": ("✓ ok", "good"),
    "warning": ("≈ warning", "doubtful"),
    "failed": ("✗ failed", "bad"),
    "skipped": ("↷ skipped", "dim"),
}


def doctor(ctx: typer.Context, as_json: Json = False) -> int:
    """Check that a request has all it needs.

    Configuration, state, keys, endpoints, models, versions. Calls no model.

    Exit 0: all is well. 5: a key, an endpoint or a model is not. 1: something else is not.
    """
    from llmesc.cli.exit_codes import ExitCode

    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> Sequence[Check]:
        return await engine.operations.doctor()

    checks = session.with_engine(work)
    if as_json:
        from llmesc.escalation.codec import encode

        session.out.json([encode(check) for check in checks])
    else:
        _print(session, checks)
    failed = [check.name for check in checks if check.status == "failed"]
    if not failed:
        return ExitCode.ANSWERED
    configured = any(name.startswith(("config", "provider", "model")) for name in failed)
    return ExitCode.CONFIGURATION if configured else ExitCode.UNEXPECTED


def _print(session: Session, checks: Sequence[Check]) -> None:
    from llmesc.story.table import Cell, Column

    rows = []
    for check in checks:
        mark, style = _MARKS[check.status]
        hint = f"; next: {check.hint}" if check.hint else ""
        rows.append((Cell(mark, style, raw=check.status), check.name, Cell(check.detail + hint)))
    session.out.table((Column("state"), Column("check"), Column("detail")), rows)
