"""Where boards come from: the live state, a recorded run, a demonstration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from llmesc.dashboard.board import Board
from llmesc.dashboard.plots.trends import Trends
from llmesc.engine import AskOptions
from llmesc.escalation.events import Event
from llmesc.escalation.messages import Request
from llmesc.escalation.times import Timestamp

if TYPE_CHECKING:
    from llmesc.engine.serving.overview import FleetView


class Feed(Protocol):
    """A source of boards. It reads in the background; `board` only takes what is there, and never waits."""

    @property
    def version(self) -> int:
        """Grows with every change; the screen draws only where it has."""
        ...

    def board(self, now: Timestamp) -> Board:
        """What is known at `now`."""
        ...

    def choose(self, run_id: str | None) -> None:
        """The run that is looked at: its events are to be followed too."""
        ...

    async def events(self, run_id: str) -> Sequence[Event]:
        """All recorded events of a run, the tokens too. Raises `StateUnavailable`."""
        ...

    async def run(self) -> None:
        """Reads until it is cancelled. A store that is away is told in the board and tried again."""
        ...


class AskingFeed(Feed, Protocol):
    """A feed of a process that can also ask, and look at more than the board has."""

    async def trends(self, now: Timestamp) -> Trends:
        """What is plotted, read when it is asked for. Raises `StateUnavailable`."""
        ...

    async def fleet(self) -> FleetView:
        """Workers and lanes, read when it is asked for. Raises an `LlmescError` where no fleet can be seen."""
        ...

    def start(self, request: Request, options: AskOptions, on_error: Callable[[Exception], None]) -> str:
        """Begins a run of this process; its id. What keeps it from beginning goes to `on_error`."""
        ...

    def cancel(self, run_id: str) -> bool:
        """Ends an own run now; whether it was one that runs."""
        ...
