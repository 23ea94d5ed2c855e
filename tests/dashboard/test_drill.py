"""A drill on the screen: it is shown as it happens, has its score, and leaves nothing: not in the state beneath, not running."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from llmesc.dashboard.actions.all import COMMANDS
from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.drill import feed as drill_feed
from llmesc.dashboard.drill.words import catalogue_text
from llmesc.dashboard.live_feed import LiveFeed
from llmesc.dashboard.screens.catalogue import Catalogue
from llmesc.dashboard.screens.drill import DrillScreen
from llmesc.dashboard.screens.main import MainScreen
from llmesc.dashboard.screens.pick import Pick
from llmesc.dashboard.screens.reading import Reading
from llmesc.dashboard.widgets.flash import FlashLine
from llmesc.dashboard.widgets.header import HeaderBar
from llmesc.engine import AskOptions, Engine, RunFilter, drills
from llmesc.engine.drills import ROWS, Row, catalogue, stations
from llmesc.escalation.messages import ask_for
from llmesc.escalation.times import Timestamp
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.behaviours import ANSWER
from tests.dashboard import scenes
from tests.dashboard.test_drill_pictures import came_of

pytestmark = pytest.mark.anyio

LAB = """
[providers.lab]
api = "simulated"
tier = "local"
models = ["m"]
"""

CONFIG = f"""{LAB}
[providers.claude]
api = "anthropic"
tier = "frontier"
models = ["big"]
api_key = {{ env = "NOT_SET_ANYWHERE" }}
[chains]
default = ["lab/m", "claude/big"]
alone = ["claude/big"]
"""


@dataclass
class Desk:
    """The dashboard over an engine, and every server that a drill began."""

    pilot: Pilot[Any]
    engine: Engine
    feed: LiveFeed
    main: MainScreen
    servers: list[FaultServer]

    @property
    def screen(self) -> Any:
        return self.pilot.app.screen

    async def pick(self, typed: str) -> Any:
        """Opens the choice, narrows it, takes the first; the screen that is then there."""
        await self.pilot.press("D")
        await self.until(lambda: isinstance(self.screen, Pick))
        await self.pilot.press(*("space" if key == " " else key for key in typed), "enter")
        await self.until(lambda: isinstance(self.screen, DrillScreen | Catalogue | Reading))
        return self.screen

    async def score(self, typed: str) -> str:
        """Plays a fault to its end; what its score says."""
        await self.pick(typed)
        await self.until(lambda: isinstance(self.screen, Reading))
        return self.text()

    def text(self) -> str:
        """Of the dialog."""
        return str(self.screen.query_one(TextArea).text)

    def flash(self) -> str:
        return str(self.pilot.app.screen.query_one(FlashLine).render())

    async def until(self, true: Callable[[], bool]) -> None:
        """Draws until it is true; the test's own time limit is what ends a wait in vain."""
        async with asyncio.timeout(30):
            while not true():
                await asyncio.sleep(0.01)
                if isinstance(self.screen, MainScreen):
                    self.screen.frame()
                await self.pilot.pause()


@asynccontextmanager
async def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, **settings: Any) -> AsyncIterator[Desk]:
    servers: list[FaultServer] = []

    class Noted(FaultServer):
        def __init__(self, **more: Any) -> None:
            super().__init__(**more)
            servers.append(self)

    monkeypatch.setattr(stations, "FaultServer", Noted)
    monkeypatch.setattr(drill_feed, "PACE_SECONDS", 0.0)
    file = tmp_path / "config.toml"
    file.write_text(text)

    def now() -> Timestamp:
        return Timestamp(time.time())

    async with Engine.open(config_file=file, state=f"sqlite://{tmp_path}/state.db", on_warning=pytest.fail) as engine:
        feed = LiveFeed(engine, now)
        app = Dashboard(feed, now=now, engine=engine, settings=Settings(who="ann@web1", **settings), frame_seconds=None)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            assert app.main_screen is not None
            yield Desk(pilot, engine, feed, app.main_screen, servers)


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with watching(tmp_path, monkeypatch, CONFIG) as made:
        yield made


async def test_the_drill_is_shown_as_any_request_is_and_marked(desk: Desk) -> None:
    await desk.score("connection cut")
    await desk.pilot.press("escape")
    await desk.until(lambda: isinstance(desk.screen, DrillScreen))

    situation = desk.screen.situation
    assert situation.run.outcome == "answered"
    assert [(one.resolution.ref, one.outcome) for one in situation.view.attempts] == [
        ("lab/m", "error"),
        ("claude/big", "success"),
    ]
    assert situation.view.visible == ANSWER
    assert "provider_switched" in {event.type for event in situation.board.timelines[situation.run.run_id]}
    sick = next(line for line in situation.board.circuits if str(line.key) == "lab")
    assert [failure.weight for failure in sick.circuit.failures] == [1.0]
    header = str(desk.screen.query_one(HeaderBar).render())
    assert "DRILL · simulated · over · connection cut in mid-answer at lab/m" in header
    assert "$" not in header, "nobody spends anything"


