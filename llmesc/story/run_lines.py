"""One run as lines for a terminal: who was called when, as bars under one another, and between them why it went on. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmesc.escalation.untrusted import one_line, safe
from llmesc.story import words
from llmesc.story.ledger import ledger_lines
from llmesc.story.run_report import RunReport, Step
from llmesc.story.style import Style
from llmesc.story.waterfall import bar, mark, pause
from llmesc.story.width import cut, display_width

_GIVEN = ("name", "conversation", "correlation", "traceparent")
"""What a caller may have said about himself."""

_LEAST_BAR, _WIDEST_BAR = 10, 60
_LONGEST_NAME = 44
_TIME = 7


class Part(NamedTuple):
    """Some text in one style."""

    text: str
    style: Style = "plain"


Line = tuple[Part, ...]


def run_lines(report: RunReport, width: int) -> Iterator[Line]:
    """The whole picture, for `width` columns of a terminal; only words that are longer run over."""
    yield from _head(report)
    if report.steps:
        yield ()
        yield from _waterfall(report, width)
    yield ()
    for line in ledger_lines(report.view):
        yield (Part(line, "dim"),)
    if report.writers:
        yield (Part(f"✎ {', then '.join(report.writers)}"),)
    if report.view.answer is not None and report.view.answer.text.strip():
        yield ()
        yield (Part(safe(report.view.answer.text).rstrip()),)


def about(report: RunReport) -> str:
    """Its id, how it ended, on which chain, when, how long it took and what it used."""
    view = report.view
    parts = [f"run {view.run_id}", words.outcome_words(report.outcome)[0]]
    if view.chain is not None:
        parts.append(f"chain {view.chain.name}")
    if view.started_at is not None:
        parts.append(words.moment(view.started_at))
    if view.totals is not None:
        hosted = any(not attempt.resolution.tier.self_hosted for attempt in view.attempts)
        spent = words.run_spent(view.totals, hosted=hosted)
        parts += [words.seconds(view.totals.duration_seconds), spent]
    return one_line(" · ".join(parts))


def caller_line(report: RunReport) -> str:
    """What the caller said of himself; empty where he said nothing."""
    caller = report.view.caller
    given = [f"{key} {caller[key]}" for key in _GIVEN if key in caller]
    return one_line(f"caller: {' · '.join(given)}") if given else ""


def _head(report: RunReport) -> Iterator[Line]:
    yield (Part(about(report), "strong"),)
    if caller := caller_line(report):
        yield (Part(caller),)
    if report.view.request is not None:
        yield (Part(f"asked: {one_line(report.view.request.prompt)}"),)
    if report.kept:
        yield (Part(f"record: {report.kept}", "doubtful"),)


def _waterfall(report: RunReport, width: int) -> Iterator[Line]:
    number = max((len(step.number) for step in report.steps), default=0)
    longest = max((display_width(step.name) for step in report.steps), default=0)
    name = min(longest, max(width - (number + 5) - 2 - _LEAST_BAR - 2 - _TIME, 12), _LONGEST_NAME)
    room = min(max(width - (number + 5 + name) - 2 - 2 - _TIME, _LEAST_BAR), _WIDEST_BAR)
    indent = " " * (number + 5)
    yield (Part(f"{indent}{'':{name}}  {_scale(report.seconds, room)}", "dim"),)
    for step in report.steps:
        if step.name:
            yield _row(step, report.seconds, number, name, room)
        elif step.ran is not None:
            yield (Part(f"{indent}{'':{name}}  {_drawn(step, report.seconds, room)}", "dim"),)
        if step.text and not step.name:
            yield (Part(f"{' ' * (number + 3)}{step.mark} {step.text}", step.style),)
        for index, detail in enumerate(step.details):
            plain = index == len(step.details) - 1
            yield (Part(f"{indent}{detail}", "dim" if plain else step.style),)


def _row(step: Step, whole: float, number: int, name: int, room: int) -> Line:
    shown = cut(step.name, name)
    space = " " * (name - display_width(shown))
    lasted = "" if step.ran is None or not step.number else words.seconds(step.ran.ended - step.ran.began)
    return (
        Part(f"  {step.number:>{number}} ", "dim"),
        Part(step.mark, step.style),
        Part(f" {shown}{space}  ", "plain" if step.number else "dim"),
        Part(_drawn(step, whole, room), step.style),
        Part(f"  {lasted:>{_TIME}}"),
    )


def _drawn(step: Step, whole: float, room: int) -> str:
    ran = step.ran
    if ran is None:
        return " " * room
    if step.number:
        return bar(ran.began, ran.first_token, ran.ended, whole=whole, width=room)
    if ran.ended > ran.began:
        return pause(ran.began, ran.ended, whole=whole, width=room)
    return mark(ran.began, whole=whole, width=room)


def _scale(seconds: float, room: int) -> str:
    end = words.seconds(seconds)
    return f"0{end:>{room - 1}}"
