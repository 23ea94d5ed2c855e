"""Kills processes at random moments over one state, and says what became of the record."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from llmesc.config.load import load
from llmesc.engine.clock import SystemClock
from llmesc.escalation.circuits import Circuit, CircuitPolicy, CircuitState, Refusal, Succeeded, effective_state
from llmesc.escalation.resolution import CircuitKey
from llmesc.state.open import open_store, resilient_store
from llmesc.state.spool import Spool
from tests.endurance.audit import INPUT_PRICE, OUTPUT_PRICE, Audit, audited
from tests.endurance.away import Outages
from tests.endurance.ledger import Ledger, servers

FAULTY = {"a": 0.7, "b": 0.5, "c": 0.2}
"""How much goes wrong at each provider, in the order in which they are asked."""

LONGEST_LIFE_SECONDS = 0.25
"""A victim dies at a moment drawn evenly from its birth to here: while it opens the state, or in its attempts."""

_ROOT = Path(__file__).parents[2]

_CONFIG = """
[timeouts]
connect = "2s"
first_token = "300ms"
stall = "150ms"
total = "10s"
[escalation]
max_attempts = 6
hedge_after = "15ms"
retry_budget = 0
[circuit]
failure_threshold = 3
cooldown = "50ms"
max_cooldown = "200ms"
probe_lease = "500ms"
[chains]
default = ["a/m", "b/m", "c/m"]
"""

_PROVIDER = """
[providers.{name}]
api = "openai"
tier = "cloud"
base_url = "{url}"
models = [{{ name = "m", price = {{ input_per_million = "{input}", output_per_million = "{output}" }} }}]
"""


@dataclass(slots=True)
class Killed:
    """How it went."""

    audit: Audit = field(default_factory=Audit)
    kills: int = 0
    away: Counter[str] = field(default_factory=Counter)
    """Kills of a process whose state was away, by how."""
    most_spooled: int = 0
    """Files that waited for the state at once."""
    left_in_spool: int = 0
    stuck: list[str] = field(default_factory=list)
    """Circuits that nobody may call although their leases have lapsed, and providers that answer nobody."""
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """Everything that must not be."""
        left = [f"{self.left_in_spool} files are still in the spool"] if self.left_in_spool else []
        return [*self.audit.problems, *self.stuck, *left]


class Victims:
    """The process that forks them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def killed(self, name: str, life_seconds: float) -> None:
        """Starts one, and kills it after so long."""
        pid = await self._asked(f"start {name}")
        await asyncio.sleep(life_seconds)
        os.kill(pid, signal.SIGKILL)
        ended = await self._asked("reap")
        assert ended == signal.SIGKILL, f"{name} ended by itself with {ended}"

    async def _asked(self, command: str) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(command.encode() + b"\n")
        await self._process.stdin.drain()
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def victims(config: Path, state: str, home: Path) -> AsyncIterator[Victims]:
    environment = {**os.environ, "LLMESC_HOME": str(home)}
    environment.pop("LLMESC_STATE", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.endurance.victims", str(config), state),
        cwd=_ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Victims(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def kill(
    times: int,
    state: str,
    outages: Outages,
    folder: Path,
    *,
    seed: int = 1,
    longest_life_seconds: float = LONGEST_LIFE_SECONDS,
    settings: str = "",
    tell: Callable[[int], None] = lambda _kills: None,
) -> Killed:
    """Kills so many processes over `state`, lets one end in peace, and looks at what is there.

    `outages` takes the state away from some of them; `folder` is for the configuration, to which `settings` are added, and the
    spool; `tell` is told after each.
    """
    rolled, ledger, home = random.Random(seed), Ledger(seed), folder / "home"
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        book = servers(ledger, FAULTY)
        for server in book.values():
            await stack.enter_async_context(server)
        config = _written(folder, {name: server.base_url for name, server in book.items()}, settings)
        spool = Spool(home / "state" / "spool", SystemClock())
        forked = await stack.enter_async_context(victims(config, state, home))
        killed = Killed()
        for number in range(times):
            way = outages.way(rolled.random())
            if way is None:
                await forked.killed(f"victim-{number}", rolled.uniform(0, longest_life_seconds))
            else:
                killed.away[way] += 1
                with outages.away(way):
                    await forked.killed(f"victim-{number}", rolled.uniform(0, outages.longest_life_seconds[way]))
            killed.kills += 1
            killed.most_spooled = max(killed.most_spooled, spool.waiting())
            tell(killed.kills)
        ledger.healed = True
        killed.seconds = time.monotonic() - began
        killed.stuck = await _stuck(config, state, home)
        killed.left_in_spool = spool.waiting()
        store = await open_store(state, clock=SystemClock(), policy=CircuitPolicy())
        killed.audit = await audited(store, ledger.deliveries)
        await store.aclose()
    return killed


def _written(folder: Path, urls: Mapping[str, str], settings: str) -> Path:
    path = folder / "config.toml"
    price = {"input": INPUT_PRICE, "output": OUTPUT_PRICE}
    path.write_text(_CONFIG + settings + "".join(_PROVIDER.format(name=name, url=url, **price) for name, url in urls.items()))
    return path


async def _stuck(config_file: Path, state: str, home: Path) -> list[str]:
    """Once every lease has lapsed and every server is well, each provider is to answer, and no circuit to stay open."""
    config = load(config_file, {"LLMESC_HOME": str(home)})
    await asyncio.sleep(config.circuit.probe_lease_seconds + config.circuit.max_cooldown_seconds)
    clock, found = SystemClock(), list[str]()
    store = resilient_store(
        state, clock=clock, policy=config.circuit, spool_directory=home / "state" / "spool", warn=found.append
    )
    direct = await store.direct()  # which replays the spool
    for name in FAULTY:
        key = CircuitKey(name)
        for _ in range(3):  # what a killed probe left is a half-open circuit, which two answers close
            admitted = await direct.admit(key)
            if isinstance(admitted, Refusal):
                found.append(f"{name}: refused: {admitted}")
                break
            await direct.signal(key, Succeeded(generation=admitted.generation, token=admitted.token, latency_seconds=0.1))
        circuit = (await direct.circuits([key])).get(key, Circuit())
        if effective_state(circuit, clock.now()) is not CircuitState.CLOSED:
            found.append(f"{name}: {effective_state(circuit, clock.now()).value} after its server answered")
    await store.aclose()
    return found
