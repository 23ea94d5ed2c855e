"""What one invocation carries from the command line to its command: streams, global options, the way to the engine."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from llmesc.cli.narrate import Narrator
from llmesc.cli.output import Output
from llmesc.cli.streams import Streams
from llmesc.escalation.times import Timestamp

if TYPE_CHECKING:
    from llmesc.engine import Engine

T = TypeVar("T")


def _wall_time() -> Timestamp:
    return Timestamp(time.time())


@dataclass
class Session:
    """One invocation."""

    streams: Streams
    now: Callable[[], Timestamp] = _wall_time
    config_file: Path | None = None
    state: str | None = None
    promised_json: bool = field(default=False, init=False)
    """The command prints one JSON object whatever happens; so does its failure."""

    @cached_property
    def out(self) -> Output:
        """Standard output."""
        return Output(self.streams)

    @cached_property
    def err(self) -> Narrator:
        """Standard error."""
        return Narrator(self.streams, options=self._options())

    def with_engine(self, work: Callable[[Engine], Awaitable[T]], *, warns_at_once: bool = False) -> T:
        """Opens the engine that the global options name, does `work` with it, and closes it. What the engine warns of is said
        afterwards, unless it is what `work` then fails of; at once where `work` takes its time.

        Raises what `Engine.open` and `work` raise, and KeyboardInterrupt on the first Ctrl-C or SIGTERM.
        """
        from llmesc.engine import Engine

        held: list[str] = []
        warn = self.warn if warns_at_once else held.append

        async def opened() -> T:
            async with Engine.open(
                config_file=self.config_file, state=self.state, on_warning=warn, on_progress=self.err.progress
            ) as engine:
                return await work(engine)

        try:
            return self.run(opened)
        except Exception as error:
            held = [text for text in held if str(error) not in text]
            raise
        finally:
            for text in held:
                self.warn(text)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work` in an event loop. Raises what it raises, and KeyboardInterrupt on the first Ctrl-C or SIGTERM."""
        import asyncio

        from llmesc.cli.interrupts import on_interrupt

        async def interruptible() -> T:
            task = asyncio.current_task()
            assert task is not None, "a coroutine runs in a task"
            with on_interrupt(task.cancel):
                return await work()

        try:
            return asyncio.run(interruptible())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    def _options(self) -> str:
        """The global options that were given, as a command line has them. A URL that may hold a password is left out."""
        state = self.state if self.state and "@" not in self.state and "password" not in self.state else None
        given = {"--config": self.config_file, "--state": state}
        if not any(given.values()):
            return ""
        from shlex import quote

        return "".join(f"{name} {quote(str(value))} " for name, value in given.items() if value)

    def warn(self, text: str) -> None:
        """Says a warning of the engine."""
        from llmesc.escalation.untrusted import one_line

        self.err.say(f"warning: {one_line(text)}", "doubtful")


def operator() -> str:
    """Who forces a circuit or denies a model, for the record: `user@host`."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
