"""Commands on a model: the one whose denial is under the cursor, or the one that the chosen attempt called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _no_model(now: Situation) -> str:
    return "" if now.denial is not None or now.candidate is not None else "no attempt and no denied model is chosen"


async def deny_or_allow(desk: MainScreen) -> None:
    """Takes a denial back, or makes one."""
    now = desk.situation
    assert desk.operations is not None, "refused before"
    denied = now.denial
    if denied is None and now.candidate is not None:
        denied = next((denial for denial in now.board.denials if denial.key == now.candidate.model_key), None)
    if denied is not None:
        if await desk.confirm(
            f"Allow {denied.key} again?", f"Denied by {denied.who or 'llmesc'}: {denied.why or 'no reason given'}"
        ):
            await desk.operations.allow(str(denied.key))
            desk.say(f"allowed {denied.key} again", "good")
        return
    assert now.candidate is not None, "refused before"
    word = await desk.ask_operator(f"Deny {now.candidate.ref}: routing does not use it")
    if word is not None:
        await desk.operations.deny(now.candidate.ref, for_seconds=word.for_seconds, who=desk.who, why=word.why)
        desk.say(f"denied {now.candidate.ref} {word.lasting}; d allows it again", "good")


COMMANDS = (
    Command(
        id="model.deny",
        key="d",
        label="deny",
        about="Deny the model that the attempt called, or allow a denied one again.",
        act=deny_or_allow,
        changes=True,
        footer=True,
        blocked=_no_model,
    ),
)
