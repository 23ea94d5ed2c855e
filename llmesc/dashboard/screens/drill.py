"""A drill over the live screen, which goes on beneath: as live as that, then its score."""

from __future__ import annotations

from typing import ClassVar

from llmesc.dashboard.drill.feed import DrillFeed
from llmesc.dashboard.drill.words import score_text
from llmesc.dashboard.screens.main import MainScreen
from llmesc.dashboard.screens.reading import Reading


class DrillScreen(MainScreen):
    """The main screen of a drill's own engine. To leave it ends the drill."""

    drilling: ClassVar[bool] = True

    def __init__(self, drill: DrillFeed) -> None:
        super().__init__(drill, None)
        self._drill = drill

    def on_mount(self) -> None:
        """Waits for the end of the drill."""
        self.run_worker(self._await_the_score(), name="score", group="score")

    async def _await_the_score(self) -> None:
        await self._drill.over.wait()
        self.frame()
        if self.is_current:  # else the user reads something else; the header says that it is over
            self.show_score()

    def show_score(self) -> None:
        """In words, once it is over."""
        if self._drill.score is not None:
            self.app.push_screen(Reading(f"{self._drill.title}, simulated", score_text(self._drill.score)))
        elif self._drill.problem:
            self.say(f"drill: {self._drill.problem}", "bad")
        else:
            self.say("the drill goes on; esc leaves it", "doubtful")
