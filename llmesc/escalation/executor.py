"""The executor: what all runs of an engine share, and how one begins. `walker` is the run itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field

from llmesc.escalation.budget import Budget
from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.events import Chain, Rejected
from llmesc.escalation.gate import JudgeBeginning, judge_beginning
from llmesc.escalation.judging import Judge
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.limits import Limits, Timeouts
from llmesc.escalation.messages import Request
from llmesc.escalation.obstacles import Fits
from llmesc.escalation.origin import Origin
from llmesc.escalation.ports import Consumer, Health, PriceOf
from llmesc.escalation.purse import Purse
from llmesc.escalation.quality import Draft, QualitySettings, Verdict
from llmesc.escalation.resolution import Price, Resolution
from llmesc.escalation.run import EventStream, Run, Walk
from llmesc.escalation.selected import OpenProvider
from llmesc.escalation.times import Clock
from llmesc.escalation.tools import Toolbox
from llmesc.escalation.untrusted import one_line
from llmesc.escalation.walker import Walker

PlanChain = Callable[[], Awaitable[tuple[Chain, Rejected | None]]]
"""The chain for the request as things stand, and what our own policy forbids of what was asked for."""


def by_our_checks(beginning: Draft) -> Verdict:
    """The verdict on the beginning of an answer, by our own checks as they weigh where nothing is said."""
    return judge_beginning(beginning, QualitySettings())


async def no_price_list(_resolution: Resolution) -> Price | None:
    """Nothing is known that the offerings do not say themselves."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """What every run of an engine shares."""

    health: Health
    open_provider: OpenProvider
    fits: Fits
    timeouts_for: Callable[[Resolution], Timeouts]
    clock: Clock
    random: Callable[[], float]
    """Numbers in [0, 1)."""
    new_consumers: Callable[[], Sequence[Consumer]]
    """Makes those who get the events of one run before its reader does."""
    warn: Callable[[str], None]
    price_of: PriceOf = no_price_list
    budgets: Sequence[Budget] = ()
    unheld: set[str] = field(default_factory=set)
    """References of which was said that no budget holds them: once is enough."""

    def _say_unheld(self, ref: str) -> None:
        if ref not in self.unheld:
            self.unheld.add(ref)
            self.warn(f"{one_line(ref)}: no price is known, so no budget holds its calls; say its price, or deny it")

    def start(
        self,
        request: Request,
        limits: Limits,
        plan: PlanChain,
        *,
        judge: Judge,
        judge_beginning: JudgeBeginning = by_our_checks,
        run_id: str,
        caller: Mapping[str, str],
        capture: CaptureMode = "full",
        toolbox: Toolbox | None = None,
    ) -> Run:
        """A handle on a run. What `plan` raises is raised when the handle is entered, before anything is recorded.

        With a `toolbox`, whose tools `request` has, what the model asks for runs between its answers; without one its calls
        are its answer. `capture` is told to wires whose far end keeps a record.
        """
        origin = Origin(run_id=run_id, caller=caller, capture=capture)
        stream = EventStream(run_id, self.clock, self.new_consumers(), self.warn, origin)

        async def prepare() -> Walk:
            chain, forbidden = await plan()
            purse = Purse(self.budgets, chain.name, caller, self.health, self._say_unheld)
            walk = Walker(self, stream, request, chain, limits, judge, judge_beginning, toolbox, purse)
            return lambda: walk.run(caller, forbidden)

        return Run(stream, prepare)
