"""LiteLLM's Router: a deployment for each base, each the fallback of the one before it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import litellm
from litellm import Router
from route import KEY, MODEL, PROMPT, Chain

litellm.suppress_debug_info = True


class LiteLLMRouter:
    def __init__(self, chain: Chain) -> None:
        names = [f"choice{at}" for at in range(len(chain.bases))]
        patience = {} if chain.as_it_comes else {"num_retries": 0, "disable_cooldowns": True}
        patience |= {} if chain.silence_seconds is None else {"timeout": chain.silence_seconds}
        once = {} if chain.as_it_comes else {"max_retries": 0}
        self._router = Router(
            model_list=[
                {"model_name": name, "litellm_params": {"model": f"openai/{MODEL}", "api_base": base, "api_key": KEY, **once}}
                for name, base in zip(names, chain.bases, strict=True)
            ],
            fallbacks=[{name: [after]} for name, after in itertools.pairwise(names)],
            **patience,
        )
        self._asked = {"model": names[0], "messages": [{"role": "user", "content": PROMPT}]}

    async def call(self) -> str:
        return (await self._router.acompletion(**self._asked)).choices[0].message.content

    async def stream(self) -> AsyncIterator[str]:
        async for chunk in await self._router.acompletion(**self._asked, stream=True):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield text

    async def between(self) -> None: ...

    async def aclose(self) -> None: ...


async def open_route(chain: Chain, folder: Path) -> LiteLLMRouter:
    return LiteLLMRouter(chain)
