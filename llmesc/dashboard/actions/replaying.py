"""Commands on a replay, and the one that begins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llmesc.dashboard.replay import Replay
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _not_over(now: Situation) -> str:
    if now.run is None:
        return "no request is chosen"
    if now.replaying:
        return "this is a replay already"
    return "it is still running" if now.run.outcome == "running" else ""


def _no_replay(now: Situation) -> str:
    return "" if now.replaying else "only in a replay; v begins one"


async def begin(desk: MainScreen) -> None:
    """Plays the chosen request over the live screen, which goes on beneath."""
    from llmesc.dashboard.replay import Replay
    from llmesc.dashboard.screens.main import MainScreen

    run = desk.situation.run
    assert run is not None, "refused before"
    events = await desk.events_of(run.run_id)
    if not events:
        desk.say(f"nothing of run {run.run_id} is kept any more", "doubtful")
        return
    desk.app.push_screen(MainScreen(Replay(events, title=f"replay of {run.run_id}"), None))


def _on_replay(act: Callable[[Replay], None]) -> Callable[[MainScreen], Awaitable[None]]:
    async def doing(desk: MainScreen) -> None:
        from llmesc.dashboard.replay import Replay

        assert isinstance(desk.feed, Replay), "refused before"
        act(desk.feed)
        desk.frame()

    return doing


COMMANDS = (
    Command(id="replay", key="v", label="replay", about="Play the request as it went.", act=begin, blocked=_not_over),
    Command(
        id="replay.forward",
        key="right_square_bracket",
        label="step",
        about="In a replay: the next event.",
        act=_on_replay(lambda replay: replay.step(1)),
        blocked=_no_replay,
    ),
    Command(
        id="replay.back",
        key="left_square_bracket",
        label="step back",
        about="In a replay: the event before.",
        act=_on_replay(lambda replay: replay.step(-1)),
        blocked=_no_replay,
    ),
    Command(
        id="replay.faster",
        key="greater_than_sign",
        label="faster",
        about="In a replay: the next speed.",
        act=_on_replay(lambda replay: replay.faster(1)),
        blocked=_no_replay,
    ),
    Command(
        id="replay.slower",
        key="less_than_sign",
        label="slower",
        about="In a replay: the speed before.",
        act=_on_replay(lambda replay: replay.faster(-1)),
        blocked=_no_replay,
    ),
)
