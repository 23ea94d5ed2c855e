"""Commands that carry something out of the dashboard: to the clipboard, to a file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation


def _no_answer(now: Situation) -> str:
    if now.view is None:
        return "no request is chosen"
    written = now.view.answer is not None or any(attempt.characters for attempt in now.view.attempts)
    return "" if written else "nothing has been written yet"


def _no_run(now: Situation) -> str:
    return "" if now.view is not None else "no request is chosen"


async def copy_answer(desk: MainScreen) -> None:
    """The answer to the clipboard."""
    text = desk.answer.answer_text()
    desk.app.copy_to_clipboard(text)
    desk.say(f"copied {len(text):,} characters; where nothing arrives, the terminal does not take OSC 52", "good")


async def copy_run(desk: MainScreen) -> None:
    """The whole run as JSON to the clipboard."""
    from llmesc.story.run_json import run_json

    now = desk.situation
    assert now.view is not None and now.run is not None, "refused before"
    desk.app.copy_to_clipboard(json.dumps(run_json(now.view, outcome=now.run.outcome), ensure_ascii=False, indent=2))
    desk.say(f"copied run {now.view.run_id} as JSON", "good")


async def export(desk: MainScreen) -> None:
    """The events of the run to a file, one a line."""
    from llmesc.dashboard.export import write_events
    from llmesc.dashboard.screens.form import Form, Line
    from llmesc.story.private_file import Exists

    now = desk.situation
    assert now.view is not None, "refused before"
    # An id comes from the record, and the record from whoever writes it: of it only what is part of a name.
    name = re.sub(r"[^\w-]+", "", now.view.run_id)[:64]
    line = Line(name="place", about="a file", value=f"llmesc-{name}.jsonl")
    typed = await desk.desk.push_screen_wait(Form("Export the events to", [line]))
    if not (place := typed.get("place")):
        return
    events = await desk.events_of(now.view.run_id)
    try:
        path = write_events(events, place)
    except Exists as exists:
        if not await desk.confirm(f"Replace {exists}?", "What is in that file is lost."):
            return
        path = write_events(events, place, replace=True)
    except OSError as error:
        desk.say(f"{place}: {error.strerror or error}", "bad")
        return
    desk.say(f"exported to {path}; play it with: llmesc history replay {path}", "good")


COMMANDS = (
    Command(id="copy.answer", key="y", label="copy", about="Copy the answer.", act=copy_answer, blocked=_no_answer),
    Command(id="copy.run", key="Y", label="copy run", about="Copy the whole run as JSON.", act=copy_run, blocked=_no_run),
    Command(
        id="export", key="e", label="export", about="Write the run's events to a file, one a line.", act=export, blocked=_no_run
    ),
)
