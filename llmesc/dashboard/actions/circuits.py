"""Commands on a circuit: the one under the cursor, or that of the chosen request's last attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llmesc.dashboard.commands import Command
from llmesc.escalation.circuits import CircuitState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _no_circuit(now: Situation) -> str:
    return "" if now.circuit is not None else "no circuit is chosen"


def _nothing_to_reset(now: Situation) -> str:
    if now.circuit is None:
        return _no_circuit(now)
    circuit = now.circuit.circuit
    idle = circuit.override is None and not circuit.failures and circuit.state is CircuitState.CLOSED
    return f"{now.circuit.key} is closed and has no failures" if idle else ""


async def reset(desk: MainScreen) -> None:
    """Closes it: nothing counted, no override."""
    line = desk.situation.circuit
    assert line is not None and desk.operations is not None, "refused before"
    if (override := line.circuit.override) is not None:
        loses = f"It is forced {override.state} by {override.who}: {override.why or 'no reason given'}. That ends."
        if not await desk.confirm(f"Reset {line.key}?", loses):
            return
    await desk.operations.reset([line.key], who=desk.who, why="from the dashboard")
    desk.say(f"reset {line.key}: closed, nothing counted", "good")


def _force(state: Literal["open", "closed"], means: str) -> Callable[[MainScreen], Awaitable[None]]:
    async def act(desk: MainScreen) -> None:
        line = desk.situation.circuit
        assert line is not None and desk.operations is not None, "refused before"
        word = await desk.ask_operator(f"Force {line.key} {state}: {means}")
        if word is None:
            return
        await desk.operations.force([line.key], state, for_seconds=word.for_seconds, who=desk.who, why=word.why)
        desk.say(f"forced {line.key} {state} {word.lasting}; r takes it back", "good")

    return act


COMMANDS = (
    Command(
        id="circuit.reset",
        key="r",
        label="reset",
        about="Close the circuit and forget its failures.",
        act=reset,
        changes=True,
        footer=True,
        blocked=_nothing_to_reset,
    ),
    Command(
        id="circuit.open",
        key="t",
        label="trip",
        about="Force the circuit open, so that nobody calls it.",
        act=_force("open", "nobody calls it"),
        changes=True,
        footer=True,
        blocked=_no_circuit,
    ),
    Command(
        id="circuit.close",
        key="c",
        label="force closed",
        about="Force the circuit closed, whatever fails.",
        act=_force("closed", "everybody calls it, whatever fails"),
        changes=True,
        blocked=_no_circuit,
    ),
)
