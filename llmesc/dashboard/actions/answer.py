"""Commands on the answer: how it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen


async def markdown(desk: MainScreen) -> None:
    """Markdown, or as it was written."""
    desk.say("the answer is drawn as Markdown" if desk.answer.toggle_markdown() else "the answer is shown as it was written")


async def unfold(desk: MainScreen) -> None:
    """Thinking and tool calls."""
    desk.answer.toggle_folds()


COMMANDS = (
    Command(
        id="answer.markdown", key="m", label="markdown", about="Draw answers as Markdown, or show them as written.", act=markdown
    ),
    Command(
        id="answer.unfold", key="o", label="thinking and tools", about="Open or fold thinking and calls of tools.", act=unfold
    ),
)
