"""`llmesc circuits`: look at circuits, and put them right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from llmesc.cli import complete
from llmesc.cli.options import For, Json, Why, duration

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import CircuitLine, Engine
    from llmesc.escalation.circuits import Circuit
    from llmesc.escalation.ports import Denial
    from llmesc.escalation.times import Timestamp
    from llmesc.story.table import Row

HELP = "Who may be called, who not and why; and put it right."

_TARGETS = "A provider, provider@instance, or a glob."
Targets = Annotated[list[str], typer.Argument(metavar="TARGET", help=_TARGETS, autocompletion=complete.circuits)]
OptionalTargets = Annotated[list[str] | None, typer.Argument(metavar="TARGET", help=_TARGETS, autocompletion=complete.circuits)]


def list_circuits(ctx: typer.Context, targets: OptionalTargets = None, as_json: Json = False) -> int:
    """List circuits with their states and causes."""
    return _show(ctx, targets or [], as_json, _print_table)


def show(ctx: typer.Context, targets: Targets, as_json: Json = False) -> int:
    """Show all that is known of some circuits."""
    return _show(ctx, targets, as_json, _print_in_full)


def reset(
    ctx: typer.Context,
    targets: OptionalTargets = None,
    everything: Annotated[bool, typer.Option("--all", help="Every circuit.")] = False,
    denied: Annotated[bool, typer.Option("--denied", help="Allow the denied models of these instances again, too.")] = False,
    why: Why = "",
    as_json: Json = False,
) -> int:
    """Close and clear circuits, and say what changed.

    Nothing counts any more, and no override is in force.
    """
    from llmesc.cli.bad_input import BadInput

    session: Session = ctx.obj
    session.promised_json = as_json
    if bool(targets) == everything:
        raise BadInput(
            "name the circuits to reset, or --all" if not targets else "name circuits or --all, not both", "llmesc circuits"
        )
    patterns = targets or ["*"]

    async def work(engine: Engine) -> tuple[Sequence[CircuitLine], Sequence[CircuitLine], list[Denial]]:
        from llmesc.cli.session import operator

        operations = engine.operations
        keys = [line.key for line in await operations.circuits()] if everything else await operations.match_circuits(patterns)
        before = [line for line in await operations.circuits() if line.key in set(keys)]
        after = await operations.reset(keys, who=operator(), why=why)
        allowed = [gone for key in keys for gone in await operations.allow(f"{key}/*")] if denied else []
        return before, after, allowed

    before, after, allowed = session.with_engine(work)
    _print_changes(session, before, after, allowed, as_json=as_json)
    return 0


def open_circuits(ctx: typer.Context, targets: Targets, lasting: For = None, why: Why = "", as_json: Json = False) -> int:
    """Force circuits open: drain these instances.

    They are not called until `llmesc circuits reset` takes it back, or for as long as you say.
    """
    return _force(ctx, targets, "open", lasting, why, as_json=as_json)


def close_circuits(ctx: typer.Context, targets: Targets, lasting: For = None, why: Why = "", as_json: Json = False) -> int:
    """Force circuits closed: trust these instances.

    They are called whatever they do, until `llmesc circuits reset` takes it back, or for as long as you say.
    """
    return _force(ctx, targets, "closed", lasting, why, as_json=as_json)


def _force(
    ctx: typer.Context, targets: list[str], state: Literal["open", "closed"], lasting: str | None, why: str, *, as_json: bool
) -> int:
    session: Session = ctx.obj
    session.promised_json = as_json
    for_seconds = duration("--for", lasting)

    async def work(engine: Engine) -> tuple[Sequence[CircuitLine], Sequence[CircuitLine]]:
        from llmesc.cli.session import operator

        keys = await engine.operations.match_circuits(targets)
        before = [line for line in await engine.operations.circuits() if line.key in set(keys)]
        return before, await engine.operations.force(keys, state, for_seconds=for_seconds, who=operator(), why=why)

    before, after = session.with_engine(work)
    _print_changes(session, before, after, [], as_json=as_json)
    return 0


def _show(ctx: typer.Context, targets: list[str], as_json: bool, render: Callable[[Session, Sequence[CircuitLine]], None]) -> int:
    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> Sequence[CircuitLine]:
        lines = await engine.operations.circuits()
        wanted = set(await engine.operations.match_circuits(targets)) if targets else {line.key for line in lines}
        return [line for line in lines if line.key in wanted]

    lines = session.with_engine(work)
    if as_json:
        session.out.json([_line_json(line) for line in lines])
    else:
        render(session, lines)
    return 0


def _print_table(session: Session, lines: Sequence[CircuitLine]) -> None:
    from llmesc.story.table import Column

    columns = (
        Column("circuit"),
        Column("state"),
        Column("failures", right=True),
        Column("may be tried"),
        Column("latency", right=True),
        Column("why"),
    )
    if not lines and session.out.is_terminal:
        session.err.say("no circuits: nothing is configured and nothing was ever called; next: llmesc init")
        return
    session.out.table(columns, [_row(session, line) for line in lines])


def _row(session: Session, line: CircuitLine) -> Row:
    from llmesc.escalation.times import rfc3339
    from llmesc.story import words
    from llmesc.story.table import Cell

    circuit = line.circuit
    state, style = words.state_words(line.state)
    weight = sum(failure.weight for failure in circuit.failures)
    again = _again(line)
    latency = circuit.latency_seconds
    return (
        Cell(str(line.key) + ("" if line.configured else " (not configured)"), raw=str(line.key)),
        Cell(state, style, raw=line.state),
        f"{weight:g}",
        Cell("" if again is None else words.ahead(again, session.now()), raw="" if again is None else rfc3339(again)),
        Cell("" if latency is None else words.seconds(latency), raw="" if latency is None else f"{latency:.3f}"),
        _why(line),
    )


def _again(line: CircuitLine) -> Timestamp | None:
    override = line.circuit.override
    if override is not None:
        return override.until if override.state == "open" else None
    return line.circuit.retry_at if line.state == "open" else None


def _why(line: CircuitLine) -> str:
    override, cause = line.circuit.override, line.circuit.cause
    if override is not None:
        return f"forced {override.state} by {override.who}" + (f": {override.why}" if override.why else "")
    if cause is None or line.state == "closed":
        return ""
    return f"{cause.kind}: {cause.message}"


def _print_in_full(session: Session, lines: Sequence[CircuitLine]) -> None:
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words

    for position, line in enumerate(lines):
        if position:
            session.out.line()
        state, _ = words.state_words(line.state)
        session.out.line(f"{one_line(str(line.key))}  {state}{'' if line.configured else '  (not configured)'}")
        for name, told in _facts(session, line):
            session.out.line(f"  {name:<12}{one_line(told)}")


def _facts(session: Session, line: CircuitLine) -> list[tuple[str, str]]:
    from llmesc.story import words

    circuit, now = line.circuit, session.now()
    facts = [("failures", f"{sum(failure.weight for failure in circuit.failures):g} that count")]
    if circuit.override is not None:
        until = "taken back" if circuit.override.until is None else words.ahead(circuit.override.until, now)
        facts.append(("forced", f"{_why(line)}, until {until}"))
    if circuit.cause is not None:
        cause = circuit.cause
        facts.append(("last cause", f"{words.plain_words(cause.kind)}: {cause.message}, at {words.moment(cause.at)}"))
    if circuit.opened_at is not None:
        facts.append(("opened", f"{words.moment(circuit.opened_at)}, {words.plural(circuit.opens, 'time')} in a row"))
    if circuit.retry_at is not None and line.state != "closed":
        facts.append(("may be tried", words.ahead(circuit.retry_at, now)))
    if circuit.lease is not None:
        facts.append(("probe", f"by {circuit.lease.holder}, at most until {words.ahead(circuit.lease.expires_at, now)}"))
    if circuit.latency_seconds is not None:
        facts.append(("latency", words.seconds(circuit.latency_seconds)))
    if circuit.recent:
        facts.append(("recent", f"{_marks(circuit)}  (oldest first)"))
    return facts


def _marks(circuit: Circuit) -> str:
    return "".join("✓" if call.ok else "✗" for call in circuit.recent)


def _print_changes(
    session: Session, before: Sequence[CircuitLine], after: Sequence[CircuitLine], allowed: Sequence[Denial], *, as_json: bool
) -> None:
    if as_json:
        session.out.json(
            {
                "changed": [{"before": _line_json(old), "after": _line_json(new)} for old, new in _pairs(before, after)],
                "allowed": [str(denial.key) for denial in allowed],
            }
        )
        return
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words

    for old, new in _pairs(before, after):
        state = words.state_words(new.state)[0] if session.out.is_terminal else new.state
        reason = f" ({_why(old)})" if _why(old) else ""
        told = "as before" if _same(old, new) else f"was {words.plain_words(old.state)}{reason}"
        session.out.line(one_line(f"{new.key}: {state}, {told}{_forced(session, new)}"))
    for denial in allowed:
        session.out.line(one_line(f"{denial.key}: allowed, was denied ({denial.why})"))


def _forced(session: Session, line: CircuitLine) -> str:
    """What an operator said of it, and how long that holds."""
    from llmesc.story import words

    override = line.circuit.override
    if override is None:
        return ""
    until = "until llmesc circuits reset" if override.until is None else f"until {words.ahead(override.until, session.now())}"
    return f"; {_why(line)}, {until}"


def _same(old: CircuitLine, new: CircuitLine) -> bool:
    """Whether nothing that matters to a caller changed: every reset raises the generation."""
    before, after = old.circuit, new.circuit
    return (old.state, before.override, before.failures) == (new.state, after.override, after.failures)


def _pairs(before: Sequence[CircuitLine], after: Sequence[CircuitLine]) -> list[tuple[CircuitLine, CircuitLine]]:
    old = {line.key: line for line in before}
    return [(old.get(line.key, line), line) for line in after]


def _line_json(line: CircuitLine) -> dict[str, Any]:
    from llmesc.escalation.codec import encode

    return {**encode(line.circuit), "circuit": str(line.key), "state": line.state, "configured": line.configured}


VERBS = {"list": list_circuits, "show": show, "reset": reset, "open": open_circuits, "close": close_circuits}
