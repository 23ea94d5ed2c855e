"""What a configuration means for past runs: by which rules each of them is played. Pure.

What a policy says differently from the present configuration holds for every run; what it leaves alone stays as each run had
it: the limits that its caller set, the chain as it was recorded with all that kept a candidate out of it. So a policy is not
blamed, nor praised, for what the configuration has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from llmesc.config.model import Config
from llmesc.config.offers import DEFAULT_CHAIN
from llmesc.engine.simulation.differences import PLAYED_LIMITS, PLAYED_TIMEOUTS
from llmesc.engine.simulation.rules import Rules
from llmesc.escalation.chain import ChainRequest, build_chain
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.events import Chain, SkipReason
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.resolution import ModelKey, Price, Resolution, Tier
from llmesc.state.past import PastRun

_FACTS: frozenset[SkipReason] = frozenset({"unsupported", "no_credentials", "forced_open", "no_price", "denied"})
"""Reasons to pass over or to reject a candidate that hold under any policy."""


class Situated:
    """A configuration with what its offerings cost and how long they may take."""

    def __init__(self, config: Config, offerings: Sequence[Resolution], timeouts: Mapping[ModelKey, Timeouts]) -> None:
        """`offerings`: of the configuration, with their prices."""
        self.config = config
        self.offerings = tuple(offerings)
        self.timeouts = timeouts
        self.prices: Mapping[ModelKey, Price | None] = {each.model_key: each.offering.price for each in offerings}

    def chain(self, name: str) -> tuple[Resolution, ...] | None:
        """All that it names, in order; None where there is no such chain."""
        if name not in self.config.chains and name != DEFAULT_CHAIN:
            return None
        return build_chain(self.offerings, ChainRequest(name=name, references=self.config.chains.get(name))).candidates


class Policy:
    """A configuration as a change of the present one."""

    def __init__(self, wanted: Situated, present: Situated) -> None:
        self._wanted = wanted
        self._present = present
        self._said = _said(wanted.config.limits, present.config.limits)
        self._limits: dict[Limits, Limits] = {}
        self._routes = _routes(wanted) != _routes(present)
        self._differ: dict[str, bool] = {}
        self._usual_chains: dict[str, tuple[Resolution, ...]] = {}
        self._built: dict[tuple[Any, ...], Chain] = {}
        self._windows = sorted(
            each.offering.context_window * (1 - wanted.config.window_headroom)
            for each in wanted.offerings
            if each.offering.context_window is not None
        )
        self._timeouts_differ = frozenset(
            key
            for key, limits in wanted.timeouts.items()
            if key in present.timeouts
            and any(getattr(limits, name) != getattr(present.timeouts[key], name) for name in PLAYED_TIMEOUTS)
        )
        self._repriced = frozenset(
            key for key, price in wanted.prices.items() if key in present.prices and present.prices[key] != price
        )

    def rules(self, run: PastRun) -> Rules:
        """By which it is played."""
        limits = self._limits.get(run.limits)
        if limits is None:
            limits = self._limits[run.limits] = replace(run.limits, **self._said)
        return Rules(
            chain=self._chain(run, limits),
            limits=limits,
            timeouts=self._wanted.timeouts,
            timeouts_differ=self._timeouts_differ,
            prices=self._wanted.prices,
            repriced=self._repriced,
            facts=_facts(run),
        )

    def changes(self, name: str) -> bool:
        """Whether it has another chain of that name than the present configuration, or other rules of who may stand in one."""
        if (differs := self._differ.get(name)) is None:
            wanted = self._wanted.chain(name)
            differs = self._differ[name] = wanted is not None and (self._routes or wanted != self._present.chain(name))
        return differs

    def _chain(self, run: PastRun, limits: Limits) -> Chain:
        name = run.chain.name
        if not self.changes(name) and limits.privacy == run.limits.privacy:
            return run.chain
        tokens, config = run.prompt_tokens or 0, self._wanted.config
        pinned, floor = self._pinned(run), _tier_floor(run)
        too_small = sum(room < tokens for room in self._windows)
        place = (name, pinned, floor, run.needs, too_small, limits.privacy)
        if (chain := self._built.get(place)) is None:
            asked = ChainRequest(
                name=name,
                references=config.chains.get(name),
                pinned=pinned,
                tier_floor=floor,
                needs=run.needs,
                estimated_tokens=tokens,
                window_headroom=config.window_headroom,
                privacy=limits.privacy,
                allowed_models=config.allowed_models,
            )
            chain = self._built[place] = _built(self._wanted.offerings, asked)
        return chain

    def _usual(self, name: str) -> tuple[Resolution, ...]:
        """All that the present chain of that name has."""
        if (usual := self._usual_chains.get(name)) is None:
            usual = self._usual_chains[name] = self._present.chain(name) or ()
        return usual

    def _pinned(self, run: PastRun) -> str | None:
        """Whom it was asked to begin with (`--model`): one that stands before the rest of the chain, and not by the
        configuration.
        """
        usual = self._usual(run.chain.name)
        there = [each.model_key for each in run.chain.candidates]
        rejected = {each.resolution.model_key for each in run.chain.rejected}
        rest = (
            [each.model_key for each in usual if each.model_key not in rejected and each.model_key != there[0]] if there else []
        )
        if not there or there[1:] != rest or (usual and there[0] == usual[0].model_key):
            return None
        return str(there[0])


def _built(offerings: Sequence[Resolution], asked: ChainRequest) -> Chain:
    try:
        return build_chain(offerings, asked)
    except UnknownName:  # whom it was asked to begin with nobody offers any more
        return build_chain(offerings, replace(asked, pinned=None))


def _said(wanted: Limits, present: Limits) -> dict[str, Any]:
    names = (field.name for field in fields(Limits) if field.name in PLAYED_LIMITS)
    return {name: getattr(wanted, name) for name in names if getattr(wanted, name) != getattr(present, name)}


def _routes(of: Situated) -> tuple[Any, ...]:
    """Rules of who may stand in a chain, whatever its name."""
    return of.config.allowed_models, of.config.window_headroom


def _facts(run: PastRun) -> Mapping[ModelKey, SkipReason]:
    """Whom it could not have called, whatever the policy."""
    if not run.skipped and not run.chain.rejected:
        return {}
    facts = {key: reason for key, reason in run.skipped.items() if reason in _FACTS or _by_a_budget(reason, run)}
    facts |= {each.resolution.model_key: each.reason for each in run.chain.rejected if each.reason in _FACTS}
    for call in run.calls:
        facts.pop(call.key, None)
    return facts


def _by_a_budget(reason: SkipReason, run: PastRun) -> bool:
    """Whether a spending budget was the reason, and not the run's own cap."""
    return reason == "over_budget" and run.limits.max_cost is None


def _tier_floor(run: PastRun) -> Tier | None:
    """The lowest tier that it was asked for (`--tier`), as the reason says for which others were left out."""
    for each in run.chain.rejected:
        if each.reason == "below_tier":
            try:
                return Tier.parse(each.detail.rpartition(" ")[2])
            except ValueError:
                return None
    return None
