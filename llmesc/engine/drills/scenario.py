"""What a drill does and what is to come of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from llmesc.engine.drills.faults import Fault, checked, parse_fault, split_options
from llmesc.engine.options import AskOptions
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import Resolution

PROMPT = "What is Raft?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A fault at candidates."""

    target: str
    """`provider` or `provider@instance`, with or without `/model`; or a glob over what is so written."""
    fault: Fault
    from_seconds: float = 0.0
    """Since the drill began."""
    until_seconds: float = float("inf")
    times: int | None = None
    """For so many calls of each candidate; None: for all."""

    def hits(self, candidate: Resolution) -> bool:
        """Whether it is meant for this candidate."""
        return any(name == self.target or fnmatchcase(name, self.target) for name in names(candidate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What has to come of a drill; what is None is not looked at."""

    outcome: str = "answered"
    """Of every request: a `RunOutcome`."""
    answered_by: str | None = None
    """A target."""
    within_seconds: float | None = None
    """Each request."""
    seen_as: str | None = None
    """What the first failure of the first request was taken for: a failure kind, or `quality`."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """The most calls of all that a target means, over all requests."""
    circuits: Mapping[str, str] = field(default_factory=dict)
    """The state of each circuit that a target means, at the end."""
    cost: Decimal | None = None
    """The most of all requests, in US dollars."""
    added_seconds: float | None = None
    """The longest time from the moment a fault could be known to the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One drill. Nothing but the faults is made up, unless it is simulated."""

    name: str
    injections: Sequence[Injection] = ()
    prompt: str = PROMPT
    stream: bool = True
    """Whether candidates are asked for a stream."""
    asks: int = 1
    every_seconds: float = 0.0
    """From the start of one request to that of the next, at least."""
    simulate: bool = False
    """Every candidate is played: nothing leaves this machine, nothing costs, no key is needed."""
    pace_seconds: float = 0.0
    """Between two words of a good answer that is played: who watches wants to see it come."""
    timeouts: Mapping[str, Any] = field(default_factory=dict)
    """Of every candidate, by the fields of `Timeouts`; the rest is as configured."""
    options: AskOptions = field(default_factory=AskOptions)
    expected: Expected = field(default_factory=Expected)


def names(candidate: Resolution) -> tuple[str, ...]:
    """All the ways in which a target may name it."""
    who = f"{candidate.provider}@{candidate.instance}"
    return (candidate.provider, who, f"{candidate.provider}/{candidate.model}", f"{who}/{candidate.model}")


def meant(target: str, candidates: Iterable[Resolution]) -> list[Resolution]:
    """The candidates that `target` means. Raises `UnknownName` where it means none."""
    candidates = list(candidates)
    found = [each for each in candidates if any(name == target or fnmatchcase(name, target) for name in names(each))]
    if not found:
        known = list(dict.fromkeys(each.ref for each in candidates))
        raise UnknownName("candidate", target, tuple(get_close_matches(target, known, cutoff=0.3)) or tuple(known))
    return found


def injection(text: str, fault: str | None = None) -> Injection:
    """`TARGET=FAULT[:OPTION=NUMBER]`, or, where `fault` names it, `TARGET[:OPTION=NUMBER]`. Raises ValueError that says how."""
    if fault is not None:
        target, options = split_options(text)
        if not target:
            raise ValueError(f"{text!r} names no candidate; write PROVIDER, PROVIDER@INSTANCE or either with /MODEL")
        return Injection(target=target, fault=checked(Fault(fault, options)))
    whole, options = split_options(text, at_candidate=True)
    target, equals, name = whole.rpartition("=")
    if not equals or not target:
        raise ValueError(f"{text!r} is no fault at a candidate; write TARGET=FAULT, like openai=503 or lab=cut:after=40")
    written = parse_fault(name)
    return Injection(target=target, fault=checked(Fault(written.name, options)))
