"""The page: well-formed, self-contained, complete, and a text in it is never more than a text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmesc.escalation.events import AttemptOutcome, Move, RunOutcome
from llmesc.story.page.page import page
from llmesc.story.run_report import report
from tests.dashboard import scenes

VOID = {"meta", "link", "img", "br", "input"}
HOSTILE = (
    "<script>alert(1)</script>\"><img src=https://evil.example/x onerror=alert(1)>'</pre></style></title><!-- ]]> &amp; "
    "\x1b[2J\u202eevil javascript:alert(1)"
)


class Seen(HTMLParser):
    """What a browser would see: elements, attributes, texts; and whether all that opens closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(*tapes: scenes.Tape, **more: Any) -> Seen:
    parser = Seen()
    parser.feed("".join(page([report(tape.events, ()) for tape in tapes], made_at=scenes.NOW, **more)))
    parser.close()
    return parser


def hostile_run(text: str) -> scenes.Tape:
    """One that has it wherever a text can stand."""
    tape = scenes.Tape("h", text, began=5.0).call(scenes.EMBEDDED, Move.PRIMARY).write(text)
    tape.judged(10, text).ended(AttemptOutcome.QUALITY_FAILURE).switch(scenes.LAB, "quality", text)
    tape.write(text).judged(90).ended(AttemptOutcome.SUCCESS)
    return tape.done(RunOutcome.ANSWERED, text)


NAMES = ("switched", "hedged", "answered", "below_bar", "exhausted", "streaming")


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_run_makes_a_well_formed_page(name: str) -> None:
    found = seen(getattr(scenes, name)())

    assert (found.wrong, found.open) == ([], [])
    assert "Who was called" in found.text
    assert "svg" in found.tags


def test_many_have_a_summary_and_each_opens_without_a_script() -> None:
    found = seen(*(getattr(scenes, name)() for name in NAMES), asked_for="since 7d")

    assert (found.wrong, found.open) == ([], [])
    assert "6 runs" in found.text and "since 7d" in found.text
    assert "1 of 6answered" in found.text
    assert found.attributes.count(("class", "run")) == len(NAMES)


def test_none_is_a_page_too() -> None:
    assert "No run fits." in seen().text


@pytest.mark.parametrize("runs", [1, 2])
def test_the_page_loads_nothing_and_runs_nothing(runs: int) -> None:
    found = seen(*[hostile_run(HOSTILE)] * runs, asked_for=HOSTILE)

    assert not {"script", "img", "link", "iframe", "object", "a", "base", "form"} & set(found.tags)
    assert not {name for name, _ in found.attributes if name.startswith("on") or name in ("src", "href", "style")}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes
    assert found.tags.count("style") == 1 and "url(" not in found.text and "@import" not in found.text
    assert (found.wrong, found.open) == ([], [])


def test_hostile_text_is_shown_as_it_was_written_but_steers_nobody() -> None:
    found = seen(hostile_run(HOSTILE))

    assert '<script>alert(1)</script>"><img src=https://evil.example/x onerror=alert(1)>' in found.text
    assert not {"\x1b", "\u202e"} & set(found.text)


@settings(deadline=None)
@given(text=st.text(max_size=60))
def test_no_text_breaks_the_page(text: str) -> None:
    found = seen(hostile_run(text + "<b>"))

    assert (found.wrong, found.open) == ([], [])
    assert "b" not in found.tags


def test_dark_and_light_come_from_the_reader() -> None:
    made = "".join(page([report(scenes.answered().events, ())], made_at=scenes.NOW))

    assert "@media (prefers-color-scheme: dark)" in made
    assert '<meta name="color-scheme" content="light dark">' in made
