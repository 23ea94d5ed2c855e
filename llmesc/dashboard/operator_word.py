"""What an operator says with a force or a denial: for how long, and why. Pure."""

from __future__ import annotations

from llmesc.dashboard.screens.form import Line
from llmesc.escalation.durations import parse_duration
from llmesc.escalation.light_dataclass import dataclass
from llmesc.story import words


@dataclass(frozen=True, slots=True)
class Word:
    """An operator's word."""

    for_seconds: float | None
    """None: until it is taken back."""
    why: str

    @property
    def lasting(self) -> str:
        """`for 30 min`, `until taken back`."""
        return "until taken back" if self.for_seconds is None else f"for {words.seconds(self.for_seconds)}"


def no_duration(text: str) -> str:
    """What is wrong with `text` as a duration; nothing typed is right."""
    try:
        if text:
            parse_duration(text)
    except ValueError as error:
        return str(error)
    return ""


WORD_LINES = (
    Line(name="lasting", about="for how long (30m, 2h); empty: until taken back", wrong=no_duration),
    Line(name="why", about="why, for everybody who sees it"),
)


def word(typed: dict[str, str]) -> Word:
    """From a form of `WORD_LINES`."""
    return Word(parse_duration(typed["lasting"]) if typed["lasting"] else None, typed["why"])
