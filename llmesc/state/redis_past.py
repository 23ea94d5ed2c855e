"""Past runs with their calls, in Redis: found by the time they began, read in pages that hold up nobody."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from llmesc.state.past import PastPage, PastQuery, PastReader
from llmesc.state.projection import storable
from llmesc.state.redis_connection import PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_history import microseconds
from llmesc.state.usage import caller_name

_PAGE_RUNS = 50
"""Whose events are read in one script: some milliseconds of the server's time, in which it serves nobody else."""


async def page(connection: RedisConnection, query: PastQuery, rest: str, reader: PastReader) -> PastPage:
    """The runs before the one that `rest` names, newest first."""
    index = "runs" if query.provider is None else f"by_provider:{storable(query.provider)}"
    highest = f"({rest or microseconds(query.until)}"
    columns = ("run_id", "chain", "caller")
    found = await connection.run("list", (index,), (microseconds(query.since), highest, _PAGE_RUNS, *columns), PATIENT_SECONDS)
    rows = found[1:]
    there = (json.loads(row) for row in rows[1::2] if row)
    wanted = [
        run_id for run_id, chain, caller in there if query.chain in (None, chain) and query.caller in (None, caller_name(caller))
    ]
    runs = []
    if wanted:
        keys = tuple(f"events:{storable(run_id)}" for run_id in wanted)
        streams = (await connection.run("stretches", keys, (), PATIENT_SECONDS))[1:]
        runs = [run for stream in streams if (run := reader.run(_events(stream))) is not None]
    return PastPage(runs, rows[-2].decode() if len(rows) == 2 * _PAGE_RUNS else "")


def _events(stream: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for _, fields in stream:
        body = dict(zip(fields[::2], fields[1::2], strict=True))[b"b"]
        yield from json.loads(zlib.decompress(body))
