"""Keys of the operator's own: what may be said, what is refused with which words, and that the screen then listens to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmesc.cli.screen import configured
from llmesc.config.load import load
from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.remapping import default_keys, problems
from llmesc.escalation.errors import ConfigError
from tests.dashboard import scenes


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"circuit.reset": "f5"},
        {"circuit.reset": "ctrl+r, f6"},
        {"help": "f12", "requests.filter": "?"},
        {"pause": "P"},
        {"list.down": "down,n"},
        {"circuit.reset": "t", "circuit.open": "r"},
        {"event.level": "slash", "event.search": "L"},
    ],
)
def test_a_key_that_nobody_has_may_be_given_to_any_command(keys: dict[str, str]) -> None:
    assert list(problems(keys)) == []


@pytest.mark.parametrize(
    ("keys", "name", "words"),
    [
        ({"circuit.rest": "f5"}, "circuit.rest", "nearest: circuit.reset"),
        ({"ask": "wobble"}, "ask", 'found "wobble"'),
        ({"ask": ""}, "ask", 'found ""'),
        ({"ask": "f5,"}, "ask", 'found ""'),
        ({"ask": "ctrl+ctrl+x"}, "ask", 'found "ctrl+ctrl+x"'),
        ({"ask": "\x1b[2J"}, "ask", "allowed: a character or a name"),
        ({"ask": "tab"}, "ask", "which goes to the next pane"),
        ({"ask": "ctrl+p"}, "ask", "which opens the palette"),
        ({"ask": "q"}, "ask", "q has quit already"),
        ({"ask": "?"}, "ask", "? has help already"),
        ({"ask": "j"}, "ask", "j has list.down already"),
        ({"circuit.reset": "x"}, "circuit.reset", "x has event.kinds already"),
        ({"event.level": "x"}, "event.level", "x has event.kinds already"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(keys: dict[str, str], name: str, words: str) -> None:
    (found,) = problems(keys)
    assert found[0] == name and words in found[1]
    assert "\x1b" not in found[1]


def test_every_command_has_a_key_of_its_own_from_the_beginning() -> None:
    assert list(problems(default_keys())) == []


def test_every_mistake_of_the_section_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[dashboard]\ntheme = "nrod"\n[dashboard.keys]\ncircuit.reset = "q"\n"help" = "wobble"\n')
    with pytest.raises(ConfigError) as raised:
        configured(load(file, {}))
    found = sorted(raised.value.problems)
    assert [problem.removeprefix(str(file)).partition(": ")[0] for problem in found] == [":2", ":4", ":5"]
    assert 'dashboard.theme: found "nrod"; allowed: nord' in found[0]
    assert "dashboard.keys.circuit.reset: q has quit already" in found[1]


@pytest.mark.anyio
async def test_the_screen_listens_to_the_new_key_and_no_longer_to_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[dashboard]\ntheme = "nord"\n[dashboard.keys]\npause = "P"\n')
    settings = configured(load(file, {}))
    assert settings == Settings(theme="nord", keys={"pause": "P"})
    app: Any = Dashboard(
        scenes.Still(scenes.board(scenes.switched())), now=lambda: scenes.NOW, settings=settings, frame_seconds=None
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("space")
        assert not app.main_screen.paused
        await pilot.press("P")
        assert (app.main_screen.paused, app.theme) == (True, "nord")
