"""What a process needs for its first failure and its first verdict, loaded while the first call is under way.

The rules that tell what an error means and the words that refuse in sixteen languages take some 40 ms once. A command that starts
does not wait for them, and neither should the switch to the next candidate: between a request and its first token there is time.
"""

from __future__ import annotations

import asyncio
from threading import Event, Thread

AFTER_SECONDS = 0.1
"""How long a call has to take before anything is loaded beside it: one that is answered at once is not held up."""
BUSY_SECONDS = 0.01
"""A loop that comes so late to its timers was busy itself, with the imports of its first call mostly: nothing was waited for."""


_BEGUN = Event()


def while_waiting() -> None:
    """A call is about to be made."""
    if _BEGUN.is_set():
        return
    loop = asyncio.get_running_loop()
    due = loop.time() + AFTER_SECONDS

    def begin() -> None:
        if loop.time() > due + BUSY_SECONDS:
            while_waiting()
        else:
            _begin()

    loop.call_at(due, begin)


def _begin() -> None:
    """Once in a process, in a thread that holds up nothing."""
    if not _BEGUN.is_set():
        _BEGUN.set()
        Thread(target=load, name="llmesc-preload", daemon=True).start()


def load() -> None:
    """Loads it, and uses it once: some tables are made by the first who asks."""
    from llmesc.escalation.quality import Draft, QualitySettings, judge
    from llmesc.providers.classify import Evidence, classify

    classify(Evidence(api="openai", status=503, body='{"error": {"message": "overloaded"}}'))
    judge(Draft(text="An answer with some words in it."), QualitySettings())
