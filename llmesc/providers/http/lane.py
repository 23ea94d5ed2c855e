"""A lane: takes one request at a time to one server, and brings its reply.

What could stand behind this interface, measured in the same minute as processor time (httpx 0.28 and httpcore 1.0, httpx2 2.16,
httpx-aiohttp 0.2, aiohttp 3.14; to import: beside asyncio and ssl, which are loaded anyway):

| a lane over | a call | a token of a burst | to import |
| --- | --: | --: | --: |
| httpx | 670 µs | 5.8 µs | 25 ms |
| httpx2 | 400 µs | 5.7 µs | 34 ms |
| httpx-aiohttp | 250 µs | 0.8 µs | 110 ms |
| one connection of httpcore | 225 µs | 5.6 µs | 25 ms |
| aiohttp | 110 µs | 0.7 µs | 95 ms |
| h11, as `direct` does | 100 µs | 3.7 µs | 6 ms |

httpx pays for a pool, which searches through its connections at every call, and httpcore for locks, traces and guarded reads,
which a lane needs none of. aiohttp's parser is written in C: it would save a stream of 50 tokens a second a six-thousandth of a
core, and cost every `ask` 90 ms and ten more packages.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple, Protocol

from llmesc.providers.http.request import Request

FIRST_PIECE_BYTES, PIECE_BYTES = 512, 16 * 1024
"""How much of a burst is one piece: little at first, so that the first token is not late; then twice as much each time up to some
eighty tokens, behind which a turn of the reader costs next to nothing."""


class Head(NamedTuple):
    """The beginning of a reply."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case; what comes more than once is joined by commas."""


class Lane(Protocol):
    """One request, then its reply to the end, then perhaps the next request."""

    async def send(self, request: Request) -> Head:
        """Sends it and waits for the head of the reply. Raises `TransportError`."""
        ...

    def body(self) -> AsyncGenerator[bytes]:
        """The body of the reply; what has come by the time it is asked for is one piece. Raises `TransportError`."""
        ...

    @property
    def is_free(self) -> bool:
        """Whether the reply was read to its end and another request can follow it."""
        ...

    async def aclose(self) -> None:
        """Hangs up at once, whatever is still under way."""
        ...
