"""The fleet on the dashboard: what it says, and what it looks like. A difference in a picture is a change.

After a wanted change: `pytest tests/dashboard/test_fleet.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.board import Board
from llmesc.dashboard.fleet_words import bar
from llmesc.dashboard.screens.fleet import Fleet
from llmesc.engine.serving.overview import FleetView, LaneLine, WorkerSays
from llmesc.escalation.errors import ConfigError
from llmesc.fleet.messages import Serving
from tests.dashboard import scenes

pytestmark = pytest.mark.usefixtures("utc")


def worker(name: str, **more: Any) -> WorkerSays:
    says: dict[str, Any] = {
        "name": name,
        "host": name,
        "pid": 1,
        "version": "1",
        "started": 1_000.0,
        "serves": (Serving(lane="qwen3-32b@32k", reference="lab/qwen3-32b"),),
        "concurrency": 4,
        "queue": 8,
    }
    return WorkerSays(**{**says, **more})


def busy() -> FleetView:
    workers = (
        worker("gpu1", running=4, tokens_per_second=182.5, answered=12_345, failed=3),
        worker("gpu2", running=1, tokens_per_second=40.0, answered=77, started=9_000.0),
        worker("desk-[/x]", concurrency=1, draining=True, answered=2),
    )
    lanes = (
        LaneLine(lane="qwen3-32b@32k", workers=("gpu1", "gpu2"), waiting=19, running=5, room=24),
        LaneLine(lane="smollm2-135m@8k", workers=("desk-[/x]",), waiting=0, running=0, room=9),
    )
    return FleetView(place="rediss://meeting:6379/0", now=10_000.0, workers=workers, lanes=lanes)


def nobody() -> FleetView:
    return FleetView(place="redis://localhost:6379/0", now=10_000.0, workers=(), lanes=())


def nowhere() -> FleetView:
    raise ConfigError(("fleet.url: missing; allowed: the URL of a Redis here, or as `state`",))


SCENES: dict[str, Callable[[], FleetView]] = {"busy": busy, "nobody": nobody, "nowhere": nowhere}
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}


def opened(make: Callable[[], FleetView]) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[Any]) -> None:
        async def read() -> FleetView:
            return make()

        await pilot.app.push_screen(Fleet(read))
        for _ in range(3):  # it reads; it is drawn; the footer has learned its keys
            await pilot.pause()

    return before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_fleet(snap_compare: Any, scene: str, size: str) -> None:
    app = Dashboard(
        scenes.Still(Board(now=scenes.NOW)), now=lambda: scenes.NOW, settings=Settings(theme="textual-dark"), frame_seconds=None
    )
    app.animation_level = "none"
    assert snap_compare(app, run_before=opened(SCENES[scene]), terminal_size=SIZES[size])


@pytest.mark.parametrize(
    ("running", "concurrency", "drawn"), [(0, 4, "░░░░░"), (1, 4, "██░░░"), (4, 4, "█████"), (9, 4, "█████"), (0, 0, "░░░░░")]
)
def test_a_bar_shows_how_much_is_in_use(running: int, concurrency: int, drawn: str) -> None:
    assert bar(running, concurrency) == drawn
