"""What each kind of text in the answer pane looks like: by the theme's own variables, so that it fits every theme."""

from __future__ import annotations

from llmesc.dashboard.answering.lines import Drawn
from llmesc.dashboard.markdown.spans import CODE, Look

LOOKS = {
    "head": "text-style: bold;",
    "good": "color: $text-success;",
    "bad": "color: $text-error;",
    "doubtful": "color: $text-warning;",
    "dim": "text-style: dim;",
    "struck": "text-style: dim strike;",
    "strong": "text-style: bold;",
    "emphasis": "text-style: italic;",
    "removed": "text-style: strike;",
    "title": "color: $text-primary; text-style: bold underline;",
    "heading": "color: $text-primary; text-style: bold;",
    "subheading": "text-style: bold;",
    "inline": "color: $text-accent;",
    "code": "background: $surface-lighten-1;",
    "keyword": "color: $text-accent;",
    "name": "color: $text-primary;",
    "string": "color: $text-success;",
    "number": "color: $text-warning;",
    "comment": "text-style: dim italic;",
    "link": "color: $text-primary; text-style: underline;",
    "address": "text-style: dim;",
    "quote": "text-style: dim;",
    "marker": "text-style: dim;",
    "note": "text-style: dim;",
    "thinking": "text-style: dim italic;",
}
"""By the name of a component class (less its `answer--`): its style. What is muted is dim: the theme's muted colour is worked out
against a background that a part of a line does not have."""

CSS = "AnswerText { height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }\n" + "".join(
    f"AnswerText > .answer--{name} {{ {style} }}\n" for name, style in LOOKS.items()
)

CLASSES = frozenset(f"answer--{name}" for name in LOOKS)


def classes_of(drawn: Drawn, look: Look) -> tuple[str, ...]:
    """The component classes of one span, the last of them strongest. Text that does not count has one look for all in it."""
    if drawn.struck:
        return ("answer--struck",)
    found: list[str] = []
    if drawn.title:
        found.append("answer--head")
    if drawn.style != "plain":
        found.append(f"answer--{drawn.style}")
    if drawn.dim:
        found.append("answer--dim")
    if look.role in CODE:
        found.append("answer--code")
    if look.role not in ("text", "code"):
        found.append(f"answer--{look.role}")
    for stressed, name in ((look.strong, "strong"), (look.emphasis, "emphasis"), (look.struck, "removed")):
        if stressed:
            found.append(f"answer--{name}")
    return tuple(found)
