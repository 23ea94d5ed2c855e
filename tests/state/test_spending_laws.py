"""Whatever processes do, and whenever they die: what counts never passes the budget."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llmesc.escalation.budget import Account, Claim, Over, from_nano
from llmesc.escalation.events import AttemptFinished, AttemptOutcome, Event
from llmesc.escalation.messages import Usage
from llmesc.escalation.times import Timestamp
from llmesc.state.spending import SpendingBook
from tests.escalation.world import candidate

LIMITS = {
    Account("all", "day"): Decimal("1.00"),
    Account("all", "month"): Decimal("2.50"),
    Account("provider:lab", "day"): Decimal("0.40"),
}
LEASE_SECONDS = 60.0


def ended(run_id: str, cost: Decimal) -> Event:
    return AttemptFinished(
        run_id=run_id,
        seq=2,
        at=Timestamp(0.0),
        elapsed_ms=0.0,
        attempt=1,
        resolution=candidate("lab/m"),
        outcome=AttemptOutcome.SUCCESS,
        usage=Usage(),
        cost=cost,
        cost_estimated=False,
        first_token_seconds=None,
        duration_seconds=1.0,
        characters=0,
    )


class Spenders(RuleBasedStateMachine):
    """Calls that are made, end, or are never heard of again, while days pass. The model counts in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.book = SpendingBook()
        self.now = 1_700_000_000.0
        self.calls = 0
        self.running: dict[str, tuple[Decimal, float, frozenset[Account], str]] = {}
        """By run: what it may cost, when it lapses, where it counts, and the day that it was reserved in."""
        self.settled: dict[tuple[Account, str], Decimal] = {}

    def day(self) -> str:
        return str(int(self.now // 86_400))

    @rule(nano=st.integers(1, 500_000_000), accounts=st.sets(st.sampled_from(sorted(LIMITS)), min_size=1))
    def call(self, nano: int, accounts: set[Account]) -> None:
        self.calls += 1
        run_id, dollars = f"run-{self.calls}", from_nano(nano)
        limits = {account: LIMITS[account] for account in sorted(accounts)}
        before = self.book.spent(limits, Timestamp(self.now))
        claim = Claim(run_id=run_id, attempt=1, dollars=dollars, limits=limits, lease_seconds=LEASE_SECONDS)

        answer = self.book.reserve(claim, Timestamp(self.now))

        fits = all(before[account].total + dollars <= limit for account, limit in limits.items())
        assert isinstance(answer, Over) is not fits, "neither more nor less is refused than has to be"
        if isinstance(answer, Over):
            assert self.book.spent(limits, Timestamp(self.now)) == before, "nothing of it is reserved"
            return
        self.running[run_id] = dollars, self.now + LEASE_SECONDS, frozenset(limits), self.day()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), part=st.sampled_from(["0", "0.3", "1"]))
    def end(self, data: st.DataObject, part: str) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.running)))
        dollars, _, accounts, day = self.running.pop(run_id)
        self.book.note(ended(run_id, dollars * Decimal(part)))
        self.book.note(ended(run_id, dollars))  # a replay, whatever it says
        for account in accounts:
            if account.period == "month" or day == self.day():
                key = account, ("" if account.period == "month" else day)
                self.settled[key] = self.settled.get(key, Decimal(0)) + dollars * Decimal(part)

    @rule(seconds=st.sampled_from([1.0, 59.0, 61.0, 40_000.0]))
    def pass_time(self, seconds: float) -> None:
        self.now = min(self.now + seconds, 1_700_000_000.0 + 12 * 86_400)  # November goes on
        # Who is over its lease is dead here; that a late one is settled all the same is told by the tests of stores.
        self.running = {run_id: one for run_id, one in self.running.items() if one[1] > self.now}

    @invariant()
    def nothing_is_over_and_all_is_counted(self) -> None:
        found = self.book.spent(list(LIMITS), Timestamp(self.now))
        for account, limit in LIMITS.items():
            day = "" if account.period == "month" else self.day()
            live = [
                dollars
                for dollars, _, accounts, since in self.running.values()
                if account in accounts and (not day or since == day)
            ]
            assert found[account].total <= limit
            assert found[account].reserved == sum(live, Decimal(0))
            assert found[account].settled == self.settled.get((account, day), Decimal(0))


TestSpenders = Spenders.TestCase
TestSpenders.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
