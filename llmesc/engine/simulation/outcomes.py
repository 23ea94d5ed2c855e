"""What a call would have brought: what it did bring in that very run, else what calls like it brought about that time. Pure.

Recorded: the run called that candidate, so its own call counts. Assumed: it did not, and one of the recorded calls that lie
nearest in time counts for it, of the same model at the instance, else at another instance of the provider, else of another
model there. Nearest in time, because outages and slow hours are what a change of the chain is about. Unknown: nobody at that
provider was called in that time; then nothing is guessed.

Which of the nearest it is depends on the seed, the run and the candidate alone, and not on what happened before: two policies
that call the same candidate in the same run meet the same outcome, so that what differs between them is their own doing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Literal, NamedTuple

from llmesc.escalation.envelope import SHARE_SPENT
from llmesc.escalation.messages import Usage
from llmesc.escalation.pricing import cost
from llmesc.escalation.resolution import ModelKey, Price, Resolution
from llmesc.escalation.times import Timestamp
from llmesc.state.past import PastCall, PastRun

NEAREST_CALLS = 20
"""Of so many one is drawn: enough that one bad call is not everybody's, few enough to lie in the same hour of a busy day."""

Source = Literal["recorded", "assumed"]


class Drawn(NamedTuple):
    """What a call brings."""

    call: PastCall
    source: Source
    cost: Decimal | None
    """US dollars; None: not known."""


class _Pool:
    """Calls in the order of their times."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._calls: list[PastCall] = []

    def add(self, at: float, call: PastCall) -> None:
        self._times.append(at)
        self._calls.append(call)

    def near(self, at: float, draw: int) -> PastCall:
        """One of the nearest; `draw` says which."""
        here = bisect_left(self._times, at)
        first = max(0, min(here - NEAREST_CALLS // 2, len(self._times) - NEAREST_CALLS))
        return self._calls[first + draw % min(NEAREST_CALLS, len(self._times))]


class Outcomes:
    """Of the runs of one record."""

    def __init__(self, runs: Iterable[PastRun], seed: int) -> None:
        """`runs`: the oldest first."""
        self._seed = seed
        self._pools: dict[Sequence[str], _Pool] = {}
        for run in runs:
            for call in run.calls:
                if tells_of_others(call):
                    for name in _names(call.key):
                        self._pools.setdefault(name, _Pool()).add(run.began, call)

    def of(
        self,
        run: PastRun,
        candidate: Resolution,
        before: int,
        now: Timestamp,
        *,
        price: Price | None = None,
        repriced: bool = False,
    ) -> Drawn | None:
        """What a call of `candidate` at `now` brings, which the run has called `before` times; None: unknown. `price`: where its
        offering has none; `repriced`: what it did cost counts no more, because that is another price.
        """
        key = candidate.model_key
        own = [call for call in run.calls if call.key == key]
        if before < len(own):
            call = own[before]
            return Drawn(call, "recorded", _cost(candidate, call, price, None) if repriced else call.cost)
        for name in _names(key):
            if (pool := self._pools.get(name)) is not None:
                call = pool.near(now, self._draw(run.run_id, key, before))
                return Drawn(call, "assumed", _cost(candidate, call, price, _prompt_tokens(run)))
        return None

    def _draw(self, run_id: str, key: ModelKey, before: int) -> int:
        text = f"{self._seed}\0{run_id}\0{key}\0{before}".encode("utf-8", "replace")
        return int.from_bytes(blake2b(text, digest_size=8).digest())


def tells_of_others(call: PastCall) -> bool:
    """Whether it shows what its candidate brings: not where the run itself broke it off, for want of time or for a faster one."""
    return not call.hedged_away and call.outcome != "cancelled" and not spent_its_share(call)


def spent_its_share(call: PastCall) -> bool:
    """Whether it ended because others were still to have their time."""
    return call.failure is not None and call.failure.rule == SHARE_SPENT


def _cost(candidate: Resolution, call: PastCall, price: Price | None, prompt_tokens: int | None) -> Decimal | None:
    """What a call like `call` costs at `candidate`, with a prompt of that length (None: its own)."""
    if call.cost == 0 and not call.usage.output_tokens:
        return Decimal(0)  # it reached nobody
    price, usage = price or candidate.offering.price, call.usage
    if price is None:
        if candidate.tier.self_hosted or candidate.simulated:
            return Decimal(0)
        return call.cost if call.key == candidate.model_key else None
    if prompt_tokens is not None and call.calls == 1:  # rounds of tools read their prompt several times
        usage = Usage(input_tokens=prompt_tokens, output_tokens=usage.output_tokens, reasoning_tokens=usage.reasoning_tokens)
    return cost(price, usage)


def _prompt_tokens(run: PastRun) -> int | None:
    """As somebody counted them, else as estimated."""
    return next((call.usage.input_tokens for call in run.calls if call.usage.input_tokens), run.prompt_tokens)


def _names(key: ModelKey) -> tuple[Sequence[str], ...]:
    """The pools that a call stands in, the narrowest first."""
    return key, (key.provider, key.model), (key.provider,)
