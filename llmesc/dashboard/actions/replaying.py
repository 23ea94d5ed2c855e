"""Commands on a replay, and the one that begins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

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


def _on_replay(act: Callable[[Replay], None]) -> Callable[[MainScreen], None]:
    def doing(desk: MainScreen) -> None:
        from llmesc.dashboard.replay import Replay

        assert isinstance(desk.feed, Replay), "refused before"
        act(desk.feed)
        desk.frame()

    return doing


_MOVES: tuple[tuple[str, str, str, str, Callable[[Replay], None]], ...] = (
    ("replay.forward", "right_square_bracket", "step", "the next event", lambda replay: replay.step(1)),
    ("replay.back", "left_square_bracket", "step back", "the event before", lambda replay: replay.step(-1)),
    ("replay.faster", "greater_than_sign", "faster", "the next speed", lambda replay: replay.faster(1)),
    ("replay.slower", "less_than_sign", "slower", "the speed before", lambda replay: replay.faster(-1)),
)

COMMANDS = (
    Command(id="replay", key="v", label="replay", about="Play the request as it went.", act=begin, blocked=_not_over),
    *(
        Command(id=id_, key=key, label=label, about=f"In a replay: {about}.", act=_on_replay(act), blocked=_no_replay)
        for id_, key, label, about, act in _MOVES
    ),
)
