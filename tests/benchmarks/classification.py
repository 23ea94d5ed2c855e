"""How often the classifier is right: `python -m tests.benchmarks.classification FILE [FILE…] [--only A,B] [--without A,B]`.

FILE holds one case a line: `id`, `provider`, `status`, `headers`, `body`, `transport`, `exception`, the kind that is
`expected`, those that are `also_acceptable`, and `retry_after_s` where the case gives one. Lenient accepts both, strict only
the expected. `--only` and `--without` take provider names: rules are written while looking at some providers and measured on
the others.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from llmesc.escalation.failures import Failure
from llmesc.providers.classify import Evidence, classify

MONEY_OR_KEY = frozenset({"account", "rate_limit", "auth"})
"""Never to be taken for one another: one is waited for, one is paid, one is replaced."""


def evidence_of(case: Mapping[str, Any]) -> Evidence:
    """The case as the classifier would have met it."""
    return Evidence(
        provider=case.get("provider") or "",
        status=case.get("status"),
        headers=case.get("headers") or {},
        body=case.get("body") or "",
        transport=case.get("transport"),
        detail=case.get("exception") or "",
    )


def read_cases(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Every case of every file."""
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


def report(cases: list[dict[str, Any]]) -> str:
    """The figures, the table and every miss, as text."""
    judged = [(case, classify(evidence_of(case))) for case in cases]
    strict = [failure.kind == case["expected"] for case, failure in judged]
    lenient = [_acceptable(case, failure) for case, failure in judged]
    raw = [good for (case, _), good in zip(judged, lenient, strict=True) if case.get("body_form") == "raw"]
    lines = [
        f"cases {len(judged)} · lenient {_share(lenient)} · strict {_share(strict)}",
        f"lenient where the body was kept byte for byte {_share(raw)}",
        *_confusion(judged),
        *_misses(judged),
        *_mixed_up(judged),
        *_times(judged),
    ]
    weakest = Counter(failure.rule for _, failure in judged if failure.rule.startswith("status."))
    lines.append("decided by the status alone: " + ", ".join(f"{rule} {count}" for rule, count in sorted(weakest.items())))
    return "\n".join(lines)


def _acceptable(case: Mapping[str, Any], failure: Failure) -> bool:
    return failure.kind == case["expected"] or failure.kind in (case.get("also_acceptable") or ())


def _share(hits: list[bool]) -> str:
    return f"{sum(hits)}/{len(hits)} ({100 * sum(hits) / len(hits):.1f} %)" if hits else "0/0"


def _confusion(judged: list[tuple[dict[str, Any], Failure]]) -> Iterator[str]:
    pairs = Counter((case["expected"], str(failure.kind)) for case, failure in judged)
    kinds = sorted({kind for pair in pairs for kind in pair})
    yield "\nexpected (rows) against verdict (columns)"
    yield " " * 18 + " ".join(kind[:9].rjust(9) for kind in kinds)
    for row in kinds:
        yield row.ljust(18) + " ".join((str(pairs[row, column]) if pairs[row, column] else "·").rjust(9) for column in kinds)


def _misses(judged: list[tuple[dict[str, Any], Failure]]) -> Iterator[str]:
    yield "\nmisses"
    for case, failure in judged:
        if failure.kind != case["expected"]:
            mark = "~" if _acceptable(case, failure) else "✗"
            yield f"{mark} {case['id']}: expected {case['expected']}, got {failure.kind} by {failure.rule} ({failure.matched!r})"


def _mixed_up(judged: list[tuple[dict[str, Any], Failure]]) -> Iterator[str]:
    mixed = [
        f"✗ {case['id']}: {case['expected']} taken for {failure.kind}"
        for case, failure in judged
        if {case["expected"], failure.kind} <= MONEY_OR_KEY and not _acceptable(case, failure)
    ]
    yield f"\naccount, rate_limit and auth confused with each other: {len(mixed)}"
    yield from mixed


def _times(judged: list[tuple[dict[str, Any], Failure]]) -> Iterator[str]:
    given = [(case, failure) for case, failure in judged if case.get("retry_after_s") is not None]
    wrong = [
        f"✗ {case['id']}: {case['retry_after_s']} s expected, got {failure.retry_after_seconds} by {failure.retry_after_source}"
        for case, failure in given
        if failure.retry_after_seconds is None or abs(failure.retry_after_seconds - case["retry_after_s"]) > 1e-3
    ]
    extra = [
        f"~ {case['id']}: none given, got {failure.retry_after_seconds} by {failure.retry_after_source}"
        for case, failure in judged
        if case.get("retry_after_s") is None and failure.retry_after_seconds is not None
    ]
    yield f"\nretry_after exact: {len(given) - len(wrong)}/{len(given)}"
    yield from wrong
    yield from extra


def main() -> None:
    """Print the report for the files on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--only", default="", metavar="PROVIDERS")
    parser.add_argument("--without", default="", metavar="PROVIDERS")
    chosen = parser.parse_args()
    only, without = set(filter(None, chosen.only.split(","))), set(filter(None, chosen.without.split(",")))
    cases = [
        case for case in read_cases(chosen.files) if (not only or case["provider"] in only) and case["provider"] not in without
    ]
    print(report(cases))


if __name__ == "__main__":
    main()
