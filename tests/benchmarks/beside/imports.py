"""Where a command's start goes: what the imports of one process take, by package.

`python -X importtime` tells it of each module without those that it imports in turn. It tells time, not the processor's: beside
a busy neighbour a module may look several milliseconds slower than it is, and the median of the rounds is what counts.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.benchmarks.beside.figures import Figures

TOLD = re.compile(r"import time: +(-?\d+) \| +\d+ \| *(\S+)$", re.MULTILINE)
"""A line that Python writes to stderr: microseconds of its own, those of all below it, the module."""

ALL, OURS, START, LIBRARY, OTHERS = "all", "llmesc", "Python's start", "rest of the standard library", "other packages"
LARGEST = 5
"""So many packages have a name; the rest is summed."""


def once(command: Sequence[str], env: Mapping[str, str]) -> dict[str, float]:
    """Runs a command of Python's; milliseconds by package."""
    python, *rest = command
    told = [python, "-X", "importtime", *rest]
    done = subprocess.run(told, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(told)} ended with {done.returncode}")
    return by_package(done.stderr)


def by_package(told: str) -> dict[str, float]:
    """Milliseconds, from what Python wrote. `_ssl` is part of `ssl`; all until `site` is loaded every program pays."""
    lines = TOLD.findall(told)
    start = 1 + max((at for at, (_, module) in enumerate(lines) if module == "site"), default=-1)
    taken = Counter[str]()
    for at, (own_us, module) in enumerate(lines):
        taken[START if at < start else module.partition(".")[0].lstrip("_")] += int(own_us)
    return {package: own_us / 1e3 for package, own_us in taken.items()}


def figures(name: str, title: str, rounds: Sequence[Mapping[str, float]]) -> Figures:
    """All imports, and their parts: llmesc's own modules, the largest others, the rest."""
    packages = {package for each in rounds for package in each} - {OURS, START}
    median = {package: statistics.median(each.get(package, 0.0) for each in rounds) for package in packages}
    largest = sorted(packages, key=lambda package: (-median[package], package))[:LARGEST]
    in_library = {package for package in packages if not {package, f"_{package}"}.isdisjoint(sys.stdlib_module_names)}
    parts = {
        OURS: {OURS},
        **{package: {package} for package in largest},
        LIBRARY: in_library - set(largest),
        OTHERS: packages - in_library - set(largest),
        START: {START},
    }
    summed = {part: [sum(each.get(package, 0.0) for package in of) for each in rounds] for part, of in parts.items()}
    return Figures(name, title, "ms", {ALL: [sum(each.values()) for each in rounds], **summed}, parts=True)
