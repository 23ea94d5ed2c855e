"""The keys of every list, and how keys are written for people."""

from __future__ import annotations

from textual.binding import Binding

LIST_KEYS = (
    Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
    Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
    Binding("pagedown,ctrl+f", "page(1.0)", "Page down", show=False, id="list.page_down"),
    Binding("pageup,ctrl+b", "page(-1.0)", "Page up", show=False, id="list.page_up"),
    Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="list.half_down"),
    Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="list.half_up"),
    Binding("home,g", "end(True)", "First", show=False, id="list.first"),
    Binding("end,G", "end(False)", "Last", show=False, id="list.last"),
)

_SPOKEN = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "pagedown": "page down",
    "pageup": "page up",
    "escape": "esc",
}


def spoken(keys: str) -> str:
    """`slash,ctrl+f` as people say it: `/ or ctrl+f`."""
    return " or ".join(_SPOKEN.get(key, key) for key in keys.split(","))
