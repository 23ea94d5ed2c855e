"""LangChain: one ChatOpenAI for each base, joined by `with_fallbacks`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from langchain_openai import ChatOpenAI
from route import KEY, MODEL, PROMPT, Chain


class LangChainFallbacks:
    def __init__(self, chain: Chain) -> None:
        patience = {} if chain.as_it_comes else {"max_retries": 0}
        patience |= {} if chain.silence_seconds is None else {"timeout": chain.silence_seconds}
        first, *others = (ChatOpenAI(model=MODEL, base_url=base, api_key=KEY, **patience) for base in chain.bases)
        self._model = first.with_fallbacks(others) if others else first

    async def call(self) -> str:
        return (await self._model.ainvoke(PROMPT)).content

    async def stream(self) -> AsyncIterator[str]:
        async for piece in self._model.astream(PROMPT):
            if piece.content:
                yield piece.content

    async def between(self) -> None: ...

    async def aclose(self) -> None: ...


async def open_route(chain: Chain, folder: Path) -> LangChainFallbacks:
    return LangChainFallbacks(chain)
