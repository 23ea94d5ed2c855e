"""What many calls together say, in SQLite: found by the time they began, whatever came before."""

from __future__ import annotations

import json
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from llmesc.state.activity import Call, Window
from llmesc.state.sqlite_history import microseconds
from llmesc.state.usage import JUDGED, UsageQuery, Used, caller_name, fate_of, together


def calls(connection: Connection, window: Window) -> list[Call]:
    """Those that began in `window` and have ended."""
    rows = connection.execute(
        "SELECT ref, started_at, outcome, duration_seconds, first_token_seconds FROM attempts "
        "WHERE started_at >= ? AND started_at < ? AND outcome IS NOT NULL",
        (window.since, window.until),
    )
    return [Call(*row) for row in rows]


class DecimalSum:
    """Of the texts of some numbers: SQLite itself would add them as binary fractions."""

    def __init__(self) -> None:
        self._sum = Decimal(0)

    def step(self, value: object) -> None:
        """One more; what is not known adds nothing."""
        if value is not None:
            self._sum += Decimal(str(value))

    def finalize(self) -> Any:
        """All of them, as text: SQLite has no type for it."""
        return str(self._sum)


_WHO = "json_extract(caller, '$.name', '$.user', '$.host')"
"""Not the whole of it: every process is another caller."""


def usage(connection: Connection, query: UsageQuery) -> list[Used]:
    """The sums over the calls of the runs that began then."""
    connection.create_aggregate("decimal_sum", 1, DecimalSum)
    source = "attempts CROSS JOIN runs ON id = run" if query.apart else "attempts"
    chain = "chain" if "chain" in query.apart else "''"
    who = _WHO if "caller" in query.apart else "NULL"
    longer = " + ".join(["0", *("(call_input_tokens > ?)" for _ in query.prompt_lengths)])
    size = f"CASE WHEN call_output_tokens IS NOT NULL THEN {longer} + 0 * call_input_tokens END"
    rows = connection.execute(
        "SELECT ref, tier, attempts.outcome, kind, "  # noqa: S608 - our own words
        f"{chain} AS chain_name, {who} AS who, {size} AS size, call_cost IS NULL AS unknown, "
        "count(*), sum(call_input_tokens), sum(call_output_tokens), decimal_sum(call_cost) "
        f"FROM {source} WHERE run >= ? AND run < ? GROUP BY ref, tier, attempts.outcome, kind, chain_name, who, size, unknown",
        (*query.prompt_lengths, microseconds(query.since), microseconds(query.until)),
    )
    judges = connection.execute(
        f"SELECT judge_ref, judge_tier, '{JUDGED}', NULL, "  # noqa: S608 - as above
        f"{chain} AS chain_name, {who} AS who, NULL, judge_cost IS NULL AS unknown, "
        "count(*), sum(judge_input_tokens), sum(judge_output_tokens), decimal_sum(judge_cost) "
        f"FROM {source} WHERE judge_ref IS NOT NULL AND run >= ? AND run < ? "
        "GROUP BY judge_ref, judge_tier, chain_name, who, unknown",
        (microseconds(query.since), microseconds(query.until)),
    )
    return together(_used(row) for row in (*rows, *judges))


def _used(row: tuple[Any, ...]) -> Used:
    ref, tier, outcome, kind, chain, who, longer_than, cost_unknown, number, read, written, dollars = row
    return Used(
        ref=ref,
        tier=tier,
        chain=chain,
        caller="" if who is None else caller_name(dict(zip(("name", "user", "host"), json.loads(who), strict=True))),
        fate=fate_of(outcome, kind),
        longer_than=longer_than,
        calls=number,
        input_tokens=read or 0,
        output_tokens=written or 0,
        cost=None if cost_unknown else Decimal(dollars),
    )