async def test_the_score_says_what_came_of_it_and_what_was_expected(desk: Desk) -> None:
    lines = [" ".join(line.split()) for line in (await desk.score("429 with retry-after")).splitlines()]

    assert lines[0] == "SCORE 429 WITH RETRY-AFTER"
    assert {
        "candidates played",
        "answered ✓ answered by claude/big",
        "failures seen as rate limit",
        "characters 0 taken back, 0 lost, 0 doubled",
        "circuit lab closed → open",
        "circuit learned open",
        "calls lab/m 1",
        "calls claude/big 1",
        "cost nothing",
        "expected: answered; first failure seen as rate limit; lab/m called 1 time at most; the circuit learns open",
        "✓ all came as expected",
    } <= set(lines)
    assert any(line.startswith("seconds lost ") for line in lines)


async def test_where_nobody_can_take_over_the_score_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(tmp_path, monkeypatch, LAB) as desk:
        text = await desk.score("500")

    assert "✗ the outcome is exhausted, not answered" in text
    assert "✓ all came" not in text


async def test_the_score_is_copied_whole_and_shown_again(desk: Desk) -> None:
    text = await desk.score("empty")
    await desk.pilot.press("y")
    await desk.until(lambda: isinstance(desk.screen, DrillScreen))
    assert desk.pilot.app.clipboard == text

    await desk.pilot.press("D")
    await desk.until(lambda: isinstance(desk.screen, Reading))
    assert desk.text() == text


async def test_what_is_beneath_goes_on_and_its_state_gets_nothing_of_the_drill(desk: Desk) -> None:
    before = await desk.engine.operations.circuits()
    await desk.pick("hangs")
    await desk.until(lambda: any(server.requests for server in desk.servers))
    run_id = desk.feed.start(ask_for("hello"), AskOptions(), lambda error: pytest.fail(str(error)))
    await desk.until(lambda: [run.outcome for run in desk.feed.board(Timestamp(0)).runs] == ["answered"])
    assert isinstance(desk.screen, DrillScreen), "meanwhile the drill is seen"

    await desk.pilot.press("escape")
    await desk.until(lambda: desk.screen is desk.main)
    desk.main.frame()

    assert [run.run_id for run in desk.main.situation.board.runs] == [run_id]
    assert [run.run_id for run in await desk.engine.operations.history(RunFilter())] == [run_id]
    circuits = await desk.engine.operations.circuits()
    assert [(line.key, line.state, line.circuit.failures) for line in circuits] == [(line.key, line.state, ()) for line in before]


async def test_to_leave_in_the_middle_ends_it_and_leaves_nothing_running(desk: Desk) -> None:
    screen = await desk.pick("hangs")
    await desk.until(lambda: any(server.requests for server in desk.servers))
    await desk.until(lambda: screen.situation.run is not None and screen.situation.run.outcome == "running")
    workers = [worker for worker in desk.pilot.app.workers if worker.node is screen]
    await desk.pilot.press("D")
    assert "the drill goes on; esc leaves it" in desk.flash()

    await desk.pilot.press("escape")

    await desk.until(lambda: desk.screen is desk.main and all(worker.is_finished for worker in workers))
    assert workers and desk.servers
    assert not any(server.listening for server in desk.servers)


@pytest.mark.parametrize(
    ("key", "why"), [("a", "this is a drill"), ("i", "a drill is one request"), ("greater_than_sign", "only in a")]
)
async def test_nothing_can_be_changed_in_a_drill_and_each_key_says_so(desk: Desk, key: str, why: str) -> None:
    await desk.pick("hangs")
    await desk.pilot.press(key)
    assert why in desk.flash()


async def test_a_request_of_a_drill_can_be_replayed_and_in_a_replay_no_drill_begins(desk: Desk) -> None:
    await desk.score("503")
    await desk.pilot.press("escape", "v")
    await desk.until(lambda: isinstance(desk.screen, MainScreen) and not isinstance(desk.screen, DrillScreen))
    assert "replay of" in str(desk.screen.query_one(HeaderBar).render())

    await desk.pilot.press("D")
    assert "this is a replay; a drill begins on the live screen" in desk.flash()

    await desk.pilot.press("escape")
    await desk.until(lambda: isinstance(desk.screen, DrillScreen))


