"""What a policy changes, key by key, and what of that a record cannot play. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from llmesc.config.model import Config
from llmesc.escalation.circuits import CircuitPolicy
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits, Timeouts

PLAYED_LIMITS = {
    "escalation": "enabled",
    "max_attempts": "max_attempts",
    "quality_threshold": "quality_threshold",
    "skip_open_circuits": "skip_open_circuits",
    "deadline_seconds": "deadline",
    "max_cost": "max_cost",
    "privacy": "privacy",
    "stop_on_content_policy": "on_content_policy",
    "wait": "wait",
    "wait_or_escalate": "wait_or_escalate",
    "all_open": "all_open",
    "retries": "retry_budget",
    "denial_seconds": "denial",
}
"""Fields of `Limits` that a simulation plays, and their keys in `[escalation]`."""

_LIMITS = {
    "hedge_after": ("hedge_after", "whom a hedge would have called beside, and what that would have brought, is not on record"),
    "resume": ("resume", "how another would have gone on with a broken answer is not on record"),
    "gate": ("gate", "what a beginning looked like is not judged again"),
    "gate_characters": ("gate_characters", "what a beginning looked like is not judged again"),
    "gate_seconds": ("gate_time", "what a beginning looked like is not judged again"),
    "max_tool_rounds": ("max_tool_rounds", "what a model would have asked of its tools next is not on record"),
    "tool_timeout_seconds": ("tool_timeout", "tools take as long as they took"),
    "last_grace": ("last_grace", "limits that were learned are not played"),
}
"""Those that it cannot play, and why."""

PLAYED_TIMEOUTS = ("first_token_seconds", "total_seconds")

_TIMEOUTS = {
    "connect_seconds": "connect",
    "stall_seconds": "stall",
    "min_rate_characters_per_second": "min_rate",
    "min_rate_over_seconds": "min_rate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that a policy says differently."""

    key: str
    """Dotted, as it stands in the file."""
    before: str
    after: str
    why_not: str = ""
    """Why it is not played; empty: it is."""


def changes(wanted: Config, present: Config) -> tuple[Change, ...]:
    """What `wanted` says differently, in the order of the file; what is not played says why."""
    return (*_limits(wanted, present), *_circuit(wanted, present), *_chains(wanted, present), *_others(wanted, present))


def _limits(wanted: Config, present: Config) -> Iterator[Change]:
    for field in fields(Limits):
        before, after = getattr(present.limits, field.name), getattr(wanted.limits, field.name)
        if before == after:
            continue
        key, why_not = _LIMITS.get(field.name) or (PLAYED_LIMITS[field.name], "")
        yield Change(key=f"escalation.{key}", before=_words(before), after=_words(after), why_not=why_not)
    if wanted.allowed_models != present.allowed_models:
        before, after = _words(present.allowed_models), _words(wanted.allowed_models)
        yield Change(key="escalation.allowed_models", before=before, after=after)


def _circuit(wanted: Config, present: Config) -> Iterator[Change]:
    for field in fields(CircuitPolicy):
        before, after = getattr(present.circuit, field.name), getattr(wanted.circuit, field.name)
        if before != after:
            yield Change(key=f"circuit.{field.name.removesuffix('_seconds')}", before=_words(before), after=_words(after))
    if wanted.window_headroom != present.window_headroom:
        yield Change(key="window_headroom", before=_words(present.window_headroom), after=_words(wanted.window_headroom))


def _chains(wanted: Config, present: Config) -> Iterator[Change]:
    for name in dict.fromkeys((*present.chains, *wanted.chains)):
        before, after = present.chains.get(name, ()), wanted.chains.get(name, ())
        if before != after:
            yield Change(key=f"chains.{name}", before=_words(before), after=_words(after))


def _others(wanted: Config, present: Config) -> Iterator[Change]:
    if wanted.providers != present.providers:
        yield from _providers(wanted, present)
    for key, why_not in (
        ("quality", "answers keep the scores that they got"),
        ("quality_commands", "answers keep the scores that they got"),
        ("quality_judge", "answers keep the scores that they got"),
        ("budgets", "whom a budget refused is refused again, and nobody else"),
        ("records", "no part of what a run does"),
        ("fleet", "no part of what a run does"),
        ("dashboard", "no part of what a run does"),
        ("state", "the record is read where the present configuration has it"),
    ):
        if getattr(wanted, key) != getattr(present, key):
            yield Change(key=key.replace("_", ".", 1), before="", after="", why_not=why_not)


def _providers(wanted: Config, present: Config) -> Iterator[Change]:
    before, after = {each.name: each for each in present.providers}, {each.name: each for each in wanted.providers}
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) == after.get(name):
            continue
        words = ("" if name in before else "not there", "" if name in after else "not there")
        yield Change(key=f"providers.{name}", before=words[0], after=words[1])
        if name in before and name in after and (keys := _unplayed(before[name].timeouts, after[name].timeouts)):
            yield Change(
                key=f"providers.{name}.timeouts.{', '.join(keys)}",
                before="",
                after="",
                why_not="when pieces of an answer came is not looked at again",
            )


def _unplayed(before: Timeouts, after: Timeouts) -> Sequence[str]:
    return list(dict.fromkeys(key for name, key in _TIMEOUTS.items() if getattr(before, name) != getattr(after, name)))


def _words(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
