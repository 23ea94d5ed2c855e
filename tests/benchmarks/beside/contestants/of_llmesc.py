"""llmesc as a library: the whole path, with events, verdict, circuits and record. A variant is the URL
of the state; none is a database of its own, and so durable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from route import KEY, MODEL, PROMPT, TAKEN_BACK, Chain

from llmesc import Engine, TextDelta, ask_for

UNTIRING = """
[escalation]
retry_budget = 0
[circuit]
failure_threshold = 1000
window = "1s"
"""
"""So that a primary which fails at each call is called each time: else its circuit opens, and nothing is left to measure."""

PROVIDER = """
[providers.p{number}]
api = "openai"
tier = "vllm"
base_url = "{base}"
api_key = "{key}"
models = ["{model}"]
"""


class OfLlmesc:
    def __init__(self, engine: Engine, opened: AsyncExitStack) -> None:
        self._engine, self._opened = engine, opened
        self._whole = replace(ask_for(PROMPT), stream=False)

    async def call(self) -> str:
        return (await self._engine.ask(self._whole)).text

    async def stream(self) -> AsyncIterator[str | None]:
        async with self._engine.start(PROMPT) as run:
            async for event in run:
                if isinstance(event, TextDelta):
                    yield event.text
                elif event.type == "answer_reset":
                    yield TAKEN_BACK

    async def between(self) -> None:
        """A key that was rejected opens the circuit at once; an operator closes it again."""
        operations = self._engine.operations
        await operations.reset(await operations.match_circuits(["*"]), who="beside")

    async def aclose(self) -> None:
        await self._opened.aclose()


async def open_route(chain: Chain, folder: Path) -> OfLlmesc:
    config = folder / "config.toml"
    providers = [PROVIDER.format(number=at, base=base, key=KEY, model=MODEL) for at, base in enumerate(chain.bases)]
    settings = "" if chain.as_it_comes else UNTIRING
    if chain.silence_seconds is not None:
        settings += f'[timeouts]\nfirst_token = "{chain.silence_seconds}s"\n'
    config.write_text(settings + "".join(providers))
    opened = AsyncExitStack()
    state = chain.variant or f"sqlite://{folder / 'state.db'}"
    return OfLlmesc(await opened.enter_async_context(Engine.open(config_file=config, state=state)), opened)
