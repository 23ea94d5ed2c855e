"""The calls that are made at the same time: the one whose turn it is, and the hedge that is called beside it when it is silent.

Everything happens in the task of the run: while it is open who is first, whatever comes of any of them is waited for at once, and
taken one piece after the other, so that events stay in order. From the first content on there is one call left, and it is
pulled as if it had always been alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llmesc.escalation.attempt import Attempt, Ending
from llmesc.escalation.attempts import Attempts
from llmesc.escalation.envelope import Left
from llmesc.escalation.events import AttemptOutcome
from llmesc.escalation.hedging import HEDGE
from llmesc.escalation.interrupt import Interrupted
from llmesc.escalation.pulling import Pull
from llmesc.escalation.report import Report
from llmesc.escalation.run import EventStream
from llmesc.escalation.selected import Selected
from llmesc.escalation.selection import Selection


class Race:
    """From the start of one attempt until it, and whoever was called beside it, has ended. Leave it with `aclose`."""

    def __init__(
        self,
        stream: EventStream,
        attempts: Attempts,
        selection: Selection,
        report: Report,
        left: Callable[[], Left],
        run_deadline: float,
    ) -> None:
        """`left`: of the run's limits, now; `run_deadline`: of the event loop's clock."""
        self._stream = stream
        self._attempts = attempts
        self._selection = selection
        self._report = report
        self._left = left
        self._run_deadline = run_deadline
        self._running: list[Pull] = []
        """In the order they were called."""
        self._turn: Attempt | None = None
        """Whose turn it is."""
        self._hedge_at: float | None = None
        """When it is hedged if it is silent until then; None: not any more."""
        self._closing: list[asyncio.Future[None]] = []

    def start(self, attempt: Attempt, selected: Selected) -> None:
        """Its call begins, and it is its turn."""
        self._running.append(Pull(attempt, selected, self._stream, self._run_deadline))
        self._has_turn(self._running[0], attempt.started)

    @property
    def goes_on(self) -> bool:
        """Whether the one whose turn it is still runs, whatever came of its hedge."""
        return any(pull.attempt is self._turn for pull in self._running)

    async def next_end(self) -> tuple[Attempt, Ending]:
        """Goes on until one of the calls ends, and leaves the other running. A hedge is called where it is time to. Raises
        nothing.
        """
        while len(self._running) > 1 or self._hedge_at is not None:
            try:
                await self._news()
            except Interrupted:
                break  # the run is cancelled, and the first call ends so
            for pull in tuple(self._running):
                if pull.has_content:
                    await self.won_by(pull.attempt)
                    break
                if (ending := await pull.step()) is not None:
                    return self._ended(pull, ending)
            else:
                await self._hedge_when_due()
        pull = self._running[0]
        return self._ended(pull, await pull.to_end())

    async def won_by(self, winner: Attempt) -> None:
        """Nobody runs beside `winner` any more: the other, where there is one, is cancelled at once and blamed for nothing."""
        self._hedge_at = None
        for pull in tuple(self._running):
            if pull.attempt is not winner:
                await self._cancel(pull, winner)
        if winner is not self._turn and self._turn is not None:
            silent = self._turn.seconds(asyncio.get_running_loop().time())
            await self._attempts.hand_over(winner, (HEDGE, f"{self._turn.resolution.ref} was silent for {silent:.3g} s"))
            self._turn = winner

    async def hand_over(self, because: tuple[str, str]) -> bool:
        """After the end of one was told: whether another still runs, whose turn it is now. `because`: why the one that had it did
        not answer.
        """
        if self._running and not self.goes_on:
            await self._attempts.hand_over(self._running[0].attempt, because)
            self._has_turn(self._running[0], asyncio.get_running_loop().time())
        if self._running and not self._selection.anybody_left(self._left()):
            self._running[0].attempt.gate.nobody_is_left()
        return bool(self._running)

    async def cancel(self) -> None:
        """The run ends, and with it whatever still runs."""
        for pull in tuple(self._running):
            await self._cancel(pull, None)

    async def aclose(self) -> None:
        """Leaves nothing running, and no connection open that is not used any more."""
        self._closing += [pull.drop() for pull in self._running]
        self._running.clear()
        await asyncio.gather(*self._closing)

    async def _news(self) -> None:
        """Waits until something of one of them is there, time is up for one, or it is time to hedge. Raises `Interrupted`."""
        if any(pull.pieces.is_there for pull in self._running):
            return
        due = [pull.deadline for pull in self._running] + ([] if self._hedge_at is None else [self._hedge_at])
        seconds = max(0.0, min(due) - asyncio.get_running_loop().time())
        coming = {pull.pieces.coming() for pull in self._running}
        wait = asyncio.wait(coming, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        await self._stream.interruptible.wait(wait, float("inf"))

    async def _hedge_when_due(self) -> None:
        """Where nobody may be called, that is not asked again; where something came of the first meanwhile, that is looked at."""
        loop = asyncio.get_running_loop()
        first = self._running[0]
        if self._hedge_at is None or loop.time() < self._hedge_at:
            return
        selected = await self._selection.beside(first.selected, self._left(), first.pieces.coming(), first.deadline)
        if selected is not None:
            attempt = await self._attempts.hedge(selected, first.attempt)
            self._running.append(Pull(attempt, selected, self._stream, self._run_deadline))
        if selected is not None or not first.pieces.is_there:
            self._hedge_at = None

    def _has_turn(self, pull: Pull, since: float) -> None:
        after = pull.selected.hedge_after_seconds
        self._turn = pull.attempt
        self._hedge_at = None if after is None else since + after

    def _ended(self, pull: Pull, ending: Ending) -> tuple[Attempt, Ending]:
        self._running.remove(pull)
        if pull.attempt is self._turn:
            self._hedge_at = None
        return pull.attempt, ending

    async def _cancel(self, pull: Pull, winner: Attempt | None) -> None:
        self._running.remove(pull)
        if winner is not None:
            # It was at work, for all that is known; how far it came only its bill tells, and its prompt is the least of it.
            pull.attempt.reached = pull.was_sent
            self._selection.spare(pull.attempt.resolution, soon=pull.attempt is not self._turn)
        self._closing.append(pull.drop())
        await self._attempts.settle(pull.attempt, AttemptOutcome.CANCELLED, lost_to=winner)
        await self._report.neutral(pull.attempt.admission)
