"""What the dashboard looks like in each state that matters. The pictures were looked at by people; a difference is a change.

After a wanted change: `pytest tests/dashboard/test_pictures.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.board import Board
from llmesc.dashboard.feed import Feed
from llmesc.dashboard.replay import Replay
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
}


def app(feed: Feed, theme: str) -> Dashboard:
    made = Dashboard(feed, now=lambda: scenes.NOW, settings=Settings(theme=theme), frame_seconds=None)
    made.animation_level = "none"
    return made


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_picture(snap_compare: Any, scene: str, size: str) -> None:
    feed, keys = SCENES[scene]
    assert snap_compare(app(feed(), "textual-dark"), press=keys, terminal_size=SIZES[size])


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
    known |= {f"test_large_picture[{scene}]" for scene in ("switched", "circuits")}
    known |= {f"test_picture_in_another_theme[{theme}]" for theme in ("textual-light", "ansi-dark", "nord")}
    assert {picture.stem for picture in folder.glob("*.svg")} == known
