"""The Textual application: starts the feed, draws at most once a frame, and leaves the terminal as it was, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.events import Event, Paste
from textual.screen import Screen

from llmesc.dashboard.feed import Feed
from llmesc.dashboard.screens.main import MainScreen
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import safe

if TYPE_CHECKING:
    from llmesc.engine import Engine

FRAME_SECONDS = 1 / 12
"""Between two looks at the feed. One visible frame costs some 15 ms of CPU: twelve a second stay under a fifth of a core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the dashboard looks and what it may do."""

    read_only: bool = False
    theme: str | None = None
    """One of Textual's; None: its default."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """By the id of a command: the key that has it instead."""
    who: str = ""
    """Who forces a circuit or denies a model, for the record."""


class Dashboard(App[None]):
    """The dashboard."""

    CSS_PATH: ClassVar = Path("dashboard.tcss")
    TITLE = "llmesc"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        feed: Feed,
        *,
        now: Callable[[], Timestamp],
        engine: Engine | None = None,
        settings: Settings | None = None,
        frame_seconds: float | None = FRAME_SECONDS,
    ) -> None:
        super().__init__()
        self.feed = feed
        self.engine = engine
        """None in a replay: nothing can be asked or changed."""
        self.settings = settings or Settings()
        self.now = now
        self.frame_seconds = frame_seconds
        """Between two frames; None: only when asked to, for tests."""
        self.aside = False
        """Whether another program has the terminal."""
        self.fault: Exception | None = None
        """A fault of ours that ended the application."""

    def on_mount(self) -> None:
        """Theme, keys, the main screen."""
        if self.settings.theme is not None:
            self.theme = self.settings.theme
        if self.settings.keys:
            self.set_keymap(dict(self.settings.keys))
        self.push_screen(MainScreen(self.feed, self.engine))

    @contextmanager
    def standing_aside(self) -> Iterator[None]:
        """Gives the terminal to another program; no frame is drawn meanwhile."""
        self.aside = True
        try:
            with self.suspend():
                yield
        finally:
            self.aside = False

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What is in the palette: every command that can act now, then Textual's own."""
        main = self.main_screen
        if main is not None:
            yield from (SystemCommand(command.label, command.about, run) for command, run in main.palette())
        yield from super().get_system_commands(screen)

    @property
    def main_screen(self) -> MainScreen | None:
        """The topmost main screen: the live one, or a replay over it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, MainScreen)), None)

    async def on_event(self, event: Event) -> None:
        """What is pasted is shown in some line: it is text from outside, too."""
        if isinstance(event, Paste):
            event.text = safe(event.text)
        await super().on_event(event)

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print the traceback with local variables, prompts and keys among them. Who started us explains it.
        if self.fault is None:
            self.fault = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()
