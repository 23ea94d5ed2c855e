"""The whole page: one run, or many with what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from llmesc.escalation.times import Timestamp
from llmesc.story import words
from llmesc.story.ledger import Ledger, ledger
from llmesc.story.page.lanes import shares, small
from llmesc.story.page.markup import element, line
from llmesc.story.page.run_section import badge, run_section
from llmesc.story.run_report import RunReport

_STYLE = Path(__file__).with_name("page.css")

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing is loaded and nothing runs, whatever a model wrote."""


def page(reports: Sequence[RunReport], *, made_at: Timestamp, asked_for: str = "") -> Iterator[str]:
    """The page in pieces. `asked_for` says by which filters several were chosen."""
    yield "<!doctype html>\n"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{line(_title(reports))}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head><body><main>"
    if len(reports) == 1:
        yield _one(reports[0])
    else:
        yield from _many(reports, asked_for)
    yield element("footer", line(f"made by llmesc on {words.moment(made_at)}"))
    yield "</main></body></html>\n"


def _title(reports: Sequence[RunReport]) -> str:
    return f"run {reports[0].view.run_id}" if len(reports) == 1 else words.plural(len(reports), "run")


def _one(report: RunReport) -> str:
    head = element("header", badge(report.outcome) + element("h1", line(_prompt(report), 160)))
    return element("article", head + run_section(report), class_="run")


def _many(reports: Sequence[RunReport], asked_for: str) -> Iterator[str]:
    about = element("p", line(asked_for, 1000), class_="facts") if asked_for else ""
    yield element("header", element("h1", line(words.plural(len(reports), "run"))) + about)
    if not reports:
        yield element("p", "No run fits.", class_="notice")
        return
    yield _summary(reports)
    for report in reports:
        yield _folded(report)


def _summary(reports: Sequence[RunReport]) -> str:
    books = [ledger(report.view) for report in reports]
    outcomes = Counter(report.outcome for report in reports)
    tiles = [
        _tile(f"{outcomes['answered']:,} of {len(reports):,}", "answered"),
        _tile(words.count(sum(len(report.view.attempts) for report in reports)), "attempts"),
        _tile(_cost(books), "cost"),
        _tile(words.money(sum((one.wasted_cost for one in books), Decimal(0))), "of it thrown away"),
        _tile(words.seconds(_median([report.seconds for report in reports])), "half took no longer"),
    ]
    parts = [
        (words.outcome_words(name)[1], float(number), f"{number:,} {_plain(name)}") for name, number in outcomes.most_common()
    ]
    legend = " · ".join(line(words.outcome_words(name)[0] + f" {number:,}") for name, number in outcomes.most_common())
    return element(
        "section", element("div", "".join(tiles), class_="tiles") + shares(parts) + element("p", legend, class_="facts")
    )


def _tile(value: str, name: str) -> str:
    return element("div", element("strong", line(value)) + element("span", line(name)), class_="tile")


def _cost(books: Sequence[Ledger]) -> str:
    unknown = sum(len(one.unknown_attempts) for one in books)
    return words.amount(sum((one.cost for one in books), Decimal(0)), unknown)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]


def _plain(outcome: str) -> str:
    return words.outcome_words(outcome)[0][2:]


def _folded(report: RunReport) -> str:
    view = report.view
    by = view.answer.resolution.ref if view.answer is not None else ""
    cost = "" if view.totals is None or not view.totals.cost else words.money(view.totals.cost)
    cells = (
        badge(report.outcome),
        element("span", line(_prompt(report), 120), class_="prompt"),
        element("span", small(report), class_="mini"),
        element("span", line(by, 60), class_="by"),
        element("span", line(words.seconds(report.seconds)), class_="figure"),
        element("span", line(cost), class_="figure"),
    )
    return element("details", element("summary", "".join(cells)) + run_section(report), class_="run")


def _prompt(report: RunReport) -> str:
    return report.view.request.prompt if report.view.request is not None else report.view.run_id
