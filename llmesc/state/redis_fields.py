"""Fields of a hash that many hosts change: Python decides what comes next, Redis sets it if nothing else came between."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from llmesc.state.redis_connection import RedisConnection
from llmesc.state.store import StateUnavailable

T = TypeVar("T")

_TRIES = 1_000
"""Each try that fails is another's that succeeded; so many in a row have never been seen."""


class Fields:
    """One hash. A value is a tag that no other value has, a space, and a body; what was seen last is remembered, so that changing
    it mostly takes one round trip.
    """

    def __init__(self, connection: RedisConnection, key: str, *, news: bool, new_tag: Callable[[], str], seconds: float) -> None:
        self._connection = connection
        self._key = key
        self._news = key if news else ""
        self._new_tag = new_tag
        self._seconds = seconds
        self._seen: dict[str, bytes | None] = {}

    async def read(self, names: Collection[str] | None = None) -> dict[str, bytes]:
        """The bodies of those that are there, among `names` or all."""
        if names is None:
            (_, flat) = await self._connection.run("look", (self._key,), (), self._seconds)
            self._seen = dict(zip(map(bytes.decode, flat[::2]), flat[1::2], strict=True))
        elif names:
            wanted = tuple(names)
            (_, values) = await self._connection.run("look", (self._key,), wanted, self._seconds)
            self._seen.update(zip(wanted, values, strict=True))
        chosen = self._seen if names is None else names
        return {name: _body(value) for name in chosen if (value := self._seen[name]) is not None}

    async def change(self, name: str, decide: Callable[[bytes | None], tuple[bytes | None, T]]) -> T:
        """Sets the body that `decide` makes of the present one (None: leaves it as it is); what it gave beside. It may be asked
        several times, and the last time counts.
        """
        fresh = False
        for _ in range(_TRIES):
            seen = self._seen.get(name)
            body, result = decide(None if seen is None else _body(seen))
            if body is None:
                if fresh:
                    return result
                await self.read([name])  # what was remembered is not to be relied on for that
                fresh = True
                continue
            tag = self._new_tag()
            value = tag.encode() + b" " + body
            expected = "" if seen is None else seen.partition(b" ")[0]
            arguments = (name, expected, tag, value, self._news)
            answer, *there = await self._connection.run("swap", (self._key,), arguments, self._seconds)
            if answer == b"ok":
                self._seen[name] = value
                return result
            if answer == b"moved":
                self._seen[name] = there[0] if there else None
                fresh = True
        raise StateUnavailable(f"{self._connection.place} {name}: others changed it {_TRIES} times meanwhile")


def _body(value: bytes) -> bytes:
    return value.partition(b" ")[2]
