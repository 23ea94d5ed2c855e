"""One run as a piece of the page: what was asked, the waterfall, the books, and the answer with who wrote it."""

from __future__ import annotations

from collections.abc import Iterator

from llmesc.escalation.events import AnswerRange
from llmesc.escalation.fold import AttemptView, RunView
from llmesc.escalation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult
from llmesc.escalation.status import run_status
from llmesc.story import words
from llmesc.story.ledger import Ledger, ledger, ledger_lines
from llmesc.story.page.lanes import lane, scale, shares
from llmesc.story.page.markup import element, line, text
from llmesc.story.run_lines import caller_line
from llmesc.story.run_report import RunReport, Step


def run_section(report: RunReport) -> str:
    """All of it."""
    view = report.view
    parts = [
        element("p", _facts(report), class_="facts"),
        element("p", line(report.kept), class_="notice") if report.kept else "",
        _asked(view),
        _waterfall(report),
        _books(report),
        _answer(report),
    ]
    return "".join(parts)


def badge(outcome: str) -> str:
    """How it ended, in its colour; the words say it, too."""
    told, style = words.outcome_words(outcome)
    return element("span", line(told), class_=f"badge {style}")


def _facts(report: RunReport) -> str:
    view = report.view
    facts = [element("code", line(view.run_id))]
    if view.started_at is not None:
        facts.append(line(words.moment(view.started_at)))
    if view.chain is not None:
        facts.append(line(f"chain {view.chain.name}"))
    facts.append(line(words.plural(len(view.attempts), "attempt")))
    facts.append(line(words.seconds(report.seconds)))
    if view.totals is not None:
        hosted = any(not attempt.resolution.tier.self_hosted for attempt in view.attempts)
        facts.append(line(words.run_spent(view.totals, hosted=hosted)))
    if status := run_status(report.outcome):
        facts.append(line(f"status {status}"))
    if caller := caller_line(report):
        facts.append(line(caller))
    return " · ".join(facts)


# -- what was asked -------------------------------------------------------------------------------------------------------------


def _asked(view: RunView) -> str:
    if view.request is None:
        return element("p", "The beginning of this run is not on record.", class_="notice")
    turns = "".join(_turn(message) for message in view.request.messages)
    return _part("Asked", element("div", turns, class_="turns"))


def _turn(message: Message) -> str:
    said = "".join(_said(part) for part in message.parts)
    return element("div", element("span", line(message.role), class_="role") + said, class_=f"turn {message.role}")


def _said(part: Text | Image | Thinking | ToolCall | ToolResult) -> str:
    match part:
        case Text() | Thinking():
            return element("pre", text(part.text))
        case Image():
            return element("p", "a picture", class_="aside")
        case ToolCall():
            return element("pre", f"⚙ {line(part.name)} {text(part.arguments)}")
        case ToolResult():
            return element("pre", text(part.content))


# -- the waterfall --------------------------------------------------------------------------------------------------------------


def _waterfall(report: RunReport) -> str:
    if not report.steps:
        return ""
    attempts = {str(attempt.attempt): attempt for attempt in report.view.attempts}
    head = (
        element("div", "", class_="who")
        + element("div", scale(report.seconds), class_="when")
        + element("div", "", class_="took")
    )
    rows = [element("div", head, class_="row head")]
    rows += [_row(step, report.seconds, attempts.get(step.number)) for step in report.steps]
    legend = "light while it waits for its first token, full while it writes"
    return _part("Who was called", element("div", "".join(rows), class_="waterfall"), about=legend)


def _row(step: Step, seconds: float, attempt: AttemptView | None) -> str:
    if not step.name:
        drawn = element("div", lane(step, seconds), class_="when") if step.ran is not None else ""
        told = element("div", f"{line(step.mark)} {line(step.text, 1000)}", class_=f"note {step.style}")
        return element("div", told + drawn, class_="between")
    number = element("span", line(step.number), class_="number")
    who = f"{number}{element('span', line(step.mark), class_=f'mark {step.style}')} {line(step.name)}"
    took = "" if step.ran is None or not step.number else words.seconds(step.ran.ended - step.ran.began)
    top = (
        element("div", who, class_="who")
        + element("div", lane(step, seconds), class_="when")
        + element("div", line(took), class_="took")
    )
    *causes, last = step.details or ("",)
    last = " · ".join([*([last] if last else []), *([f"status {step.status}"] if step.status else [])])
    details = "".join(element("div", line(cause, 1000), class_=f"cause {step.style}") for cause in causes)
    details += element("div", line(last, 1000), class_="aside")
    return element("div", top, class_="row") + element("div", details + _thrown_away(attempt), class_="details")


def _thrown_away(attempt: AttemptView | None) -> str:
    """What an attempt wrote that is not part of the answer, for whoever wants to see why it was not good enough."""
    if attempt is None or not attempt.text or attempt.outcome is None or not (attempt.discarded or _failed(attempt)):
        return ""
    told = f"what it wrote, {words.plural(attempt.characters, 'character')}"
    return element("details", element("summary", line(told)) + element("pre", text(attempt.shown)))


def _failed(attempt: AttemptView) -> bool:
    return attempt.failure is not None or (attempt.quality is not None and not attempt.quality.passed)


# -- the books ------------------------------------------------------------------------------------------------------------------


def _books(report: RunReport) -> str:
    books = ledger(report.view)
    rows = "".join(element("li", line(told, 1000)) for told in ledger_lines(report.view))
    return _part("Time and money", _time(books) + element("ul", rows, class_="books"))


def _time(books: Ledger) -> str:
    return shares(
        (
            ("good", books.answer_seconds, f"{words.seconds(books.answer_seconds)} for the answer"),
            ("doubtful", books.wasted_seconds, f"{words.seconds(books.wasted_seconds)} thrown away"),
            ("idle", books.idle_seconds, f"{words.seconds(books.idle_seconds)} in which nobody was called"),
        )
    )


# -- the answer -----------------------------------------------------------------------------------------------------------------


def _answer(report: RunReport) -> str:
    answer = report.view.answer
    if answer is None or not answer.text.strip():
        return ""
    said = "".join(_passages(report.view, answer.ranges)) if len(answer.ranges) > 1 else element("pre", text(answer.text))
    by = "" if len(answer.ranges) > 1 else f"by {answer.resolution.ref}"
    return _part("Answer", element("div", said, class_="answer"), about=by)


def _passages(view: RunView, ranges: tuple[AnswerRange, ...]) -> Iterator[str]:
    """Each stretch with who wrote it above."""
    assert view.answer is not None, "the caller looked"
    who = {attempt.attempt: words.who(attempt.resolution) for attempt in view.attempts}
    for part in ranges:
        by = f"{words.plural(part.end - part.start, 'character')} by {who.get(part.attempt, '?')}"
        yield element("p", line(by), class_="writer") + element("pre", text(view.answer.text[part.start : part.end]))


def _part(title: str, content: str, about: str = "") -> str:
    more = f" {element('span', line(about))}" if about else ""
    return element("section", element("h3", line(title) + more) + content)
