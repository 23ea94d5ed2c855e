"""Answers in every state that the answer pane tells apart, as tapes."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from llmesc.escalation.events import (
    AnswerRange,
    AttemptOutcome,
    AttemptStarted,
    GateOpened,
    Move,
    ProviderSwitched,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    ToolCallFinished,
    ToolCallRequested,
)
from llmesc.escalation.limits import Limits
from tests.dashboard import scenes
from tests.dashboard.scenes import Tape

DOCUMENT = """\
# Raft in short

Raft is a **consensus algorithm**: a group of servers agrees on *one* log, and keeps agreeing while `n // 2` of them fail. \
See [the paper](https://raft.github.io/raft.pdf) or <https://raft.github.io>; ~~Paxos~~ is older. 合意とは何か 👩\u200d🚒.

## How it works

1. **Leader election.** One server leads; when it falls silent the others elect a new one, by a majority of votes.
2. **Log replication.**
   - The leader sends each command to the followers
   - and commits it when most have it:
     ```python
     def committed(acks: int, servers: int) -> bool:
         return acks > servers // 2  # a majority
     ```
3. **Safety.** A leader holds every committed entry.

> A candidate *cannot* win without the votes of a majority.
> Each of them has every committed entry.

| role | sends | answers to |
|:---|---|---:|
| leader | `AppendEntries`, also as a heartbeat when there is nothing to append to the logs | clients |
| candidate | `RequestVote` | 候補者 |
| follower | nothing | both |

---

```bash
curl -s "$NODE/metrics" | grep raft_term   # 3
```

![the states](https://raft.github.io/states.png)
"""


def markdown(*, until: int | None = None) -> Tape:
    """One answer with everything in it; in the middle of it where `until` says how many characters have come."""
    tape = Tape("7f3a", "Explain Raft to a new operator", began=9).call(scenes.CLAUDE, Move.PRIMARY)
    tape.write(DOCUMENT[:until], size=9)
    if until is not None:
        return tape
    tape.judged(100).ended(AttemptOutcome.SUCCESS, tokens=(412, 390), cost="0.0071")
    return tape.done(RunOutcome.ANSWERED, DOCUMENT, cost="0.0071")


THOUGHT = "The user asks for the weather in Rome. I have a tool for that; Oslo is only to compare. "


def tools() -> Tape:
    """It thinks, has two tools run, one of which fails, and answers."""
    tape = Tape("7f3a", "How warm is it in Rome?", began=9).call(scenes.CLAUDE, Move.PRIMARY)
    tape.think(THOUGHT)
    tape.write("I look that up.\n")
    _tool(tape, "call_1", "look_up", '{"city": "Rome", "days": 1}', '{"celsius": 31, "sky": "clear"}', 0.3)
    _tool(tape, "call_2", "look_up", '{"city": "Oslo"}', "no such station", 0.05, is_error=True)
    tape.think("Only Rome is known. I say so.")
    return tape.write("It is **31 °C** in Rome and the sky is clear. For Oslo there is no station")


def thinking() -> Tape:
    """So far it only thinks."""
    tape = Tape("7f3a", "Prove it", began=2).call(scenes.CLAUDE, Move.PRIMARY)
    for part in ("First the base case. ", "Then the step from n to n + 1. " * 40):
        tape.think(part)
    return tape


def _tool(tape: Tape, call_id: str, name: str, arguments: str, result: str, seconds: float, *, is_error: bool = False) -> None:
    head = {"attempt": 1, "call_id": call_id, "name": name}
    tape.add(ToolCallRequested, after_ms=40, arguments=arguments, **head)
    tape.add(ToolCallFinished, after_ms=seconds * 1000, result=result, is_error=is_error, duration_seconds=seconds, **head)


BEGUN = "Raft is a **consensus algorithm**: a group of servers"
FINISHED = " agrees on one log, and keeps agreeing while some of them fail."


def continued(*, first: str = BEGUN, second: str = FINISHED, ended: bool = True) -> Tape:
    """The first candidate broke off, and the second goes on with its text."""
    tape = Tape("7f3a", "Explain Raft", began=5)
    tape.events[0] = replace(cast(RunStarted, tape.events[0]), limits=Limits(resume="continue"))
    tape.call(scenes.LAB, Move.PRIMARY).write(first).fails(scenes.OVERLOADED)
    tape.add(
        ProviderSwitched,
        from_resolution=scenes.LAB,
        to_resolution=scenes.CLAUDE,
        move=Move.ESCALATION,
        because="overloaded",
        detail="no workers available",
        tier_upgrade=True,
        characters_discarded=0,
        characters_kept=len(first),
    )
    tape.call(scenes.CLAUDE, Move.ESCALATION)
    tape.events[-1] = replace(cast(AttemptStarted, tape.events[-1]), continues_characters=len(first))
    tape.write(second)
    if not ended:
        return tape
    tape.judged(100).ended(AttemptOutcome.SUCCESS, tokens=(430, 40), cost="0.0019")
    tape.done(RunOutcome.ANSWERED, first + second, cost="0.0019")
    finished = cast(RunFinished, tape.events[-1])
    assert finished.answer is not None
    whole = len(first) + len(second)
    ranges = (AnswerRange(attempt=1, start=0, end=len(first)), AnswerRange(attempt=2, start=len(first), end=whole))
    tape.events[-1] = replace(finished, answer=replace(finished.answer, ranges=ranges))
    return tape


def held(*, opened: bool = False) -> Tape:
    """A gate holds the second answer back (until it is `opened`); the first was never shown."""
    tape = Tape("7f3a", "Explain Raft", began=5).call(scenes.EMBEDDED, Move.PRIMARY)
    _hold(tape, 1, "I'm sorry, but I cannot help with that.")
    tape.judged(0, "refusal -100: it declines").ended(AttemptOutcome.QUALITY_FAILURE, tokens=(412, 11), cost="0")
    fields = {"from_resolution": scenes.EMBEDDED, "to_resolution": scenes.LAB, "move": Move.ESCALATION, "because": "quality"}
    tape.add(ProviderSwitched, detail="refusal", tier_upgrade=False, characters_discarded=0, **fields)
    tape.call(scenes.LAB, Move.ESCALATION)
    text = "Raft is a **consensus algorithm**: a group of servers agrees on one log."
    _hold(tape, 2, text)
    return tape.add(GateOpened, after_ms=5, attempt=2, characters=len(text)) if opened else tape


def _hold(tape: Tape, attempt: int, text: str) -> None:
    for at in range(0, len(text), 8):
        tape.add(TextDelta, after_ms=20, attempt=attempt, text=text[at : at + 8], held=True)


def discarded() -> Tape:
    """Two attempts came to nothing, one of them after some text with Markdown in it."""
    tape = Tape("7f3a", "Explain Raft", began=6).call(scenes.EMBEDDED, Move.PRIMARY)
    tape.write("## Raft\n\nRaft is a **wooden boat**:\n\n- it floats\n- `oars = 2`\n\n| part | of |\n|---|---|\n| oar | wood |\n")
    tape.judged(20, "truncated -60: the answer stops in the middle").ended(AttemptOutcome.QUALITY_FAILURE, cost="0")
    tape.switch(scenes.LAB, "quality", "truncated").fails(scenes.OVERLOADED)
    tape._characters = 0
    tape.switch(scenes.CLAUDE, "overloaded", "no workers available")
    return tape.write("Raft is a **consensus algorithm**.")


def cancelled() -> Tape:
    """The reader left in the middle of it."""
    tape = Tape("7f3a", "Explain Raft", began=6).call(scenes.LAB, Move.PRIMARY).write("Raft is a **consensus algorithm**: a gr")
    return tape.ended(AttemptOutcome.CANCELLED).done(RunOutcome.CANCELLED)
