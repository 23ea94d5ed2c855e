"""The main screen: five panes over one board."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from llmesc.dashboard.actions.all import COMMANDS
from llmesc.dashboard.bindings import bindings
from llmesc.dashboard.board import Board
from llmesc.dashboard.commands import Command, refusal
from llmesc.dashboard.layout import LAYOUTS, LEAST_COLUMNS, LEAST_ROWS, layout_of
from llmesc.dashboard.operator_word import WORD_LINES, Word, word
from llmesc.dashboard.prompt_history import earlier_prompts
from llmesc.dashboard.screens.confirm import Confirm
from llmesc.dashboard.screens.form import Form
from llmesc.dashboard.situation import PANES, Pane, Situation
from llmesc.dashboard.widgets.answer import AnswerPane
from llmesc.dashboard.widgets.attempts import AttemptsPane
from llmesc.dashboard.widgets.banner import Banner
from llmesc.dashboard.widgets.caption import CaptionLine
from llmesc.dashboard.widgets.circuits import CircuitsPane
from llmesc.dashboard.widgets.flash import FlashLine
from llmesc.dashboard.widgets.footer import KeyLine
from llmesc.dashboard.widgets.header import HeaderBar
from llmesc.dashboard.widgets.prompt import PromptBar
from llmesc.dashboard.widgets.requests import RequestsPane
from llmesc.dashboard.widgets.rows import Rows
from llmesc.dashboard.widgets.tabs import TabLine
from llmesc.dashboard.widgets.timeline import TimelinePane
from llmesc.engine import AskOptions
from llmesc.escalation.messages import ask_for
from llmesc.escalation.times import Timestamp
from llmesc.story.style import Style

if TYPE_CHECKING:
    from llmesc.dashboard.app import Dashboard
    from llmesc.dashboard.feed import AskingFeed, Feed
    from llmesc.dashboard.plots.trends import Trends
    from llmesc.engine import Engine, Operations
    from llmesc.engine.serving.overview import FleetView
    from llmesc.escalation.events import Event
    from llmesc.escalation.messages import Request

_BY_ID = {command.id: command for command in COMMANDS}


class MainScreen(Screen[None]):
    """Draws the newest board, or the one it was paused at, and runs commands."""

    BINDINGS = bindings(None)
    drilling: ClassVar[bool] = False
    """Whether it shows a drill."""

    def __init__(self, feed: Feed, engine: Engine | None) -> None:
        super().__init__()
        self.feed = feed
        self.engine = engine
        """None in a replay and in a drill: nothing can be asked or changed."""
        self._board: Board | None = None
        self._paused_at: Board | None = None
        self._drawn: tuple[int, int] | None = None
        """Version of the feed and whole second of the last frame."""
        self._pane: Pane = "requests"
        self._aim = AskOptions(command="dashboard")
        self._asked: list[str] = []
        """Prompts, newest first."""
        self._following = True
        """Whether the chosen request is the newest one, whichever that is."""

    # -- what is on it ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Header, panes, notices, keys."""
        yield HeaderBar()
        yield Banner()
        yield TabLine()
        yield Static(f"too small: at least {LEAST_COLUMNS} × {LEAST_ROWS} is needed", id="too-small", markup=False)
        with Horizontal(id="body"):
            with Vertical(id="lists"):
                yield RequestsPane(id="requests")
                yield CircuitsPane(id="circuits")
            with Vertical(id="run"):
                yield AttemptsPane(id="attempts")
                yield AnswerPane(id="answer")
                yield TimelinePane(id="events")
        yield FlashLine()
        yield PromptBar(id="prompt")
        yield CaptionLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """The requests have the focus; the feed runs, and the frames with it."""
        self.focus_pane("requests")
        self.aim(None, None)
        self.prompt.display = self.engine is not None and not self.desk.settings.read_only
        self.run_worker(self.feed.run(), name="feed", group="feed")
        if self.desk.frame_seconds is not None:
            self.set_interval(self.desk.frame_seconds, self.frame)
        self.frame()

    def on_resize(self, event: Resize) -> None:
        """The panes are arranged anew where there is more or less room."""
        chosen = layout_of(event.size.width, event.size.height)
        for layout in LAYOUTS:
            self.set_class(layout == chosen, f"-{layout}")

    @property
    def desk(self) -> Dashboard:
        """The application, as what it is."""
        return cast("Dashboard", self.app)

    # -- frames -----------------------------------------------------------------------------------------------------------

    def frame(self) -> None:
        """Draws what is new since the last frame."""
        if self.desk.aside:
            return
        now = self.desk.now()
        moment = (self.feed.version, int(now))
        self.query_one(FlashLine).tick(now)
        if moment == self._drawn:
            return
        self._drawn = moment
        self._board = self.feed.board(now)
        self.draw()

    def draw(self) -> None:
        """Gives every pane its slice of the board."""
        board = self._paused_at or self._board
        if board is None or self._board is None:
            return
        news = self._board.events_seen - board.events_seen if self._paused_at is not None else None
        self.query_one(HeaderBar).show(board, chain=self._chain, paused_behind=news)
        self.query_one(Banner).show(board)
        self.query_one(CaptionLine).show(board.caption)
        self.query_one(RequestsPane).show(board, follow=self._following)
        self.query_one(CircuitsPane).show(board)
        situation = self.situation
        self.query_one(AttemptsPane).show(situation.view, board.now)
        self.query_one(AnswerPane).show(situation.view)
        self.timeline.show(situation.view, board.timelines.get(situation.run.run_id, ()) if situation.run else ())

    @property
    def situation(self) -> Situation:
        """Where the user stands now."""
        board = self._paused_at or self._board or Board(now=Timestamp(0))
        run = self.query_one(RequestsPane).chosen
        view = board.views.get(run.run_id) if run is not None else None
        circuits = self.query_one(CircuitsPane)
        attempt = self.query_one(AttemptsPane).chosen or (view.turn if view is not None else None)
        candidate = attempt.resolution if attempt is not None and self._pane != "circuits" else None
        circuit = circuits.chosen
        if candidate is not None:
            circuit = next((line for line in board.circuits if line.key == candidate.circuit_key), None)
        return Situation(
            board=board,
            pane=self._pane,
            run=run,
            view=view,
            circuit=circuit,
            candidate=candidate,
            denial=circuits.denial if self._pane == "circuits" else None,
            event=self.timeline.chosen,
            read_only=self.desk.settings.read_only,
            replaying=self.engine is None and not self.drilling,
            drilling=self.drilling,
        )

    @on(Rows.Moved)
    def _moved(self, moved: Rows.Moved) -> None:
        if moved.rows.parent is self.query_one(RequestsPane):
            if moved.by_hand:
                self._following = False
            self.feed.choose(moved.key)
        self.draw()

    @on(Rows.Opened)
    def _opened(self) -> None:
        """A second click does what Enter does in that pane."""
        for command in COMMANDS:
            if command.pane == self._pane and command.key == "enter":
                self.action_command(command.id)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The pane that holds the focus is the one commands act on."""
        for ancestor in event.widget.ancestors_with_self:
            if ancestor.id in PANES:
                self._stand_in(ancestor.id)
        if event.widget is self.prompt:
            self._remember_prompts()

    # -- commands ---------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """With `--read-only` the commands that change something are not there."""
        if action == "command" and (command := _BY_ID.get(str(parameters[0]))) is not None:
            return not (command.changes and self.desk.settings.read_only)
        return True

    def action_command(self, command_id: str) -> None:
        """Runs a command, or says why it cannot act now."""
        command = _BY_ID[command_id]
        if why := refusal(command, self.situation):
            self.say(f"{command.label}: {why}", "doubtful")
            return
        going_on = command.act(self)
        if going_on is not None:
            self.run_worker(self._finish(command, going_on), group="commands")
        self.draw()

    async def _finish(self, command: Command, going_on: Awaitable[None]) -> None:
        from llmesc.escalation.errors import LlmescError

        try:
            await going_on
        except LlmescError as error:
            self.say(f"{command.label}: {error}", "bad")
        self.draw()

    def palette(self) -> Iterator[tuple[Command, Callable[[], Awaitable[None] | None]]]:
        """The commands that can act now, and how to have them done."""
        situation = self.situation
        for command in COMMANDS:
            if not refusal(command, situation):
                yield command, partial(self.action_command, command.id)

    # -- asking -----------------------------------------------------------------------------------------------------------

    @property
    def prompt(self) -> PromptBar:
        """Where prompts are written."""
        return self.query_one(PromptBar)

    @property
    def _chain(self) -> str:
        """That is asked; in a replay, that was."""
        view = self.situation.view if self.engine is None else None
        return view.chain.name if view is not None and view.chain is not None else self._aim.chain or "default"

    @property
    def _asking(self) -> AskingFeed:
        assert self.engine is not None, "nothing is asked in a replay"
        return cast("AskingFeed", self.feed)

    @property
    def aimed(self) -> AskOptions:
        """What the prompt asks."""
        return self._aim

    def aim(self, chain: str | None, model: str | None) -> None:
        """Which chain the prompt asks, and which candidate of it first; None leaves it to the configuration."""
        self._aim = replace(self._aim, chain=chain, model=model)
        self.prompt.about(f"chain {self._aim.chain or 'default'} · {self._aim.model or 'its first candidate'}")

    def start(self, request: Request, *, chain: str | None, model: str | None) -> None:
        """Asks; the answer is followed."""
        options = replace(self._aim, chain=chain, model=model)
        self._asking.start(request, options, lambda error: self.say(f"not asked: {error}", "bad"))
        self._following = True

    @on(PromptBar.Sent)
    def _sent(self, sent: PromptBar.Sent) -> None:
        self._asked.insert(0, sent.text)
        self._remember_prompts()
        self.start(ask_for(sent.text), chain=self._aim.chain, model=self._aim.model)

    def _remember_prompts(self) -> None:
        self.prompt.remember(earlier_prompts(self._asked, self._board.runs if self._board is not None else (), self.who))

    @on(PromptBar.Left)
    def _left_the_prompt(self) -> None:
        self.focus_pane(self._pane)

    # -- what commands use ------------------------------------------------------------------------------------------------

    @property
    def operations(self) -> Operations | None:
        """What operators do with the state; None in a replay."""
        return self.engine.operations if self.engine is not None else None

    @property
    def answer(self) -> AnswerPane:
        """What the chosen request's attempts wrote."""
        return self.query_one(AnswerPane)

    @property
    def requests(self) -> RequestsPane:
        """All of them."""
        return self.query_one(RequestsPane)

    async def events_of(self, run_id: str) -> Sequence[Event]:
        """All events of a run, the tokens too."""
        return await self.feed.events(run_id)

    async def trends(self, now: Timestamp) -> Trends:
        """What the plots show."""
        return await self._asking.trends(now)

    async def fleet(self) -> FleetView:
        """Who serves models to others, as things stand."""
        return await self._asking.fleet()

    @property
    def timeline(self) -> TimelinePane:
        """The events of the chosen request."""
        return self.query_one(TimelinePane)

    @property
    def who(self) -> str:
        """The operator, for the record."""
        return self.desk.settings.who

    @property
    def paused(self) -> bool:
        """Whether the picture stands still."""
        return self._paused_at is not None

    async def confirm(self, question: str, loses: str) -> bool:
        """Asks before something is lost; only from a command."""
        return await self.desk.push_screen_wait(Confirm(question, loses))

    async def ask_operator(self, question: str) -> Word | None:
        """For how long, and why; None where the user gave up. Only from a command."""
        typed = await self.desk.push_screen_wait(Form(question, WORD_LINES))
        return word(typed) if typed else None

    def say(self, text: str, style: Style = "plain") -> None:
        """A notice on the line above the keys, for a few seconds."""
        self.query_one(FlashLine).say(text, style, self.desk.now())

    def pause(self, paused: bool) -> None:
        """Freezes the picture, or lets it go on."""
        self._paused_at = self._board if paused else None
        self.draw()

    def follow(self) -> None:
        """The newest request, and the end of its answer."""
        self._following = True
        self.query_one(AnswerPane).follow()
        self.draw()

    def focus_pane(self, pane: Pane) -> None:
        """Goes to a pane; on a narrow terminal it is then the one that is seen."""
        self._stand_in(pane)
        widget = self.query_one(f"#{pane}", Widget)
        target = widget if widget.focusable else next((child for child in widget.query(Widget) if child.focusable), None)
        if target is not None:
            self.set_focus(target)  # at once: what is typed next is meant for it

    def _stand_in(self, pane: Pane) -> None:
        self._pane = pane
        for other in PANES:
            self.set_class(other == pane, f"-pane-{other}")
        self.query_one(TabLine).show(pane)

    @on(TabLine.Chosen)
    def _tab_chosen(self, chosen: TabLine.Chosen) -> None:
        self.focus_pane(chosen.pane)

    def toggle_maximised(self) -> None:
        """The pane alone, or all again."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.query_one(f"#{self._pane}", Widget))

    def back(self) -> None:
        """Undoes the last thing that stands in the way."""
        now = self.situation
        if self.maximized is not None:
            self.minimize()
        elif self.timeline.clear_search() or self.requests.clear_search():
            pass
        elif (now.replaying or now.drilling) and len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        elif now.run is not None and now.run.run_id in now.board.own:
            self._asking.cancel(now.run.run_id)
            self.say("cancelled; what arrived is kept", "doubtful")
        elif now.run is not None and now.run.outcome == "running":
            caller = now.run.caller
            self.say(
                f"it runs elsewhere ({caller.get('user')}@{caller.get('host')}, process {caller.get('pid')}): cancel it there"
            )

    def leave(self) -> None:
        """Ends the dashboard."""
        self.app.exit()
