"""What of a run goes to standard output: the answer held or streamed, one JSON object, or the events as lines."""

from __future__ import annotations

from typing import Protocol

from llmesc.cli.output import Output
from llmesc.escalation.events import (
    Answer,
    AnswerReset,
    AttemptStarted,
    Event,
    GateOpened,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    TextDelta,
)
from llmesc.escalation.fold import RunView
from llmesc.escalation.untrusted import safe
from llmesc.story.tell import switch_rule


class AnswerSink(Protocol):
    """Gets every event of a run, in order."""

    def writes(self, event: Event, /) -> bool:
        """Whether `event` puts something on standard output: the status line has to be gone before."""
        ...

    async def show(self, event: Event, view: RunView, /) -> None:
        """Puts it there. Raises `ReaderGone` and `CannotWrite`."""
        ...

    def end_line(self) -> None:
        """Ends a line that is still open, because something else wants the screen."""
        ...


class Held:
    """The answer, once, when it is final: a reader never gets two halves."""

    def __init__(self, out: Output, *, strict: bool) -> None:
        self._out = out
        self._strict = strict
        self._is_out = False

    def writes(self, event: Event) -> bool:
        """The verdict that accepts an answer, and the last one."""
        return isinstance(event, RunFinished) or (isinstance(event, QualityChecked) and event.passed)

    async def show(self, event: Event, view: RunView, /) -> None:
        """Prints the answer once it is accepted, or the one that the run ended with; JSON that was asked for without the code
        fence models like to put it in.
        """
        match event:
            case QualityChecked(passed=True):
                await self._put(view.text_of(event.attempt), view)
            case RunFinished(answer=Answer() as answer) if not self._is_out and final(event.outcome, strict=self._strict):
                await self._put(answer.text, view)
            case _:
                pass

    async def _put(self, text: str, view: RunView) -> None:
        self._is_out = True
        wants_json = view.request is not None and view.request.wants_json
        await self._out.put(_shown(_bare_json(text) if wants_json else text, self._out) + "\n")

    def end_line(self) -> None:
        """No line is ever left open."""


def _bare_json(text: str) -> str:
    from llmesc.escalation.checks.json_answer import read_json

    try:
        return read_json(text).text
    except ValueError:
        return text  # below the bar, and shown as it came


class Streamed:
    """The answer as it comes, held text when its gate opens. Where it begins again, a rule says so, on this stream or
    (`rules=False`) by the story; where another goes on with it, this stream just goes on.
    """

    def __init__(self, out: Output, *, strict: bool, rules: bool, width: int) -> None:
        self._out = out
        self._strict = strict
        self._rules = rules
        self._width = width
        self._shown: list[str] = []
        """What stands there and still counts."""
        self._held: list[str] = []
        """Of the attempt in progress."""
        self._open = False

    def writes(self, event: Event) -> bool:
        """Text that is not held, the last event, and a switch where the rule is ours."""
        match event:
            case TextDelta():
                return not event.held
            case ProviderSwitched():
                return self._rules and event.characters_discarded > 0
            case _:
                return isinstance(event, GateOpened | RunFinished)

    async def show(self, event: Event, _view: RunView, /) -> None:
        """Prints text as it comes; at the end only what is missing of the answer."""
        match event:
            case TextDelta(held=True, text=text):
                self._held.append(text)
            case TextDelta(text=text):
                await self._add(text)
            case GateOpened():
                await self._add("".join(self._held))
                self._held.clear()
            case AttemptStarted():
                self._held.clear()
            case ProviderSwitched() if self.writes(event):
                self.end_line()
                self._out.line(switch_rule(event, self._width))
            case AnswerReset():
                self.end_line()
                self._shown.clear()
            case RunFinished():
                await self._finish(event)
            case _:
                pass

    def end_line(self) -> None:
        """Moves to a new line, if text stands on this one."""
        if self._open:
            self._out.line()
            self._open = False

    async def _finish(self, event: RunFinished) -> None:
        answer = event.answer
        if answer is None or not final(event.outcome, strict=self._strict):
            self.end_line()
            return
        shown = "".join(self._shown)
        if not answer.text.startswith(shown):
            self.end_line()
            shown = ""
        await self._put(answer.text[len(shown) :])
        if self._out.is_terminal:
            self.end_line()
        else:  # exactly the answer and one newline, whatever it ends with
            self._out.line()

    async def _add(self, text: str) -> None:
        self._shown.append(text)
        await self._put(text)

    async def _put(self, text: str) -> None:
        shown = _shown(text, self._out)
        if shown:
            await self._out.put(shown)
            self._open = not shown.endswith("\n")


class JsonObject:
    """One JSON object at the end, whatever the end is."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def writes(self, event: Event) -> bool:
        """Only the last one."""
        return isinstance(event, RunFinished)

    async def show(self, event: Event, view: RunView, /) -> None:
        """Prints the run."""
        if isinstance(event, RunFinished):
            from llmesc.story.run_json import run_json

            self._out.json(run_json(view))

    def end_line(self) -> None:
        """No line is ever left open."""


class JsonLines:
    """Every event as it comes, one a line."""

    def __init__(self, out: Output) -> None:
        from llmesc.escalation.leaving import leaving

        self._out = out
        self._encode = leaving

    def writes(self, _event: Event, /) -> bool:
        """All of them."""
        return True

    async def show(self, event: Event, _view: RunView, /) -> None:
        """Prints the event."""
        await self._out.put(self._out.json_text(self._encode(event)) + "\n")

    def end_line(self) -> None:
        """No line is ever left open."""


def final(outcome: RunOutcome, *, strict: bool) -> bool:
    """Whether the answer of a run that ended so is to be had: an accepted one always; the best of those below the bar unless
    that is ruled out; what a cancelled run had got so far never.
    """
    return outcome is RunOutcome.ANSWERED or (outcome is not RunOutcome.CANCELLED and not strict)


def _shown(text: str, out: Output) -> str:
    return safe(text) if out.is_terminal else text
