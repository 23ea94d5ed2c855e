"""What waits for the sinks, in Redis: a stream whose entries name stretches of events, and a hash with each sink's standing.

`append.lua` adds the entries, while there are sinks, and keeps every run that one of them waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from llmesc.escalation.times import Timestamp
from llmesc.state.outbox import Decide, SinkState, Stretch, read_sink, stored_sink
from llmesc.state.projection import storable
from llmesc.state.redis_connection import OPENING, PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_fields import Fields

T = TypeVar("T")


class OutboxStream:
    """Shared by all hosts: where one stopped the next goes on."""

    def __init__(self, connection: RedisConnection, new_tag: Callable[[], str]) -> None:
        self._connection = connection
        self._seconds = (
            connection.place.timeout_seconds * OPENING
        )  # asked for when a state is opened, and a run may wait for that
        self._fields = Fields(connection, "sinks", news=False, new_tag=new_tag, seconds=self._seconds)

    async def sinks(self) -> dict[str, SinkState]:
        """By name."""
        found = await self._fields.read()
        return {name: state for name, body in sorted(found.items()) if (state := read_sink(body)) is not None}

    async def change(self, name: str, decide: Decide[T], now: Callable[[], Timestamp]) -> T:
        """Sets what `decide` makes of the present state, if nothing else came between; else it is asked again."""
        newest = await self._connection.command("GET", f"{self._connection.prefix}outbox_end", seconds=self._seconds)

        def decided(body: bytes | None) -> tuple[bytes | None, T]:
            state, answer = decide(None if body is None else read_sink(body), int(newest or 0), now())
            return (None if state is None else stored_sink(state).encode()), answer

        return await self._fields.change(storable(name), decided)

    async def forget(self, name: str) -> None:
        """The sink; with the last one goes everything that waits."""
        await self._connection.run("forget_sink", ("sinks",), (storable(name),), PATIENT_SECONDS)

    async def waiting(self, after: int, limit: int) -> Sequence[Stretch]:
        """In the order of writing."""
        stream = f"{self._connection.prefix}outbox"
        entries = await self._connection.command("XRANGE", stream, f"{after + 1}-0", "+", "COUNT", limit, seconds=PATIENT_SECONDS)
        return [_stretch(entry_id, fields) for entry_id, fields in entries]

    async def clear(self, up_to: int) -> None:
        """Forgets that anybody waited for what stands there up to a position."""
        await self._connection.run("clear_outbox", ("outbox",), (up_to,), PATIENT_SECONDS)


def _stretch(entry_id: bytes, fields: dict[bytes, bytes]) -> Stretch:
    return Stretch(
        position=int(entry_id.partition(b"-")[0]),
        run_id=fields[b"r"].decode(),
        first_seq=int(fields[b"f"]),
        last_seq=int(fields[b"l"]),
        written_at=Timestamp(float(fields[b"a"])),
        size=int(fields[b"s"]),
    )
