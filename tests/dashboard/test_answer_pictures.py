"""What the answer pane looks like. The pictures were looked at by people; a difference is a change.

After a wanted change: `pytest tests/dashboard/test_answer_pictures.py --snapshot-update`, and look at what changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.dashboard.app import Dashboard, Settings
from tests.dashboard import answers, scenes

pytestmark = pytest.mark.usefixtures("utc")

SCENES: dict[str, tuple[Callable[[], scenes.Tape], tuple[str, ...]]] = {
    "half": (lambda: answers.markdown(until=620), ()),
    "plain": (answers.markdown, ("3", "z", "m")),
    "tools": (answers.tools, ()),
    "unfolded": (answers.tools, ("o",)),
    "thinking": (answers.thinking, ()),
    "continued": (answers.continued, ()),
    "held": (answers.held, ()),
    "discarded": (answers.discarded, ()),
    "cancelled": (answers.cancelled, ()),
}
THEMES = ("textual-dark", "textual-light", "ansi-dark")


def app(tape: scenes.Tape, theme: str = "textual-dark") -> Dashboard:
    feed = scenes.Still(scenes.board(tape))
    made = Dashboard(feed, now=lambda: scenes.NOW, settings=Settings(theme=theme), frame_seconds=None)
    made.animation_level = "none"
    return made


@pytest.mark.parametrize("scene", SCENES)
def test_answer(snap_compare: Any, scene: str) -> None:
    tape, keys = SCENES[scene]
    assert snap_compare(app(tape()), press=keys, terminal_size=(120, 40))


@pytest.mark.parametrize("theme", THEMES)
def test_markdown(snap_compare: Any, theme: str) -> None:
    assert snap_compare(app(answers.markdown(), theme), press=("3", "z", "g"), terminal_size=(120, 46))


def test_markdown_on_a_small_terminal(snap_compare: Any) -> None:
    assert snap_compare(app(answers.markdown()), press=("3", "z", "g"), terminal_size=(60, 40))


def test_no_picture_is_left_of_a_test_that_is_gone() -> None:
    folder = Path(__file__).parent.parent.parent / "snapshots" / "test_answer_pictures"
    known = {f"test_answer[{scene}]" for scene in SCENES} | {f"test_markdown[{theme}]" for theme in THEMES}
    assert {picture.stem for picture in folder.glob("*.svg")} == known | {"test_markdown_on_a_small_terminal"}
