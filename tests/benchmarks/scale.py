"""What 1, 10, 100 and 1,000 hosts need of Redis: reckoned from what one server bears, and played against one where it can be.

    python -m tests.benchmarks.scale [--play 1,10,100] [--seconds 10]

Each host streams ten answers at once, 50 tokens a second each, 500 in all: what a real engine says for them is said by so many
connections in its own time. What the server then used of its core stands beside what the model says.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.benchmarks.redis_load import a_server, measured, speak_in_processes, taken_down, used
from tests.benchmarks.scale_model import Load, need
from tests.benchmarks.wire import Part

HOSTS = (1, 10, 100, 1_000)
PROCESSES = 2


def played(hosts: int, part: Part, folder: Path, seconds: float) -> tuple[float, float, float]:
    """The part of a core that the server used, commands a second that came to it, and the longest that one came late."""
    with a_server(folder) as server:
        connections = round(hosts * Load(hosts=hosts).streams / PROCESSES)
        before = used(server)
        told = speak_in_processes(server.port, part, seconds, PROCESSES, 0, connections, paced=True)
        after = used(server)
    lasted = after.at_seconds - before.at_seconds
    cpu = (after.cpu_seconds - before.cpu_seconds) / lasted
    return cpu, sum(each.commands for each in told) / lasted, max(each.late_seconds for each in told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--play", default="1,10,100")
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    costs = {name: each.cpu_us for name, each in measured(3.0, PROCESSES).items()}
    print(", ".join(f"{name} {cpu_us:.1f} µs" for name, cpu_us in costs.items()))
    for hosts in HOSTS:
        wanted = need(Load(hosts=hosts), costs)
        watched = need(Load(hosts=hosts, dashboards=1), costs)
        print(
            f"{hosts:5} hosts: {hosts * 500:7,} tokens a second: answers {wanted.answers:.2%}, tokens {wanted.tokens:.2%};"
            f" one dashboard {watched.dashboards:.2%}, looks take {Load(hosts=hosts).look_seconds:.2f} s;"
            f" all over the fleet {wanted.fleet:.2%}; servers {wanted.servers} and {wanted.fleet_servers}"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with a_server(folder / "first") as server:
            part = asyncio.run(taken_down(server, folder))["long"]
        for hosts in map(int, asked.play.split(",") if asked.play else ()):
            cpu, commands, late = played(hosts, part, folder / f"{hosts}", asked.seconds)
            wanted = need(Load(hosts=hosts), costs)
            print(
                f"{hosts:5} hosts played: {cpu:.2%} of a core (model {wanted.state:.2%}), {commands:,.0f} commands a second,"
                f" late at the most {late * 1e3:.0f} ms"
            )


if __name__ == "__main__":
    main()
