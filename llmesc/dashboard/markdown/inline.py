"""The text of one block to spans: emphasis, code, links with their addresses in plain sight."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from markdown_it.token import Token

from llmesc.dashboard.markdown.parse import inline
from llmesc.dashboard.markdown.spans import PLAIN, Look, Span
from llmesc.dashboard.markdown.visible import MARK, cleaned

_MARKED = re.compile(rf"{MARK}(?:(\d+){MARK})?[ \n]?")

_OPENS: dict[str, Callable[[Look], Look]] = {
    "strong_open": lambda look: look._replace(strong=True),
    "em_open": lambda look: look._replace(emphasis=True),
    "s_open": lambda look: look._replace(struck=True),
    "link_open": lambda look: look._replace(role="link"),
}
_CLOSES = {"strong_close", "em_close", "s_close", "link_close"}


def continues(text: str) -> bool:
    """Whether `text` goes on from what is drawn already."""
    return MARK in text


def carried_number(text: str) -> int | None:
    """What a mark says beside that: how far a list has counted, how wide a column is."""
    found = _MARKED.search(text)
    return int(found[1]) if found is not None and found[1] else None


def unmarked(text: str) -> str:
    """`text` without what is drawn already."""
    return _MARKED.sub("", text) if MARK in text else text


def spans(text: str, look: Look = PLAIN) -> list[Span]:
    """`text` as spans; a forced line break is a newline in one. Nothing in them steers a terminal."""
    return [
        Span(shown, drawn)
        for content, drawn in _spans(inline(unmarked(text)), look)
        if (shown := content if content == "\n" else cleaned(content.replace("\n", " ")))
    ]


def _spans(tokens: Sequence[Token], look: Look) -> Iterator[Span]:
    looks = [look]
    links: list[tuple[str, list[str]]] = []
    for token in tokens:
        if token.type in _OPENS:
            looks.append(_OPENS[token.type](looks[-1]))
            if token.type == "link_open":
                links.append((str(token.attrs.get("href", "")), []))
            continue
        if token.type in _CLOSES:
            looks.pop()
            if token.type == "link_close":
                address, told = links.pop()
                yield from _address(address, "".join(told), looks[-1])
            continue
        for span in _leaf(token, looks[-1]):
            for _, told in links:
                told.append(span.text)
            yield span


def _leaf(token: Token, look: Look) -> Iterator[Span]:
    if token.type == "softbreak":
        yield Span(" ", look)
    elif token.type == "hardbreak":
        yield Span("\n", look)
    elif token.type == "code_inline":
        yield Span(token.content, look._replace(role="inline"))
    elif token.type == "image":
        yield Span(f"[image: {token.content}]", look._replace(role="link"))
        yield from _address(str(token.attrs.get("src", "")), token.content, look)
    else:
        yield Span(token.content, look)


def _address(address: str, told: str, look: Look) -> Iterator[Span]:
    """Where a link leads, unless its text says so itself: what is not seen is not trusted."""
    if address and address not in (told, f"mailto:{told}"):
        yield Span(" (", look)
        yield Span(address, look._replace(role="address"))
        yield Span(")", look)
