"""What llmesc costs beside its peers, measured in one run on this machine.

    python -m tests.benchmarks.beside [--rounds 9] [--only calls,streams] [--without litellm] [--json FILE] [--readme] [--long]

Each peer gets an environment of its own, made the first time and kept in the user's cache directory (peers.toml has the
versions). Everybody does the same work in turn, in processes that stay alive; ratios are taken within a round, then their median.
targets.toml says what llmesc promises: the exit status is 1 where a promise that was measured is not kept. The groups:

  calls      one call alone, fifty at once
  failover   a second provider after the first
  streams    the first token of a long answer, and every token
  processes  whole commands, from nothing to the prompt: CPU, time, peak memory, and what of the time imports take, by package
  plan       a chain of a thousand candidates, almost all of them open
  state      the steps of one attempt, on SQLite and on a Redis; of the latter the client's part
  growth     a durable call over much that is recorded
  dashboard  the screen while 2,000 tokens a second arrive, and whether every letter is there at the end
  facts      what a caller meets when the first provider is sick: counted, not timed
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.beside import dashboard, facts, growth, plan, processes, races, readme, state
from tests.benchmarks.beside.environments import peers
from tests.benchmarks.beside.field import Field, gather
from tests.benchmarks.beside.figures import Figures
from tests.benchmarks.beside.provider import Provider, running
from tests.benchmarks.beside.report import Report
from tests.benchmarks.beside.targets import verdicts

RACES = ("calls", "failover", "streams")
GROUPS = (*RACES, "processes", "plan", "state", "growth", "dashboard", "facts")


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
    began, load, figures = time.monotonic(), os.getloadavg()[0], list[Figures]()
    racing = set(asked.only) & {*RACES, "facts"}
    field = gather(asked.without) if racing else Field({})
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as provider:
        folder = Path(name)
        rate = provider.calls_a_second()
        for measured in _measured(asked, field, provider, folder):
            figures.append(measured)
            print(f"{measured.name} …", file=sys.stderr)
        met = facts.run(field, provider, folder) if "facts" in asked.only else ()
    report = Report(
        machine={
            "Python": platform.python_version(),
            "cores": os.cpu_count(),
            "load before and after": f"{load:.1f} and {os.getloadavg()[0]:.1f}",
            "rounds": asked.rounds,
            "beside": ", ".join(
                (f"httpx {version('httpx')}", *(pin for name in field.versions for pin in peers()[name].packages))
            ),
            "calls a second that the mock answers": f"{rate:,.0f}",
            "minutes": round((time.monotonic() - began) / 60, 1),
        },
        figures=figures,
        verdicts=verdicts(figures),
        facts=met,
        absent=field.absent,
        versions=field.versions,
    )
    print("\n".join(report.lines()))
    if asked.json:
        asked.json.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n")
    if asked.readme:
        readme.put("\n".join(report.markdown()))
    raise SystemExit(0 if report.all_met else 1)


def _measured(asked: argparse.Namespace, field: Field, provider: Provider, folder: Path) -> Iterator[Figures]:
    """Group by group, as they are asked for."""
    if set(RACES) & set(asked.only):
        with races.Track(field, provider, folder) as track:
            yield from races.run(track, asked.only, asked.rounds)
    if "processes" in asked.only:
        yield from processes.run(field, provider, folder, asked.rounds, asked.without)
    if "plan" in asked.only:
        yield plan.run(folder, asked.rounds)
    if "state" in asked.only:
        yield from state.run(field, folder, asked.rounds, asked.without)
    if "growth" in asked.only:
        yield growth.run(provider, folder, asked.rounds, long=asked.long)
    if "dashboard" in asked.only:
        yield from dashboard.run(folder, asked.rounds)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


if __name__ == "__main__":
    main()
