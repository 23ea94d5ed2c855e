"""What 1, 10, 100 and 1,000 hosts need of Redis: reckoned from what one server bears, and played against one where it can be.

    python -m tests.benchmarks.scale [--play 1,10,100] [--seconds 10]

Each host streams ten answers at once, 50 tokens a second each, 500 in all: what a real engine says for them is said by so many
connections in its own time. What the server then used of its core stands beside what the model says.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmesc.state.redis_scripts import script
from tests.benchmarks.redis_load import a_server, measured, speak_in_processes, taken_down, used
from tests.benchmarks.scale_model import Load, need
from tests.benchmarks.wire import Part

HOSTS = (1, 10, 100, 1_000)
PROCESSES = 2


def played(hosts: int, part: Part, folder: Path, seconds: float) -> tuple[float, float, float]:
    """The part of a core that the server used, commands a second inside it, and the longest that one came late."""
    lead_in = part.said[-1].at_seconds + 1.0  # until all speak, each at a point of its answer of its own
    with a_server(folder) as server, ThreadPoolExecutor(1) as beside:
        for name in ("append", "look", "latest", "swap"):
            server.ask("SCRIPT", "LOAD", script(name).text)
        connections = round(hosts * Load(hosts=hosts).streams / PROCESSES)
        speaking = beside.submit(
            speak_in_processes, server.port, part, lead_in + seconds + 1.0, PROCESSES, 0, connections, paced=True
        )
        time.sleep(lead_in)
        before = used(server)
        time.sleep(seconds)
        after = used(server)
        told = speaking.result()
    assert not any(each.refused for each in told), "what the server refuses costs it less"
    late = max(each.late_seconds for each in told)
    lasted = after.at_seconds - before.at_seconds
    return (after.cpu_seconds - before.cpu_seconds) / lasted, (after.commands - before.commands) / lasted, late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--play", default="1,10,100")
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    costs = {name: each.cpu_us for name, each in measured(2.0, PROCESSES).items()}
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
