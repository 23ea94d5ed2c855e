"""What a process needs for its first failure and its first verdict, loaded while the first call is under way.

The rules that tell what an error means and the words that refuse in sixteen languages take some 40 ms once. A command that starts
does not wait for them, and neither should the switch to the next candidate: between a request and its first token there is time.
"""

from __future__ import annotations

import asyncio
from functools import cache
from threading import Thread

AFTER_SECONDS = 0.05
"""How long a call has to take before anything is loaded beside it: one that is answered at once is not held up."""


def while_waiting() -> None:
    """A call is about to be made."""
    asyncio.get_running_loop().call_later(AFTER_SECONDS, _begin)


@cache
def _begin() -> None:
    """Once in a process, in a thread that holds up nothing."""
    Thread(target=load, name="llmesc-preload", daemon=True).start()


def load() -> None:
    """Loads it, and uses it once: some tables are made by the first who asks."""
    from llmesc.escalation.quality import Draft, QualitySettings, judge
    from llmesc.providers.classify import Evidence, classify

    classify(Evidence(api="openai", status=503, body='{"error": {"message": "overloaded"}}'))
    judge(Draft(text="An answer with some words in it."), QualitySettings())
