"""The fleet, over the whole screen: read when it opens, and again every other second while it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from llmesc.dashboard.fleet_words import LANES, WORKERS, about, lane_cells, worker_cells
from llmesc.dashboard.widgets.rows import Rows
from llmesc.escalation.errors import LlmescError
from llmesc.escalation.untrusted import one_line

if TYPE_CHECKING:
    from llmesc.dashboard.app import Dashboard
    from llmesc.engine.serving.overview import FleetView

READ_SECONDS = 2.0
"""Between two reads: workers say how they are once a second."""


class Fleet(ModalScreen[None]):
    """Reads by `read`, which gives what is known now, or raises an `LlmescError`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w", "dismiss", "close"),
        Binding("tab", "app.focus_next", "workers and lanes"),
    ]
    DEFAULT_CSS = """
    Fleet { layout: vertical; background: $background; }
    Fleet #about { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    Fleet #problem { height: auto; max-height: 4; padding: 0 1; color: $text-warning; display: none; }
    Fleet Rows { border: round $panel-lighten-2; border-title-color: $text-muted; }
    Fleet Rows:focus { border: round $primary; border-title-color: $primary; }
    """

    def __init__(self, read: Callable[[], Awaitable[FleetView]]) -> None:
        super().__init__()
        self._read = read
        self._view: FleetView | None = None

    def compose(self) -> ComposeResult:
        """What it is, workers, lanes, the keys."""
        yield Static("llmesc · fleet", id="about", markup=False)
        yield Static("", id="problem", markup=False)
        yield Rows(WORKERS, empty="no worker lives; `llmesc fleet worker --serve REF` starts one", id="workers")
        yield Rows(LANES, empty="no lane is served", id="lanes")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """The first read, and those that follow."""
        self.query_one("#workers", Rows).border_title = "Workers"
        self.query_one("#lanes", Rows).border_title = "Lanes"
        self.query_one("#workers", Rows).focus()
        self.look()
        if self._desk.frame_seconds is not None:
            self.set_interval(READ_SECONDS, self.look)

    def look(self) -> None:
        """Reads, and draws what came; a read that still waits is given up."""
        if not self._desk.aside:
            self.run_worker(self._look(), name="fleet", group="fleet", exclusive=True)

    async def _look(self) -> None:
        try:
            view = self._view = await self._read()
        except LlmescError as error:
            old = "there is nothing to show" if self._view is None else "this is what was known last"
            self._tell(f"⚠ the fleet cannot be seen, {old}: {one_line(str(error))}")
            return
        self._tell("")
        self.query_one("#about", Static).update(about(view))
        workers = {worker.name: worker for worker in view.workers}
        lanes = {line.lane: line for line in view.lanes}
        self.query_one("#workers", Rows).show(tuple(workers), lambda name: worker_cells(workers[name], view.now))
        self.query_one("#lanes", Rows).show(tuple(lanes), lambda lane: lane_cells(lanes[lane]))

    def _tell(self, problem: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(problem)
        line.display = bool(problem)

    @property
    def _desk(self) -> Dashboard:
        return cast("Dashboard", self.app)
