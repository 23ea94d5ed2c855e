"""Standard error: its only writer. The story of a run, warnings, errors, and the status line."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable

from llmesc.cli.streams import Streams
from llmesc.story.style import Style, paint

_ERASE_LINE = "\r\x1b[2K"
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
STATUS_SECONDS = 0.1
"""How often the status line is drawn again."""


class Narrator:
    """Standard error of one command. A reader that left takes the story with it, never the answer: nothing here raises."""

    def __init__(self, streams: Streams, clock: Callable[[], float] = time.monotonic, *, options: str = "") -> None:
        self._stream = streams.stderr
        self._colour = streams.stderr_colour
        self._clock = clock
        self.width = streams.width
        self.is_terminal = streams.stderr_is_terminal
        self._animated = streams.stderr_is_terminal and streams.moves_cursor
        self._status: str | None = None
        self._status_since = 0.0
        self._status_for: float | None = None
        self._drawn = False
        self._frame = 0
        self._progress_said = ""
        self._kept: list[str] | None = None
        self._options = options
        self.before_line: Callable[[], None] = lambda: None
        """Called before a line is written: ends a line of the answer that is still open on the same screen."""

    def keep_quiet(self) -> None:
        """Holds back what is said until `speak`: a quiet command tells its story only when it fails."""
        self._kept = []

    @property
    def quiet(self) -> bool:
        """Whether what is said is held back."""
        return self._kept is not None

    def speak(self) -> None:
        """Something failed: says what was held back, and holds back no more."""
        kept, self._kept = self._kept, None
        for text in kept or ():
            self._write(text)

    def say(self, text: str, style: Style = "plain") -> None:
        """One line (or several, of one text) of the story."""
        line = paint(self.onward(text), style, self._colour) + "\n"
        if self._kept is not None:
            self._kept.append(line)
        else:
            self._write(line)

    def onward(self, text: str) -> str:
        """`text` with the global options of this command in the next one that it names: it has to find the same state."""
        return text.replace("next: llmesc ", f"next: llmesc {self._options}") if self._options else text

    def ask(self, question: str) -> None:
        """A question, the cursor behind it; also by a command that is quiet."""
        self.no_status()
        self.before_line()
        self._raw(paint(question, "strong", self._colour))

    def status(self, text: str, for_seconds: float | None = None) -> None:
        """What is going on now, with the time since it began, or until it ends `for_seconds` from now; on one line that is drawn
        over. Nothing off a terminal.
        """
        self._status, self._status_since, self._status_for = text, self._clock(), for_seconds
        self.tick()

    def progress(self, text: str, part: float | None) -> None:
        """Long work, and the part of it that is done (0 to 1): on the status line; off a terminal, lines at both ends."""
        if self._animated and part != 1.0:
            known = "" if part is None else f" · {part:.0%}"
            if self._status is None:
                self._status_since, self._status_for = self._clock(), None
            self._status = f"{text}{known}"
            self.tick()
        elif part in (None, 0.0, 1.0) and text != self._progress_said:
            self._progress_said = text
            self.no_status()
            self.say(text, "dim")

    def tick(self) -> None:
        """Draws the status line again, where there is one."""
        if self._status is None or not self._animated or self._kept is not None or not self._takes_more():
            return
        self._frame = (self._frame + 1) % len(_SPINNER)
        passed = self._clock() - self._status_since
        time = f"{passed:.1f} s" if self._status_for is None else f"{max(0.0, self._status_for - passed):.1f} s left"
        line = f"{_SPINNER[self._frame]} {self._status} · {time}"
        self._raw(_ERASE_LINE + paint(line[: self.width - 1], "dim", self._colour))
        self._drawn = True

    def no_status(self) -> None:
        """The status line goes, and leaves no trace."""
        self._status = None
        self._erase()

    def _write(self, line: str) -> None:
        self._erase()
        self.before_line()
        self._raw(line)

    def _erase(self) -> None:
        if self._drawn:
            self._raw(_ERASE_LINE)
            self._drawn = False

    def _raw(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    def _takes_more(self) -> bool:
        # A terminal that its user stopped (Ctrl-S) must not stop the event loop for the sake of a spinner.
        try:
            return bool(select.select([], [self._stream.fileno()], [], 0)[1])
        except (OSError, ValueError):
            return True
