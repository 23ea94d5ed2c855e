"""What the dashboard looks like in each state that matters. The pictures were looked at by people; a difference is a change.

After a wanted change: `pytest tests/dashboard/test_pictures.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.board import Board
from llmesc.dashboard.feed import Feed
from llmesc.dashboard.replay import Replay
from llmesc.engine import Engine
from tests.dashboard import scenes

pytestmark = pytest.mark.usefixtures("utc")

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
LARGE = {"200x60": (200, 60)}


def still(*tapes: Callable[[], scenes.Tape], **fields: Any) -> Callable[[], Feed]:
    return lambda: scenes.Still(scenes.board(*(tape() for tape in tapes), **fields))


def replayed() -> Feed:
    replay = Replay(scenes.answered().events, title="replay of 7f3a")
    replay.playing = False
    replay.seek(3_000.0)
    return replay


def idle() -> Feed:
    return scenes.Still(Board(now=scenes.NOW, store=scenes.StoreState(place="sqlite")))


def away() -> scenes.StoreState:
    problem = "locked by another process for longer than 1 s"
    return scenes.StoreState(place="sqlite", away_since=scenes.Timestamp(scenes.NOW - 7), problem=problem)


MANY = (scenes.switched, scenes.below_bar, scenes.exhausted)

SCENES: dict[str, tuple[Callable[[], Feed], tuple[str, ...]]] = {
    "idle": (idle, ()),
    "streaming": (still(scenes.streaming, *MANY[1:]), ()),
    "switched": (still(*MANY), ()),
    "answered": (still(scenes.answered, *MANY[1:]), ()),
    "below_bar": (still(*MANY), ("1", "j")),
    "exhausted": (still(*MANY), ("1", "j", "j")),
    "circuits": (still(*MANY, denials=scenes.denials()), ("4", "j")),
    "events": (still(*MANY), ("5", "l")),
    "paused": (still(*MANY), ("space",)),
    "help": (still(*MANY), ("question_mark",)),
    "replay": (replayed, ()),
    "filtered": (still(*MANY), ("1", "slash", *"outcome:below")),
    "palette": (still(*MANY), ("ctrl+p", *"circuit")),
    "prompt": (still(*MANY), ("a", *"What is a quorum?", "ctrl+j", *"In one sentence.")),
    "confirm": (still(*MANY), ("4", "j", "j", "r")),
    "store_away": (still(*MANY, store=away()), ()),
}
ASKING = frozenset({"palette", "prompt", "confirm"})
"""Where something can be asked and changed; the others are looked at as a replay is."""

LIGHT = ("prompt", "store_away")
SMALL = {"60x24": (60, 24), "38x10": (38, 10)}
"""One pane at a time under a line of tabs; and too small for any."""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """One that is closed: nothing in a picture is done."""

    async def opened() -> Engine:
        file = tmp_path / "config.toml"
        file.write_text('[providers.lab]\napi = "simulated"\ntier = "vllm"\nmodels = ["qwen3-32b"]\n')
        async with Engine.open(config_file=file, state="memory:") as engine:
            return engine

    return asyncio.run(opened())


async def settle(pilot: Pilot[Any]) -> None:
    """Until what was typed has had its effect, and nothing blinks."""
    for _ in range(3):
        await pilot.pause()
    for line in pilot.app.screen.query(Input):
        line.cursor_blink = False
    # Of the palette; the feed's worker never ends, and that of a dialog ends with it.
    if searching := [worker for worker in pilot.app.workers if "palette" in worker.group]:
        await pilot.app.workers.wait_for_complete(searching)
    for _ in range(3):
        await pilot.pause()


def typed(keys: Sequence[str]) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def before(pilot: Pilot[Any]) -> None:
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    return before


def app(feed: Feed, theme: str, engine: Engine | None = None) -> Dashboard:
    made = Dashboard(feed, now=lambda: scenes.NOW, engine=engine, settings=Settings(theme=theme), frame_seconds=None)
    made.animation_level = "none"
    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_picture(snap_compare: Any, engine: Engine, scene: str, size: str) -> None:
    feed, keys = SCENES[scene]
    made = app(feed(), "textual-dark", engine if scene in ASKING else None)
    assert snap_compare(made, run_before=typed(keys), terminal_size=SIZES[size])


@pytest.mark.parametrize("scene", LIGHT)
def test_light_picture(snap_compare: Any, engine: Engine, scene: str) -> None:
    feed, keys = SCENES[scene]
    made = app(feed(), "textual-light", engine if scene in ASKING else None)
    assert snap_compare(made, run_before=typed(keys), terminal_size=(120, 40))


@pytest.mark.parametrize("size", SMALL)
def test_small_picture(snap_compare: Any, size: str) -> None:
    feed, _ = SCENES["switched"]
    assert snap_compare(app(feed(), "textual-dark"), run_before=typed(("3",)), terminal_size=SMALL[size])


@pytest.mark.parametrize("scene", ["switched", "circuits"])
def test_large_picture(snap_compare: Any, scene: str) -> None:
    feed, keys = SCENES[scene]
    assert snap_compare(app(feed(), "textual-dark"), press=keys, terminal_size=LARGE["200x60"])


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark", "nord"])
def test_picture_in_another_theme(snap_compare: Any, theme: str) -> None:
    feed, keys = SCENES["switched"]
    assert snap_compare(app(feed(), theme), press=keys, terminal_size=(120, 40))


def test_no_picture_is_left_of_a_test_that_is_gone() -> None:
    folder = Path(__file__).parent.parent.parent / "snapshots" / "test_pictures"
    known = {f"test_picture[{scene}-{size}]" for scene in SCENES for size in SIZES}
    known |= {f"test_light_picture[{scene}]" for scene in LIGHT} | {f"test_small_picture[{size}]" for size in SMALL}
    known |= {f"test_large_picture[{scene}]" for scene in ("switched", "circuits")}
    known |= {f"test_picture_in_another_theme[{theme}]" for theme in ("textual-light", "ansi-dark", "nord")}
    assert {picture.stem for picture in folder.glob("*.svg")} == known