async def test_the_chain_that_the_prompt_asks_is_the_one_that_is_drilled(desk: Desk) -> None:
    desk.main.aim("alone", None)
    text = await desk.score("500")

    assert "claude/big" in text and "lab/m" not in text


async def test_it_is_there_with_read_only_for_it_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watching(tmp_path, monkeypatch, CONFIG, read_only=True) as desk:
        assert "✓ all came as expected" in await desk.score("503")


@pytest.mark.parametrize(
    ("more", "chain", "why"),
    [
        ("[escalation]\nprivacy = true\n", "alone", "drill: the chain has no candidate to play faults at"),
        ("", "nowhere", "drill: no chain 'nowhere'"),
    ],
)
async def test_what_cannot_be_drilled_is_said(
    more: str, chain: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(tmp_path, monkeypatch, CONFIG + more) as desk:
        desk.main.aim(chain, None)
        await desk.pilot.press("D")
        await desk.until(lambda: bool(desk.flash()))

        assert desk.screen is desk.main
        assert why in desk.flash()


async def test_a_static_replay_begins_no_drill() -> None:
    app = Dashboard(scenes.Still(scenes.board(scenes.answered())), now=lambda: scenes.NOW, frame_seconds=None)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("D")
        assert "this is a replay" in str(app.screen.query_one(FlashLine).render())


# -- the whole catalogue --------------------------------------------------------------------------------------------------------


def play_only(monkeypatch: pytest.MonkeyPatch, *rows: Row) -> None:
    """These, instead of all."""
    monkeypatch.setattr(catalogue, "ROWS", rows)
    monkeypatch.setattr(drills, "ROWS", rows)


async def test_every_fault_has_its_line_as_the_command_line_prints_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    play_only(monkeypatch, ROWS[0], ROWS[1], ROWS[7])

    await desk.pick("all")
    await desk.until(lambda: "all 3 faults came out as they should" in desk.text())

    titles, *lines = [re.split(r"  +", line.strip()) for line in desk.text().splitlines()[:4]]
    assert titles == ["FAULT", "SEEN AS", "CALLED", "ADDED", "ANSWERED BY", "CIRCUIT", "TAKEN BACK"]
    assert [[*cells[:4], *cells[5:]] for cells in lines] == [
        ["✓", "500", "server error", "1", "claude/big", "1 failure", "0"],
        ["✓", "429 with retry-after", "rate limit", "1", "claude/big", "open", "0"],
        ["✓", "200 with an error inside", "server error", "1", "claude/big", "1 failure", "19"],
    ]
    assert list(await desk.engine.operations.history(RunFilter())) == []


async def test_lines_come_as_faults_are_done_and_to_close_it_ends_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hang = next(row for row in ROWS if row.fault == "hang")
    play_only(monkeypatch, ROWS[0], replace(hang, timeouts={}))
    screen = await desk.pick("all")

    await desk.until(lambda: "1 of 2" in desk.text())
    assert "1 of 2 · y copy · esc stop and close" in str(screen.query_one(".keys", Static).render())
    await desk.pilot.press("y")
    assert "1 of 2" in desk.pilot.app.clipboard
    workers = [worker for worker in desk.pilot.app.workers if worker.node is screen]
    await desk.pilot.press("escape")

    await desk.until(lambda: desk.screen is desk.main and all(worker.is_finished for worker in workers))
    assert workers and not any(server.listening for server in desk.servers)


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (None, set()),
        (131, set()),
        (118, {"TAKEN BACK"}),
        (80, {"TAKEN BACK", "ANSWERED BY"}),
        (76, {"TAKEN BACK", "ANSWERED BY"}),
    ],
)
def test_a_narrow_screen_does_without_the_columns_that_tell_least(width: int | None, left_out: tuple[str, ...]) -> None:
    rows = [came_of(row) for row in ROWS]
    head, *lines = catalogue_text(rows, of=len(rows), width=width).splitlines()[: len(rows) + 1]

    titles = {"FAULT", "SEEN AS", "CALLED", "ADDED", "ANSWERED BY", "CIRCUIT", "TAKEN BACK"}
    assert {title for title in titles if title not in head} == set(left_out)
    assert width is None or max(map(len, (head, *lines))) <= width
    assert all(row.words[:22] in line for row, line in zip(ROWS, lines, strict=True))


def test_its_key_is_its_own() -> None:
    [command] = [command for command in COMMANDS if command.id == "drill"]
    assert (command.key, command.changes) == ("D", False)
    assert [other.id for other in COMMANDS if "D" in other.key.split(",")] == ["drill"]
