"""The prompts behind the arrow keys: of this session, and of the operator's earlier ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llmesc.engine import RunSummary

KEPT_PROMPTS = 100

SUMMARY_CHARACTERS = 200
"""A listed prompt of that length was cut: asked again it would be another."""


def earlier_prompts(asked: Sequence[str], runs: Sequence[RunSummary], who: str) -> list[str]:
    """Newest first, each once: `asked` in this session, then what `who` (`user@host`) asked on a dashboard before."""
    before = (
        run.prompt
        for run in runs
        if run.caller.get("command") == "dashboard"
        and f"{run.caller.get('user', '')}@{run.caller.get('host', '')}" == who
        and len(run.prompt) < SUMMARY_CHARACTERS
    )
    return list(dict.fromkeys((*asked, *before)))[:KEPT_PROMPTS]
