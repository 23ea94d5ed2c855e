"""A demonstration: the engine as it is, over a chain that exists nowhere and plays a story of a minute."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from llmesc.engine.demo.chain import demo_config
from llmesc.engine.demo.story import Asked, Caption, Story, the_story
from llmesc.engine.engine import Engine
from llmesc.escalation.times import Clock

__all__ = ["Asked", "Caption", "Story", "open_demo", "the_story"]


@asynccontextmanager
async def open_demo(
    story: Story,
    *,
    clock: Clock | None = None,
    on_warning: Callable[[str], None] | None = None,
    new_run_id: Callable[[], str] | None = None,
) -> AsyncIterator[Engine]:
    """The engine over the chain that plays `story`, which begins now: its weather counts from here.

    Its state is in memory. No key, no configuration and no file of the user's is read, none is written, and nothing is called.
    """
    async with Engine.open(
        config=demo_config(story), state="memory:", clock=clock, on_warning=on_warning, new_run_id=new_run_id
    ) as engine:
        await engine.operations.doctor()  # looks at every wire once, and a script's time begins with that
        yield engine
