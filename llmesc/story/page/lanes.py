"""Pictures of time, as SVG that grows with the page: when an attempt ran, and what became of a run's time and money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmesc.story import words
from llmesc.story.page.markup import element, line
from llmesc.story.run_report import RunReport, Step, Stretch

WIDE = 1000.0
"""Units across a picture, however wide it is shown."""

_LEAST = 4.0
_HIGH = 14.0


def lane(step: Step, seconds: float) -> str:
    """One row of the waterfall: light while it waits for the first token, full while it writes."""
    ran = step.ran
    if ran is None:
        return ""
    if not step.number:
        shapes = _pause(ran, seconds) if ran.ended > ran.began else _moment(ran.began, seconds)
    else:
        shapes = _call(ran, seconds, step.style)
    return _picture(shapes, _HIGH, _told(step))


def small(report: RunReport) -> str:
    """The whole run in the height of a line: every attempt in a lane of its own."""
    calls = [step for step in report.steps if step.ran is not None and step.number]
    if not calls:
        return ""
    high = max(_HIGH, 6.0 * len(calls))
    each = high / len(calls)
    shapes = [
        shape
        for number, step in enumerate(calls)
        for shape in _call(step.ran, report.seconds, step.style, top=number * each + 1, high=each - 2)
        if step.ran is not None
    ]
    return _picture(shapes, high, f"{words.plural(len(calls), 'attempt')} in {words.seconds(report.seconds)}")


def shares(parts: Sequence[tuple[str, float, str]]) -> str:
    """Parts of a whole beside each other: class of its colour, amount, and what it is."""
    whole = sum(amount for _, amount, _ in parts)
    if whole <= 0:
        return ""
    shapes, at = list[str](), 0.0
    for kind, amount, told in parts:
        width = amount / whole * WIDE
        if width > 0:
            shapes.append(_box(kind, at, width, 0, 8, title=told))
        at += width
    return _picture(shapes, 8, "; ".join(told for _, amount, told in parts if amount > 0))


def scale(seconds: float) -> str:
    """Moments along the top, a quarter of the run apart."""
    marks = (words.seconds(seconds * quarter / 4) if quarter else "0" for quarter in range(5))
    return element("div", "".join(element("span", line(mark)) for mark in marks), class_="scale", aria_hidden="true")


def _call(ran: Stretch | None, seconds: float, style: str, top: float = 2.0, high: float = _HIGH - 4) -> list[str]:
    if ran is None:
        return []
    start, end = _place(ran.began, seconds), _place(ran.ended, seconds)
    end = min(max(end, start + _LEAST), WIDE)
    start = min(start, end - _LEAST)
    first = end if ran.first_token is None else min(max(_place(ran.first_token, seconds), start), end)
    shapes = list[str]()
    if first > start:
        shapes.append(_box(f"waits {style}", start, first - start, top, high))
    if end > first:
        shapes.append(_box(f"writes {style}", first, end - first, top, high))
    return shapes


def _pause(ran: Stretch, seconds: float) -> list[str]:
    start, end = _place(ran.began, seconds), _place(ran.ended, seconds)
    middle = _HIGH / 2
    return [element("line", class_="pause", x1=start, x2=max(end, start + _LEAST), y1=middle, y2=middle)]


def _moment(at: float, seconds: float) -> list[str]:
    x = min(max(_place(at, seconds), 2.0), WIDE - 2.0)
    return [element("line", class_="moment", x1=x, x2=x, y1=1, y2=_HIGH - 1)]


def _box(kind: str, x: float, width: float, y: float, height: float, title: str = "") -> str:
    return element("rect", element("title", line(title)) if title else "", class_=kind, x=x, y=y, width=width, height=height)


def _picture(shapes: Iterable[str], high: float, label: str) -> str:
    box = f"0 0 {WIDE:.0f} {high:g}"
    return element(
        "svg", "".join(shapes), viewBox=box, preserveAspectRatio="none", role="img", aria_label=label, height=high, class_="lane"
    )


def _told(step: Step) -> str:
    ran = step.ran
    assert ran is not None, "the caller looked"
    if not step.number:
        return f"{step.name or step.text} at {words.seconds(ran.began)}"
    return f"attempt {step.number}, from {words.seconds(ran.began)} to {words.seconds(ran.ended)}"


def _place(at: float, seconds: float) -> float:
    return min(max(at / seconds, 0.0), 1.0) * WIDE if seconds > 0 else 0.0
