"""The openai SDK, and a loop by hand over one client for each base."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from openai import AsyncOpenAI, OpenAIError
from route import KEY, MODEL, PROMPT, Chain


class OpenAILoop:
    def __init__(self, chain: Chain) -> None:
        patience = {} if chain.as_it_comes else {"max_retries": 0}
        patience |= {} if chain.silence_seconds is None else {"timeout": chain.silence_seconds}
        self._clients = [AsyncOpenAI(base_url=base, api_key=KEY, **patience) for base in chain.bases]
        self._asked = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}

    async def call(self) -> str:
        for client in self._clients:
            try:
                answer = await client.chat.completions.create(**self._asked)
            except OpenAIError as error:
                failed = error
                continue
            return answer.choices[0].message.content
        raise failed

    async def stream(self) -> AsyncIterator[str]:
        begun = False
        for client in self._clients:
            try:
                async for chunk in await client.chat.completions.create(**self._asked, stream=True):
                    if chunk.choices and (text := chunk.choices[0].delta.content):
                        begun = True
                        yield text
                return
            except OpenAIError as error:
                if begun:
                    raise
                failed = error
        raise failed

    async def between(self) -> None: ...

    async def aclose(self) -> None:
        for client in self._clients:
            await client.close()


async def open_route(chain: Chain, folder: Path) -> OpenAILoop:
    return OpenAILoop(chain)
