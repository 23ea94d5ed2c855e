"""Commands that ask: a new request, the same again, to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmesc.dashboard.commands import Command

if TYPE_CHECKING:
    from llmesc.dashboard.screens.main import MainScreen
    from llmesc.dashboard.situation import Situation

_AS_CONFIGURED = "·"
"""The key of the choice that leaves it to the configuration; no chain and no reference is called so."""


def _nothing_to_repeat(now: Situation) -> str:
    if now.view is None or now.view.request is None:
        return "no request is chosen" if now.run is None else "its text was not kept"
    return "" if now.view.capture == "full" else f"its text was not kept: capture = {now.view.capture}"


def ask(desk: MainScreen) -> None:
    """The prompt takes the focus."""
    desk.set_focus(desk.prompt)  # at once: what is typed next is the prompt


async def edit(desk: MainScreen) -> None:
    """The prompt in the user's editor."""
    from llmesc.dashboard.editor import edited

    desk.prompt.load_text(await edited(desk.desk, desk.prompt.text))
    desk.set_focus(desk.prompt)


async def pick_chain(desk: MainScreen) -> None:
    """Which chain the next request walks."""
    from llmesc.dashboard.screens.pick import Pick

    assert desk.engine is not None, "refused before"
    names = desk.engine.chain_names()
    picked = await desk.desk.push_screen_wait(Pick("The chain to walk", [(name, name) for name in names]))
    if picked:
        desk.aim(picked, desk.aimed.model)


async def pick_model(desk: MainScreen) -> None:
    """Which candidate comes first."""
    from llmesc.dashboard.screens.pick import Pick

    assert desk.engine is not None, "refused before"
    choices = [(_AS_CONFIGURED, "as the chain says"), *((ref, ref) for ref in desk.engine.references())]
    picked = await desk.desk.push_screen_wait(Pick("The candidate to ask first", choices))
    if picked:
        desk.aim(desk.aimed.chain, None if picked == _AS_CONFIGURED else picked)


async def retry(desk: MainScreen) -> None:
    """The same request again: as it was, on another chain, or from a chosen candidate."""
    from llmesc.dashboard.screens.pick import Pick

    now = desk.situation
    assert desk.engine is not None and now.view is not None and now.view.request is not None, "refused before"
    same = now.view.chain.name if now.view.chain is not None else None
    choices = [("again", f"again, on chain {same or 'default'}")]
    choices += [(f"chain {name}", f"on chain {name}") for name in desk.engine.chain_names() if name != same]
    first = [now.candidate.ref] if now.candidate is not None else []
    refs = dict.fromkeys((*first, *desk.engine.references()))
    choices += [(f"model {ref}", f"from {ref} on") for ref in refs]
    picked = await desk.desk.push_screen_wait(Pick(f"Ask again: {now.view.request.prompt}", choices))
    what, _, name = picked.partition(" ")
    if picked:
        chain = name if what == "chain" else same
        desk.start(now.view.request, chain=chain, model=name if what == "model" else None)


COMMANDS = (
    Command(id="ask", key="a", label="ask", about="Write a prompt and ask it.", act=ask, changes=True, footer=True),
    Command(
        id="ask.again",
        key="R",
        label="retry",
        about="Ask the same again, also on another chain or from a chosen candidate.",
        act=retry,
        changes=True,
        blocked=_nothing_to_repeat,
    ),
    Command(id="ask.chain", key="C,f2", label="chain", about="Choose the chain that is asked.", act=pick_chain, changes=True),
    Command(
        id="ask.model", key="M,f3", label="model", about="Choose the candidate that is asked first.", act=pick_model, changes=True
    ),
    Command(id="ask.edit", key="E,f4", label="editor", about="Write the prompt in your editor.", act=edit, changes=True),
)
