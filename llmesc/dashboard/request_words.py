"""What is known of a request, in a line. Pure."""

from __future__ import annotations

from llmesc.engine import RunSummary
from llmesc.escalation.times import Timestamp
from llmesc.escalation.untrusted import one_line
from llmesc.story import words


def about_request(run: RunSummary, now: Timestamp) -> str:
    """Which it is, who asked, who answered, what it took."""
    parts = [run.run_id, f"chain {run.chain}"]
    if run.answered_by is not None:
        parts.append(f"by {run.answered_by}")
    if run.attempts:
        parts.append(words.plural(run.attempts, "attempt"))
    parts.append(words.seconds(max((run.finished_at or now) - run.started_at, 0.0)))
    if run.input_tokens is not None or run.output_tokens is not None:
        parts.append(f"{words.count(run.input_tokens)} → {words.count(run.output_tokens)} tokens")
    if run.cost is not None:
        parts.append(words.money(run.cost))
    parts.append(f"asked {words.moment(run.started_at)[11:]} by {asker(run)}")
    return one_line(" · ".join(parts), 400)


def asker(run: RunSummary) -> str:
    """`ann@web1 (ask, process 4711)`, as far as it is known; the name that was given, where one was."""
    caller = run.caller
    if name := caller.get("name"):
        return f"{name} ({caller['command']})" if caller.get("command") else name
    who = "@".join(part for part in (caller.get("user"), caller.get("host")) if part) or "somebody"
    with_what = ", ".join(
        part for part in (caller.get("command"), f"process {caller['pid']}" if caller.get("pid") else "") if part
    )
    return f"{who} ({with_what})" if with_what else who
