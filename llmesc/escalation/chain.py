"""The chain of a request: which candidates, in which order, and which are left out and why. Pure.

The order is the operator's and is never improved upon: a chain is tried as written, or, where none is written, by tier. A
candidate is left out for exactly one reason, the first that holds of: our own policy (`not_allowed`, `privacy`), what was asked
for (`below_tier`, `missing_capability`, `context_too_small`), what must be put right (`no_credentials`, `denied`), and last
`unconfirmed_capability`, so that this one always means "nothing else stands in its way".

What is not known does not count against a candidate. An unknown window stays, for the provider will say when it is too small.
An unknown capability stays too where its absence shows: a server without tools refuses the request or answers in plain text.
Only pictures must be confirmed: several servers drop them and answer all the same, about something they never saw.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import translate
from operator import attrgetter

from llmesc.escalation.denials import DenialIndex
from llmesc.escalation.errors import (
    AttemptReport,
    EscalationExhausted,
    RoutingFailedDependency,
    RoutingTooEarly,
    RunError,
    UnknownName,
)
from llmesc.escalation.events import Chain, Move, Rejected, RunOutcome
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey, Resolution, Tier

MUST_BE_CONFIRMED = frozenset({"images"})
"""Capabilities that servers without them ignore in silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRequest:
    """What decides a chain, besides the offerings."""

    name: str = "default"
    references: tuple[str, ...] | None = None
    """As `[chains]` says, in order. None: every offering, in tier order and within a tier in configuration order."""
    pinned: str | None = None
    """A reference that becomes the primary; the rest of the chain stays behind it. What is named on purpose is exempt from
    `tier_floor`, so that "this one, then only cloud" can be said."""
    tier_floor: Tier | None = None
    """Only this tier and above."""
    needs: frozenset[str] = frozenset()
    """Capabilities the request uses."""
    estimated_tokens: int = 0
    """Of the prompt."""
    window_headroom: float = 0.1
    """This part of a window is kept free for the answer."""
    privacy: bool = False
    allowed_models: tuple[str, ...] = ()
    """Globs over references, with or without the instance; empty: all."""
    denials: tuple[Denial, ...] = ()
    """Those in force now."""
    without_credentials: frozenset[CircuitKey] = frozenset()


def build_chain(offerings: Sequence[Resolution], request: ChainRequest) -> Chain:
    """The chain of `request` over `offerings` (all of the configuration, in its order).

    A candidate named twice stands where it was named first; the second mention is neither a candidate nor a rejection. Raises
    `UnknownName` for a reference that no offering answers to.
    """
    pinned = offerings_named(offerings, () if request.pinned is None else (request.pinned,))
    if request.references is None:
        named = sorted(offerings, key=attrgetter("tier"))
    else:
        named = offerings_named(offerings, request.references)
    wanted = {resolution.model_key: resolution for resolution in (*pinned, *named)}
    checks = _Checks(request, {resolution.model_key for resolution in pinned}).needed()
    candidates: list[Resolution] = []
    rejected: list[Rejected] = []
    for key, resolution in wanted.items():
        for check in checks:
            if (rejection := check(key, resolution)) is not None:
                rejected.append(rejection)
                break
        else:
            candidates.append(resolution)
    return Chain(name=request.name, candidates=tuple(candidates), rejected=tuple(rejected))


def offerings_named(offerings: Sequence[Resolution], references: Sequence[str]) -> list[Resolution]:
    """What `references` stand for, in their order; one without an instance stands for all its instances, in configuration order.

    Raises `UnknownName`, with the nearest known references, for one that nothing answers to.
    """
    if not references:
        return []
    by_reference: dict[str, list[Resolution]] = {}
    for offering in offerings:
        by_reference.setdefault(f"{offering.provider}/{offering.model}", []).append(offering)
        by_reference.setdefault(f"{offering.provider}@{offering.instance}/{offering.model}", []).append(offering)
    named: list[Resolution] = []
    for text in references:
        if text not in by_reference:
            raise UnknownName("model", text, _nearest(text, offerings))
        named += by_reference[text]
    return named


def policy_violation(chain: Chain, request: ChainRequest) -> Rejected | None:
    """What makes the run end instead of going on: the model asked for by name is not among the allowed ones.

    A forbidden model that merely stands in a chain is left out, and the rest of the chain is asked.
    """
    if request.pinned is None:
        return None
    everyone = [*chain.candidates, *(entry.resolution for entry in chain.rejected)]
    forbidden = {entry.resolution.model_key: entry for entry in chain.rejected if entry.reason == "not_allowed"}
    asked_for = [resolution.model_key for resolution in offerings_named(everyone, (request.pinned,))]
    return forbidden[asked_for[0]] if all(key in forbidden for key in asked_for) else None


def empty_chain_error(chain: Chain) -> RunError:
    """The error of a chain without candidates.

    `RoutingTooEarly` when confirming a capability would make a candidate callable; `RoutingFailedDependency` when all were
    rejected for other reasons; `EscalationExhausted` when nothing was offered in the first place.
    """
    if not chain.rejected:
        error: RunError = EscalationExhausted(f"chain {chain.name!r} has no candidates at all", outcome=RunOutcome.EXHAUSTED)
        error.hint = "`llmesc init` writes down what this machine offers"
        return error
    unconfirmed = [entry for entry in chain.rejected if entry.reason == "unconfirmed_capability"]
    counts = Counter(entry.reason for entry in chain.rejected)
    why = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in counts.most_common())
    error = (RoutingTooEarly if unconfirmed else RoutingFailedDependency)(
        f"chain {chain.name!r} has no candidate for this request: {why}",
        outcome=RunOutcome.NOTHING_CALLABLE,
        attempts=tuple(
            AttemptReport(resolution=entry.resolution, outcome=None, skipped=entry.reason) for entry in chain.rejected
        ),
        retry_at=min((entry.retry_at for entry in chain.rejected if entry.retry_at is not None), default=None),
    )
    if unconfirmed:
        error.hint = f"if {unconfirmed[0].resolution.ref} can, add it to `capabilities` of that model in the configuration"
    else:
        error.hint = "`llmesc chain show` says why each was left out"
    return error


