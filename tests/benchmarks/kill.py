"""What SIGKILL costs the record: nothing, over as many kills as one likes.

    python -m tests.benchmarks.kill --times 1000 --state sqlite|redis [--life 0.5] [--seed 1]

Processes that ask (three requests each at a time, at servers that refuse, cut, hang and are hedged) are killed at random moments
over one state, some of them while that is away; then the record is compared with the servers' own book. Ends with 1 where an
attempt is missing, counted twice, or left as if it still ran.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.endurance.away import RedisOutages, SqliteOutages
from tests.endurance.killing import Killed, kill
from tests.redis_server import RedisServer


async def _killed(times: int, state: str, life_seconds: float, seed: int, folder: Path) -> Killed:
    def tell(kills: int) -> None:
        if kills % 100 == 0:
            print(f"{kills} kills", file=sys.stderr)

    how: dict[str, Any] = {"seed": seed, "longest_life_seconds": life_seconds, "tell": tell}
    if state == "sqlite":
        path = folder / "state.db"
        return await kill(times, f"sqlite://{path}", SqliteOutages(path), folder, **how)
    server = RedisServer(folder / "redis").start()
    url = server.url.replace("timeout=10s", "timeout=200ms")
    try:
        return await kill(times, url, RedisOutages(server), folder, **how)
    finally:
        server.stop()


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in counted.most_common()) or "none"


def main() -> int:
    """Kills, and prints what became of the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--state", choices=("sqlite", "redis"), default="sqlite")
    parser.add_argument("--life", type=float, default=0.5, metavar="SECONDS", help="no process lives longer (0.5)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        killed = asyncio.run(_killed(asked.times, asked.state, asked.life, asked.seed, Path(folder)))
    audit = killed.audit
    print(f"{killed.kills} kills in {killed.seconds:.0f} s over {asked.state}; without their state: {_told(killed.away)}")
    print(f"{audit.requests} requests reached the servers; {audit.attempts} attempts of {audit.runs} runs are on record")
    print(f"attempts: {_told(audit.outcomes)}; never arrived: {audit.never_arrived}; metered as the servers did: {audit.metered}")
    print(f"runs that a kill cut, by their last event: {_told(audit.cut_at)}")
    print(f"most files in the spool: {killed.most_spooled}; left there: {killed.left_in_spool}")
    if audit.links is not None:
        print(f"links of the chain over the record: {audit.links}")
    print(f"missing: {len(audit.missing)}; twice: {len(audit.doubled)}; problems: {len(killed.problems)}")
    for problem in killed.problems[:20]:
        print(f"  {problem}")
    return 1 if killed.problems else 0


if __name__ == "__main__":
    sys.exit(main())
