"""What a drill looks like: while it is played, its score, and the table of the whole catalogue.

After a wanted change: `pytest tests/dashboard/test_drill_pictures.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.drill.feed import MARK, DrillFeed
from llmesc.dashboard.screens.catalogue import Catalogue
from llmesc.dashboard.screens.drill import DrillScreen
from llmesc.engine.drills import ROWS, Drilled, Row, RowDrilled, Scenario, Totals, row_scenario
from llmesc.engine.drills.score import score
from llmesc.escalation.events import AttemptOutcome, Move, RunOutcome
from llmesc.providers.faults.behaviours import ANSWER
from tests.dashboard import scenes

pytestmark = pytest.mark.usefixtures("utc")

SIZES = {"80x24": (80, 24), "120x36": (120, 36)}
OVERLOADED = next(row for row in ROWS if row.fault == "503")
TITLE = f"{OVERLOADED.words} at {scenes.LAB.ref}"


def taken_over() -> scenes.Tape:
    """The first candidate is overloaded, the next one writes."""
    tape = scenes.Tape("7f3a", "What is Raft?", began=2.2).call(scenes.LAB, Move.PRIMARY).fails(scenes.OVERLOADED)
    return tape.switch(scenes.CLAUDE, "overloaded", "no workers available").write(ANSWER[:60], pace_ms=100)


def came_of(row: Row, *problems: str) -> RowDrilled:
    """A row of which this came, as seen from the events."""
    tape = taken_over().write(ANSWER[60:], wait_ms=100, pace_ms=100).judged(100)
    one = score(tape.ended(AttemptOutcome.SUCCESS, cost="0").done(RunOutcome.ANSWERED, ANSWER, cost="0").events)
    seen_as = row.seen_as if not problems else "server_error"
    scenario = row_scenario(row, scenes.LAB.ref, Scenario(name="", simulate=True))
    drilled = Drilled(
        scenario=replace(scenario, timeouts=row.timeouts),
        chain="default",
        candidates=(scenes.LAB, scenes.CLAUDE),
        scores=(replace(one, seen_as=(seen_as,)),),
        totals=Totals(calls={scenes.LAB.ref: 1, scenes.CLAUDE.ref: 1}, circuits={}, weights={}, cost=Decimal(0)),
        added_seconds=0.004,
        problems=problems,
    )
    return RowDrilled(row=row, drilled=drilled, circuit=row.circuit, problems=problems)


class StillDrill(scenes.Still):
    """A drill that stands still: in the middle, or over with a score."""

    def __init__(self, came: RowDrilled | None) -> None:
        state = scenes.StoreState(instead=f"{MARK} · {'over · ' if came else ''}{TITLE}")
        super().__init__(scenes.board(taken_over(), store=state, today=None))
        self.title, self.problem, self.score, self.over = TITLE, "", came, asyncio.Event()
        if came is not None:
            self.over.set()


def drill(came: RowDrilled | None) -> Screen[None]:
    return DrillScreen(cast("DrillFeed", StillDrill(came)))


def table(played: int) -> Screen[None]:
    wrong = "the first failure was seen as server_error, not as protocol"

    async def rows() -> AsyncIterator[RowDrilled]:
        for row in ROWS[:played]:
            yield came_of(row, *([wrong] if row.fault == "html" else []))
        if played < len(ROWS):
            await asyncio.Event().wait()

    return Catalogue(f"{MARK} · every fault at {scenes.LAB.ref}", rows(), of=len(ROWS))


SCENES: dict[str, Callable[[], Screen[None]]] = {
    "played": lambda: drill(None),
    "score": lambda: drill(came_of(OVERLOADED)),
    "catalogue": lambda: table(len(ROWS)),
    "catalogue-going-on": lambda: table(9),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_picture(snap_compare: Any, scene: str, size: str) -> None:
    feed = scenes.Still(scenes.board(scenes.answered()))
    app = Dashboard(feed, now=lambda: scenes.NOW, settings=Settings(theme="textual-dark"), frame_seconds=None)
    app.animation_level = "none"

    async def begin(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        app.push_screen(SCENES[scene]())
        await pilot.pause()
        if app.main_screen is not None:
            app.main_screen.draw()  # as the next frame does: the first is drawn before every pane has its width
        await pilot.pause()

    assert snap_compare(app, run_before=begin, terminal_size=SIZES[size])


def test_no_picture_is_left_of_a_test_that_is_gone() -> None:
    folder = Path(__file__).parent.parent.parent / "snapshots" / "test_drill_pictures"
    known = {f"test_picture[{scene}-{size}]" for scene in SCENES for size in SIZES}
    assert {picture.stem for picture in folder.glob("*.svg")} == known
