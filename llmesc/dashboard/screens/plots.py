"""The plots, over the whole screen: read when it opens, and again every few seconds while it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from llmesc.dashboard.plots.lines import clock
from llmesc.dashboard.plots.trends import Trends
from llmesc.dashboard.widgets.plots import PlotView
from llmesc.engine import StateUnavailable
from llmesc.escalation.untrusted import one_line

if TYPE_CHECKING:
    from llmesc.dashboard.app import Dashboard
    from llmesc.escalation.times import Timestamp

READ_SECONDS = 5.0
"""Between two reads. One bar stands for two minutes: more often would show nothing else."""


class Plots(ModalScreen[None]):
    """Reads by `read`, which gives what is known at a moment, or raises `StateUnavailable`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i", "dismiss", "close"),
    ]
    DEFAULT_CSS = """
    Plots { layout: vertical; background: $background; }
    Plots #about { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    Plots #problem { height: auto; max-height: 3; padding: 0 1; color: $text-warning; display: none; }
    """

    def __init__(self, read: Callable[[Timestamp], Awaitable[Trends]]) -> None:
        super().__init__()
        self._read = read
        self._trends: Trends | None = None

    def compose(self) -> ComposeResult:
        """What it is and as of when, the plots, the keys."""
        yield Static("llmesc · plots", id="about", markup=False)
        yield Static("", id="problem", markup=False)
        yield PlotView()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """The first read, and those that follow."""
        self.query_one(PlotView).focus()
        self.look()
        if self._desk.frame_seconds is not None:
            self.set_interval(READ_SECONDS, self.look)

    def look(self) -> None:
        """Reads, and draws what came; a read that still waits for the store is given up."""
        if not self._desk.aside:
            self.run_worker(self._look(), name="plots", group="plots", exclusive=True)

    async def _look(self) -> None:
        now = self._desk.now()
        try:
            self._trends = await self._read(now)
        except StateUnavailable as error:
            old = (
                f"this is what was known at {clock(self._trends.now)}" if self._trends is not None else "there is nothing to plot"
            )
            self._tell(f"⚠ the state does not answer, {old}: {one_line(str(error))}")
        else:
            self._tell("")
            about = f"llmesc · plots · the hour to {clock(now)}, the last {len(self._trends.days)} days"
            self.query_one("#about", Static).update(about)
            self.query_one(PlotView).show(self._trends)

    def _tell(self, problem: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(problem)
        line.display = bool(problem)

    @property
    def _desk(self) -> Dashboard:
        return cast("Dashboard", self.app)
