"""The command that plays a fault at the chain, and shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation

_ALL = "all"
"""The key of the choice that plays the whole catalogue; no fault is called so."""


def _replaying(now: Situation) -> str:
    return "this is a replay; a drill begins on the live screen" if now.replaying else ""


async def drill(desk: MainScreen) -> None:
    """Plays a fault over the live screen, which goes on beneath; on the screen of a drill: its score."""
    import os

    from llmesc.dashboard.drill.feed import MARK, DrillFeed
    from llmesc.dashboard.screens.catalogue import Catalogue
    from llmesc.dashboard.screens.drill import DrillScreen
    from llmesc.dashboard.screens.pick import Pick
    from llmesc.engine.drills import ROWS, Rehearsal

    if isinstance(desk, DrillScreen):
        desk.show_score()
        return
    assert desk.engine is not None, "refused before"
    rehearsal = Rehearsal(
        config=desk.engine.config,
        environ=os.environ,
        warn=lambda warning: desk.say(warning, "doubtful"),
        options=desk.aimed,
    )
    target = await rehearsal.target()
    if target is None:
        desk.say("drill: the chain has no candidate to play faults at", "doubtful")
        return
    choices = [(_ALL, f"all {len(ROWS)} of the catalogue, at short limits")]
    choices += [(row.fault, f"{row.words}{', at your own limit' if row.timeouts else ''}") for row in ROWS]
    picked = await desk.desk.push_screen_wait(Pick(f"Simulate which fault at {target}? Nothing is called", choices))
    if picked == _ALL:
        await desk.desk.push_screen_wait(Catalogue(f"{MARK} · every fault at {target}", rehearsal.rows(target), of=len(ROWS)))
    elif picked:
        row = next(row for row in ROWS if row.fault == picked)
        desk.app.push_screen(DrillScreen(DrillFeed(rehearsal, row, target, desk.desk.now)))


COMMANDS = (
    Command(
        id="drill",
        key="D",
        label="drill",
        about="Play a fault at the chain, simulated, and show what comes of it.",
        act=drill,
        blocked=_replaying,
    ),
)
