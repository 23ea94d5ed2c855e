"""What the dashboard takes while an answer is written at 2,000 tokens a second, and whether all of it is there at the end.

`tests/benchmarks/dashboard.py` plays it, in a new process for each round, so that none has what another one left. It is not
imported here: Textual's objects would weigh on each collection of garbage in what else this process measures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.beside.drive import ROOT
from tests.benchmarks.beside.environments import clean_environment, compile_ours
from tests.benchmarks.beside.figures import Figures

TOKENS = 20_000
"""Ten seconds of playing."""
CORE, AMISS = "dashboard.core", "dashboard.amiss"
ROUNDS = 3
"""At most: one takes some three seconds, and the figure hardly moves."""


def run(folder: Path, rounds: int, tokens: int = TOKENS) -> Iterator[Figures]:
    """Shares of a core, and letters."""
    compile_ours()
    env = clean_environment(HOME=str(folder), PYTHONPATH=str(ROOT))
    played = [_played(tokens, env) for _ in range(min(rounds, ROUNDS))]
    title = f"the dashboard, {tokens:,} tokens at 2,000 a second"
    yield Figures(CORE, f"{title}: CPU", "core", {"llmesc": [each["core"] for each in played]})
    yield Figures(AMISS, f"{title}: missing or too many", "letters", {"llmesc": [each["amiss"] for each in played]})


def _played(tokens: int, env: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.dashboard", "--tokens", str(tokens), "--json"]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told
