"""Processes to be killed: a small server that forks them, so that each has its modules loaded and lives within milliseconds.

    python -m tests.endurance.victims CONFIG STATE

On a line `start NAME` it forks one, which asks until it is killed, and answers with its pid; on `reap`, it waits for its end and
answers with the signal. It ends when its input does, and its child with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from llmesc.config.load import load
from llmesc.config.model import Config
from llmesc.engine import AskOptions, Engine
from llmesc.engine.clock import SystemClock
from llmesc.engine.preload import load as load_what_failures_need
from llmesc.escalation.errors import LlmescError
from llmesc.state.open import open_store

AT_ONCE = 3
"""Requests that a victim has under way at any moment."""

_NOBODY = "http://127.0.0.1:9/v1"
"""Where no server listens."""


async def ask_for_ever(config: Config, state: str, name: str) -> None:
    """Asks, and asks again whatever came of it."""
    async with Engine.open(config=config, state=state, on_warning=lambda _words: None) as engine:

        async def ask(number: int) -> None:
            while True:
                with contextlib.suppress(LlmescError):
                    await engine.ask(f"What is Raft, asker {number}?", AskOptions(caller=name))

        await asyncio.gather(*(ask(number) for number in range(AT_ONCE)))


async def _warm_up(config: Config, state: str) -> None:
    """Loads whatever a victim will need, and records nothing: its state is in memory, and it is refused everywhere."""
    load_what_failures_need()
    nowhere = tuple(
        replace(provider, instances=tuple(replace(instance, base_url=_NOBODY) for instance in provider.instances))
        for provider in config.providers
    )
    async with Engine.open(config=replace(config, providers=nowhere), state="memory:") as engine:
        with contextlib.suppress(LlmescError):
            await engine.ask("Is anybody there?")
    store = await open_store(state, clock=SystemClock(), policy=config.circuit)
    await store.denials()
    await store.aclose()


def main(config_file: str, state: str) -> None:
    """Serves until its input ends."""
    config = load(Path(config_file), os.environ)
    asyncio.run(_warm_up(config, state))
    child = 0
    for line in sys.stdin:
        command, _, name = line.strip().partition(" ")
        if command == "start":
            child = os.fork()
            if child == 0:
                sys.stdin.close()
                asyncio.run(ask_for_ever(config, state, name))
                os._exit(0)
            print(child, flush=True)
        elif command == "reap":
            _, status = os.waitpid(child, 0)
            child = 0
            print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.waitstatus_to_exitcode(status), flush=True)
    if child:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
