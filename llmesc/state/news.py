"""Waiting for a store that cannot wake its readers: by looking, often but cheaply, whether anything was written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

LOOK_SECONDS = 0.05
"""Between two looks; one takes some microseconds."""


async def looked_for(mark: Callable[[], Awaitable[str]], after: str, seconds: float) -> str:
    """The first `mark` that is not `after`, looked for at most so long; `after` empty: the present one."""
    from asyncio import sleep

    waited = 0.0
    while True:
        now = await mark()
        if now != after or waited >= seconds:
            return now
        await sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
