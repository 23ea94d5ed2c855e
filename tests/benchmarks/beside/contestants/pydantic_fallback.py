"""pydantic-ai's FallbackModel, without the agent around it: the least that pydantic-ai can be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from openai import AsyncOpenAI
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelRequest, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from route import KEY, MODEL, PROMPT, Chain


class PydanticFallback:
    def __init__(self, chain: Chain) -> None:
        patience = {} if chain.as_it_comes else {"max_retries": 0}
        patience |= {} if chain.silence_seconds is None else {"timeout": chain.silence_seconds}
        self._clients = [AsyncOpenAI(base_url=base, api_key=KEY, **patience) for base in chain.bases]
        models = [OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client)) for client in self._clients]
        self._model = FallbackModel(*models) if len(models) > 1 else models[0]
        self._asked = [ModelRequest.user_text_prompt(PROMPT)]

    async def call(self) -> str:
        answer = await model_request(self._model, self._asked)
        return "".join(part.content for part in answer.parts if isinstance(part, TextPart))

    async def stream(self) -> AsyncIterator[str]:
        async with model_request_stream(self._model, self._asked) as events:
            async for event in events:
                if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                    yield event.delta.content_delta
                elif isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                    yield event.part.content

    async def between(self) -> None: ...

    async def aclose(self) -> None:
        for client in self._clients:
            await client.close()


async def open_route(chain: Chain, folder: Path) -> PydanticFallback:
    return PydanticFallback(chain)
