"""Checks of an answer that take their time. One that comes to no verdict holds nothing against the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.quality import Draft, Finding


class NoVerdict(Exception):
    """A check could not be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCheck:
    """A program or a model that is asked for a verdict, within limits."""

    name: str
    timeout_seconds: float
    examine: Callable[[Draft, JudgePurse], Awaitable[Finding | None]]
    """Pays for the models that it calls. None: nothing to hold against it. Raises `NoVerdict`. Cleans up when it is cancelled."""

    async def finding(self, draft: Draft, warn: Callable[[str], None], money: JudgePurse) -> Finding | None:
        """What it holds against the answer; without a verdict nothing, and `warn` is told why. Raises nothing."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self.examine(draft, money)
        except TimeoutError:
            why = f"no verdict within {self.timeout_seconds:g} s"
        except NoVerdict as none:
            why = str(none)
        except Exception as error:  # noqa: BLE001 - a good answer is not lost to a bug in a check
            why = f"{type(error).__name__}: {error}"
        warn(f"the check {self.name} holds nothing against the answer: {why}")
        return None
