"""Past runs with their calls, in SQLite: a page by the time they began, its events read in the order in which they lie."""

from __future__ import annotations

import json
import re
from itertools import groupby
from operator import itemgetter
from sqlite3 import Connection
from typing import Any

from llmesc.state.past import PAGE_RUNS, TELLING, PastPage, PastQuery, PastReader
from llmesc.state.projection import storable
from llmesc.state.sqlite_history import microseconds
from llmesc.state.usage import caller_name

_TELLS = re.compile(f'"type":"(?:{"|".join(TELLING)})"').search
"""Whether a stretch of events has any that counts: most of a long answer's have only text. Quotes inside of text are escaped."""


def page(connection: Connection, query: PastQuery, rest: str, reader: PastReader) -> PastPage:
    """The runs before the one that `rest` names, newest first."""
    before = int(rest) if rest else microseconds(query.until)
    conditions, values = ["id >= ?", "id < ?"], list[Any]([microseconds(query.since), before])
    if query.chain is not None:
        conditions.append("chain = ?")
        values.append(storable(query.chain))
    if query.caller is not None:
        connection.create_function("caller_name", 1, lambda caller: caller_name(json.loads(caller)), deterministic=True)
        conditions.append("caller_name(caller) = ?")
        values.append(storable(query.caller))
    if query.provider is not None:
        conditions.append("EXISTS (SELECT 1 FROM attempts WHERE attempts.run = id AND provider = ?)")
        values.append(query.provider)
    wanted = f"SELECT id FROM runs WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"  # noqa: S608 - our own words
    ids = [run for (run,) in connection.execute(wanted, (*values, PAGE_RUNS))]
    if not ids:
        return PastPage((), "")
    rows = connection.execute(
        "SELECT run, body FROM events WHERE run BETWEEN ? AND ? ORDER BY run DESC, first_seq", (ids[-1], ids[0])
    )
    chosen = set(ids)
    runs = [
        reader.run(event for _, body in stretches if _TELLS(body) for event in json.loads(body))
        for run, stretches in groupby(rows, itemgetter(0))
        if run in chosen
    ]
    return PastPage([run for run in runs if run is not None], str(ids[-1]) if len(ids) == PAGE_RUNS else "")
