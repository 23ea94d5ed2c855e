"""What a careful programmer writes with httpx alone: one client, a loop over the bases, JSON for each token.

Variant `kept`: as many connections are kept as are open. As it comes httpx keeps twenty, so that of fifty calls at once thirty
connect anew: fewer connections make its pool cheaper, and a server's work dearer.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from route import KEY, MODEL, PROMPT, Chain


class BareHttpx:
    def __init__(self, chain: Chain) -> None:
        self._urls = [f"{base}/chat/completions" for base in chain.bases]
        self._client = httpx.AsyncClient(
            headers={"authorization": f"Bearer {KEY}"},
            timeout=chain.silence_seconds or 5.0,  # httpx's own
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=100 if chain.variant == "kept" else 20),
        )
        self._body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}

    async def call(self) -> str:
        for url in self._urls:
            try:
                response = await self._client.post(url, json=self._body)
                response.raise_for_status()
            except httpx.HTTPError as error:
                failed = error
                continue
            return response.json()["choices"][0]["message"]["content"]
        raise failed

    async def stream(self) -> AsyncIterator[str]:
        begun = False
        for url in self._urls:
            try:
                async with self._client.stream("POST", url, json={**self._body, "stream": True}) as response:
                    response.raise_for_status()
                    async for line in response.aiter_lines():
                        if line.startswith("data: ") and line != "data: [DONE]":
                            choices = json.loads(line[6:])["choices"]
                            if text := choices[0]["delta"].get("content"):
                                begun = True
                                yield text
                return
            except httpx.HTTPError as error:
                if begun:
                    raise
                failed = error
        raise failed

    async def between(self) -> None: ...

    async def aclose(self) -> None:
        await self._client.aclose()


async def open_route(chain: Chain, folder: Path) -> BareHttpx:
    return BareHttpx(chain)
