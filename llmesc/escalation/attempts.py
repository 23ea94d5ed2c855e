"""The attempts of one run: each is announced, begun and settled here, and the totals are drawn."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from llmesc.escalation.attempt import Attempt
from llmesc.escalation.chain import is_tier_upgrade, move_of
from llmesc.escalation.events import (
    AttemptFinished,
    AttemptOutcome,
    AttemptPriced,
    AttemptStarted,
    Chain,
    JudgeTotals,
    ProviderSwitched,
    Totals,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.gate import Gate, JudgeBeginning
from llmesc.escalation.ledger import Ledger
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, ToolCall, Usage
from llmesc.escalation.ports import PriceOf
from llmesc.escalation.pricing import cost, cost_of
from llmesc.escalation.quality import Draft
from llmesc.escalation.report import Report
from llmesc.escalation.resolution import Resolution
from llmesc.escalation.run import EventStream
from llmesc.escalation.selected import Selected
from llmesc.escalation.shown import Shown


class Attempts:
    """Of one run."""

    def __init__(
        self, stream: EventStream, chain: Chain, limits: Limits, judge_beginning: JudgeBeginning, report: Report, shown: Shown
    ) -> None:
        self._stream = stream
        self._primary = chain.primary
        self._limits = limits
        self._judge_beginning = judge_beginning
        self._report = report
        self._shown = shown
        self._last: Resolution | None = None
        self._ledger = Ledger()
        self._unpriced: list[tuple[int, int, Resolution, Usage]] = []
        self.made = 0

    @property
    def spent(self) -> Decimal:
        """US dollars, of the attempts that are settled."""
        return self._ledger.spent

    async def begin(self, selected: Selected, asked: Request, because: tuple[str, str]) -> Attempt:
        """The attempt that calls `selected` next, its start on record; `because`: why it is not the last one's or the primary's
        turn again.
        """
        attempt = self._new(selected, asked)
        await self._announce(attempt, because, selected)
        if not attempt.kept.text:
            await self._shown.discard()
        await self._start(attempt, selected)
        self._has_turn(attempt)
        return attempt

    async def hedge(self, selected: Selected, beside: Attempt) -> Attempt:
        """The attempt that asks `selected` the same while `beside`, whose turn it stays, is silent; its start on record."""
        attempt = self._new(selected, beside.asked)
        await self._start(attempt, selected, hedges=beside.number)
        return attempt

    async def hand_over(self, attempt: Attempt, because: tuple[str, str]) -> None:
        """A hedge has the turn from now on."""
        await self._announce(attempt, because)
        self._has_turn(attempt)

    def _has_turn(self, attempt: Attempt) -> None:
        self._last = attempt.resolution
        self._shown.begins(attempt)

    async def _start(self, attempt: Attempt, selected: Selected, hedges: int | None = None) -> None:
        self.made += 1
        probe = selected.admission.token is not None
        if probe:
            await self._report.probing(selected.admission)
        await self._stream.emit(
            AttemptStarted,
            attempt=attempt.number,
            attempt_id=attempt.attempt_id,
            resolution=attempt.resolution,
            move=attempt.move,
            probe=probe,
            repairs=selected.repairs,
            continues_characters=len(attempt.kept.text),
            allowance=selected.allowance,
            against_circuit=selected.against_circuit,
            hedges=hedges,
            reserved=selected.reserved,
        )

    def _new(self, selected: Selected, asked: Request) -> Attempt:
        number = self.made + 1
        kept = self._shown.kept
        return Attempt(
            number=number,
            attempt_id=f"{self._stream.run_id}.{number}",
            resolution=selected.resolution,
            move=move_of(self._primary or selected.resolution, selected.resolution),
            admission=selected.admission,
            asked=asked,
            started=asyncio.get_running_loop().time(),
            call_ids={part.call_id for message in asked.messages for part in message.parts if isinstance(part, ToolCall)},
            kept=kept,
            gate=Gate(
                self._limits,
                self._judge_beginning,
                Draft(
                    text="",
                    expect="json" if asked.wants_json else "text",
                    language=asked.language,
                    prompt=asked.prompt,
                ),
                continues=bool(kept.text),
                condemns=not selected.is_last,
            ),
        )

    async def _announce(self, attempt: Attempt, because: tuple[str, str], selected: Selected | None = None) -> None:
        before = self._last or self._primary or attempt.resolution
        if before == attempt.resolution:
            return
        kept = len(attempt.kept.text)
        await self._stream.emit(
            ProviderSwitched,
            from_resolution=before,
            to_resolution=attempt.resolution,
            move=attempt.move,
            because=because[0],
            detail=because[1],
            tier_upgrade=is_tier_upgrade(before, attempt.resolution),
            characters_discarded=0 if kept else self._shown.characters,
            characters_kept=kept,
            cost=selected.cost if selected and selected.instead_of else None,
            instead_of=selected.instead_of if selected else None,
        )

    async def settle(
        self, attempt: Attempt, outcome: AttemptOutcome, lost_to: Attempt | None = None, kind: FailureKind | None = None
    ) -> None:
        """The attempt is over: what it used and cost counts, whatever came of it.

        `lost_to`: who was first; `kind`: what it failed with, where it failed.
        """
        usage = attempt.usage()
        dollars = cost_of(attempt.resolution, usage) if attempt.reached else Decimal(0)
        place = self._ledger.settle(usage, dollars)
        if dollars is None:
            self._unpriced.append((place, attempt.number, attempt.resolution, usage))
        first = attempt.first_content_at
        await self._stream.emit(
            AttemptFinished,
            attempt=attempt.number,
            resolution=attempt.resolution,
            outcome=outcome,
            usage=usage,
            cost=dollars,
            cost_estimated=usage.estimated,
            first_token_seconds=None if first is None else first - attempt.started,
            duration_seconds=attempt.seconds(asyncio.get_running_loop().time()),
            characters=attempt.characters,
            finish_reason=attempt.finish.reason if attempt.finish else None,
            request_id=attempt.request_id,
            repeated_characters=attempt.seam.repeated,
            lost_to=lost_to.number if lost_to else None,
            kind=kind,
            unfinished_judge=attempt.unfinished_judge,
        )

    async def price(self, price_of: PriceOf) -> None:
        """Finds out what those cost whose price was not known when they ended, once nobody waits for the answer any more.

        Raises `Interrupted` when the run is cancelled while its reader is still busy.
        """
        if not self._unpriced:
            return
        await self._stream.caught_up()
        for place, number, resolution, usage in self._unpriced:
            price = await price_of(resolution)
            dollars = None if price is None else cost(price, usage)
            if price is not None and dollars is not None:
                self._ledger.price(place, dollars)
                await self._stream.emit(AttemptPriced, attempt=number, cost=dollars, price=price)

    def totals(self, skipped: int, duration_seconds: float, judge: JudgeTotals | None) -> Totals:
        """Of the run so far; `judge`: what judging its answers took."""
        return Totals(
            attempts=self.made,
            skipped=skipped,
            usage=self._ledger.usage,
            cost=self._ledger.cost,
            duration_seconds=duration_seconds,
            judge=judge,
        )