def move_of(primary: Resolution, candidate: Resolution) -> Move:
    """How `candidate` relates to the chain's first candidate."""
    if candidate.model_key == primary.model_key:
        return Move.PRIMARY
    return Move.LATERAL if candidate.tier == primary.tier else Move.ESCALATION


def is_tier_upgrade(before: Resolution, after: Resolution) -> bool:
    """Whether a switch goes from self-hosted to hosted: prompts leave the operator's machines and cost money."""
    return before.tier.self_hosted and not after.tier.self_hosted


_Check = Callable[[ModelKey, Resolution], Rejected | None]
"""Why a candidate is left out; None: nothing against it."""


class _Checks:
    """The reasons to leave a candidate out, made ready to be asked for many candidates."""

    def __init__(self, request: ChainRequest, pinned: Collection[ModelKey]) -> None:
        self._request = request
        self._pinned = pinned
        self._allowed = re.compile("|".join(map(translate, request.allowed_models))).match
        self._denials = DenialIndex(request.denials)
        self._must_be_confirmed = request.needs & MUST_BE_CONFIRMED

    def needed(self) -> list[_Check]:
        """Those that can fire for this request, in the order in which they are asked."""
        request = self._request
        return [
            check
            for necessary, check in (
                (request.allowed_models, self._not_allowed),
                (request.privacy, self._not_private),
                (request.tier_floor is not None, self._below_tier),
                (request.needs, self._missing_capability),
                (request.estimated_tokens, self._context_too_small),
                (request.without_credentials, self._no_credentials),
                (request.denials, self._denied),
                (self._must_be_confirmed, self._unconfirmed_capability),
            )
            if necessary
        ]

    def _not_allowed(self, key: ModelKey, candidate: Resolution) -> Rejected | None:
        provider, instance, model = key
        if self._allowed(f"{provider}/{model}") or self._allowed(f"{provider}@{instance}/{model}"):
            return None
        return Rejected(resolution=candidate, reason="not_allowed", detail="not among allowed_models")

    def _not_private(self, _key: ModelKey, candidate: Resolution) -> Rejected | None:
        if candidate.private:
            return None
        return Rejected(resolution=candidate, reason="privacy", detail="prompts would leave the operator's machines")

    def _below_tier(self, key: ModelKey, candidate: Resolution) -> Rejected | None:
        floor = self._request.tier_floor
        if floor is None or candidate.tier >= floor or key in self._pinned:
            return None
        detail = f"tier {candidate.tier.label} is below {floor.label}"
        return Rejected(resolution=candidate, reason="below_tier", detail=detail)

    def _missing_capability(self, _key: ModelKey, candidate: Resolution) -> Rejected | None:
        needs, has = self._request.needs, candidate.offering.capabilities
        if has is None or needs <= has:
            return None
        return Rejected(resolution=candidate, reason="missing_capability", detail=f"lacks {', '.join(sorted(needs - has))}")

    def _context_too_small(self, _key: ModelKey, candidate: Resolution) -> Rejected | None:
        tokens, window = self._request.estimated_tokens, candidate.offering.context_window
        if window is None or tokens <= (room := window * (1 - self._request.window_headroom)):
            return None
        detail = f"about {tokens:,} tokens of prompt; a window of {window:,} has room for {int(room):,}"
        return Rejected(resolution=candidate, reason="context_too_small", detail=detail)

    def _no_credentials(self, key: ModelKey, candidate: Resolution) -> Rejected | None:
        if key[:2] not in self._request.without_credentials:
            return None
        return Rejected(resolution=candidate, reason="no_credentials", detail=f"no key for {candidate.circuit_key}")

    def _denied(self, key: ModelKey, candidate: Resolution) -> Rejected | None:
        denial = self._denials.of(key)
        if denial is None:
            return None
        return Rejected(resolution=candidate, reason="denied", detail=f"{denial.who}: {denial.why}", retry_at=denial.until)

    def _unconfirmed_capability(self, _key: ModelKey, candidate: Resolution) -> Rejected | None:
        if candidate.offering.capabilities is not None:
            return None
        detail = f"nobody said whether it takes {', '.join(sorted(self._must_be_confirmed))}"
        return Rejected(resolution=candidate, reason="unconfirmed_capability", detail=detail)


_NEAREST = 3


def _nearest(text: str, offerings: Iterable[Resolution]) -> tuple[str, ...]:
    """Known references that `text` may have meant: those that contain it, then those that are spelled alike."""
    known = dict.fromkeys(name for it in offerings for name in (it.ref, f"{it.provider}/{it.model}"))
    holding = [name for name in known if text.casefold() in name.casefold()]
    return tuple(dict.fromkeys([*holding, *get_close_matches(text, known, n=_NEAREST)]))[:_NEAREST]
