"""What llmesc costs beside its peers, measured in one run on this machine.

    python -m tests.benchmarks.beside [--rounds 9] [--only calls,streams] [--without litellm] [--json FILE] [--readme] [--long]

Each peer gets an environment of its own, made the first time and kept in the user's cache directory (peers.toml has the
versions). Everybody does the same work in turn, in processes that stay alive; ratios are taken within a round, then their median.
targets.toml says what llmesc promises: the exit status is 1 where a promise that was measured is not kept. What a long answer
costs the dashboard is told by `python -m tests.benchmarks.dashboard`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.beside import races
from tests.benchmarks.beside.field import gather
from tests.benchmarks.beside.figures import Figures
from tests.benchmarks.beside.provider import running
from tests.benchmarks.beside.report import Report
from tests.benchmarks.beside.targets import verdicts

GROUPS = ("calls", "failover", "streams")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", type=_names, default=GROUPS, metavar="GROUP,…", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--without", type=_names, default=(), metavar="NAME,…", help="contestants to leave out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, round by round")
    parser.add_argument("--readme", action="store_true", help="put the tables into README.md")
    parser.add_argument("--long", action="store_true", help="grow the state to a million attempts, too")
    asked = parser.parse_args()
    if unknown := set(asked.only) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    began, figures = time.monotonic(), list[Figures]()
    field = gather(asked.without)
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as provider:
        folder = Path(name)
        rate = provider.calls_a_second()
        with races.Track(field, provider, folder) as track:
            for measured in races.run(track, asked.only, asked.rounds):
                figures.append(measured)
                print(f"{measured.name} …", file=sys.stderr)
    report = Report(
        machine={
            "Python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
            "rounds": asked.rounds,
            "calls a second that the mock answers": f"{rate:,.0f}",
            "minutes": round((time.monotonic() - began) / 60, 1),
        },
        figures=figures,
        verdicts=verdicts(figures),
        facts=[],
        absent=field.absent,
        versions=field.versions,
    )
    print("\n".join(report.lines()))
    if asked.json:
        asked.json.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    raise SystemExit(0 if report.all_met else 1)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


if __name__ == "__main__":
    main()
