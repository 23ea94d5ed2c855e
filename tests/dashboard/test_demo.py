"""The demonstration: its minute tells what it promises, in order, the same each time; and what the user does in it is real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from llmesc.dashboard.demo.captions import LAST_SECONDS, TIP_SECONDS, caption
from llmesc.dashboard.demo.director import QUIET_SECONDS
from llmesc.engine import AskOptions, CircuitLine
from llmesc.engine.demo import the_story
from llmesc.escalation.circuits import Circuit, CircuitState
from llmesc.escalation.events import (
    AnswerReset,
    AttemptStarted,
    CandidateSkipped,
    CircuitChanged,
    Event,
    ProviderFailed,
    ProviderSwitched,
    QualityChecked,
    RunFinished,
    RunOutcome,
    RunStarted,
    TextDelta,
    ThinkingDelta,
)
from llmesc.escalation.failures import FailureKind
from llmesc.escalation.messages import ask_for
from llmesc.escalation.resolution import CircuitKey
from tests.dashboard.performance import BEGAN, Performance, perform

GPU1, GPU2 = CircuitKey("lab", "gpu1"), CircuitKey("lab", "gpu2")
OPENAI, CLAUDE = CircuitKey("openai", "team-a"), CircuitKey("claude", "team-a")
STORY_SECONDS = 60.0
STORY = the_story()


async def the_minute(performance: Performance) -> Sequence[Event]:
    await performance.until(STORY_SECONDS)
    return await performance.events()


async def two_minutes(performance: Performance) -> Sequence[Event]:
    await performance.until(2 * STORY_SECONDS)
    return await performance.events()


def changes(event: Event, key: CircuitKey, after: str) -> bool:
    return isinstance(event, CircuitChanged) and (event.key, event.after) == (key, after)


def fails(event: Event, key: CircuitKey, kind: FailureKind) -> bool:
    return isinstance(event, ProviderFailed) and (event.resolution.circuit_key, event.failure.kind) == (key, kind)


def switches(event: Event, before: CircuitKey, after: CircuitKey, because: str) -> bool:
    return isinstance(event, ProviderSwitched) and (
        event.from_resolution.circuit_key == before and event.to_resolution.circuit_key == after and event.because == because
    )


def skips(event: Event, key: CircuitKey) -> bool:
    return isinstance(event, CandidateSkipped) and (event.resolution.circuit_key, event.reason) == (key, "circuit_open")


def calls(event: Event, key: CircuitKey) -> bool:
    return isinstance(event, AttemptStarted) and event.resolution.circuit_key == key


def answers(event: Event, provider: str) -> bool:
    return isinstance(event, RunFinished) and event.answer is not None and event.answer.resolution.provider == provider


BEATS: tuple[tuple[str, Callable[[Event], bool]], ...] = (
    ("calm: the local model answers", lambda e: answers(e, "embedded")),
    ("quality: its next answer is below the bar", lambda e: isinstance(e, QualityChecked) and not e.passed),
    ("quality: a larger one takes over", lambda e: switches(e, CircuitKey("embedded", "default"), GPU1, "quality")),
    ("quality: and answers", lambda e: answers(e, "lab")),
    ("outage: gpu1 is cut in mid-answer", lambda e: fails(e, GPU1, FailureKind.PROTOCOL)),
    ("outage: its sibling takes over", lambda e: switches(e, GPU1, GPU2, "protocol")),
    ("outage: what was shown is taken back", lambda e: isinstance(e, AnswerReset) and e.characters > 100),
    ("outage: 503", lambda e: fails(e, GPU1, FailureKind.OVERLOADED)),
    ("outage: 503 again", lambda e: fails(e, GPU1, FailureKind.OVERLOADED)),
    ("outage: the third failure opens the circuit", lambda e: changes(e, GPU1, "open")),
    ("outage: it is skipped", lambda e: skips(e, GPU1)),
    ("outage: its sibling is called at once", lambda e: calls(e, GPU2)),
    ("limit: openai has had enough", lambda e: fails(e, OPENAI, FailureKind.RATE_LIMIT)),
    ("limit: its circuit opens", lambda e: changes(e, OPENAI, "open")),
    ("limit: claude takes over", lambda e: switches(e, OPENAI, CLAUDE, "rate_limit")),
    ("limit: openai is skipped", lambda e: skips(e, OPENAI)),
    ("recovery: gpu1 may be probed", lambda e: changes(e, GPU1, "half_open")),
    ("recovery: one call probes it", lambda e: calls(e, GPU1)),
    ("recovery: gpu1 is closed", lambda e: changes(e, GPU1, "closed")),
    ("recovery: openai may be probed", lambda e: changes(e, OPENAI, "half_open")),
    ("recovery: openai is closed", lambda e: changes(e, OPENAI, "closed")),
    ("calm: the local model answers again", lambda e: answers(e, "embedded")),
)


def unseen(events: Sequence[Event]) -> Iterator[str]:
    """The beats that do not follow the ones before them."""
    rest = iter(events)
    for beat, is_it in BEATS:
        if not any(is_it(event) for event in rest):
            yield beat
            return


def test_every_beat_of_the_story_is_seen_in_order_within_a_minute() -> None:
    assert list(unseen(perform(the_minute))) == []


def test_nobody_who_asks_in_it_goes_without_an_answer() -> None:
    ends = [event for event in perform(two_minutes) if isinstance(event, RunFinished)]

    assert {end.outcome for end in ends} == {RunOutcome.ANSWERED}
    assert len(ends) > len(STORY.requests)


def test_between_its_opening_and_its_probe_an_instance_is_not_called() -> None:
    events = perform(the_minute)
    for key in (GPU1, OPENAI):
        opened = next(index for index, event in enumerate(events) if changes(event, key, "open"))
        probed = next(index for index, event in enumerate(events) if changes(event, key, "half_open"))

        assert not any(calls(event, key) for event in events[opened:probed])


def test_a_rate_limit_is_kept_to_the_second() -> None:
    opened = next(event for event in perform(the_minute) if changes(event, OPENAI, "open"))

    assert isinstance(opened, CircuitChanged)
    assert opened.retry_at is not None
    assert opened.retry_at - opened.at == pytest.approx(14.0, abs=0.01)


def test_several_requests_run_at_the_same_time_and_one_thinks_aloud() -> None:
    events = perform(the_minute)
    running, most = 0, 0
    for event in events:
        running += isinstance(event, RunStarted) - isinstance(event, RunFinished)
        most = max(most, running)

    assert most >= 3
    assert any(isinstance(event, ThinkingDelta) for event in events)


def fingerprint(events: Sequence[Event]) -> list[tuple[str, float, str]]:
    """What happened when, without the ids that are drawn for each run."""
    return [(event.type, event.at, event.text if isinstance(event, TextDelta) else "") for event in events]


def test_it_is_the_same_each_time_for_a_seed_and_the_story_for_every_seed() -> None:
    first, again, other = (fingerprint(perform(two_minutes, seed=seed)) for seed in (7, 7, 8))

    assert first == again
    assert first != other
    story = [[one for one in events if one[1] < BEGAN + STORY_SECONDS] for events in (first, other)]
    assert story[0] == story[1]


def test_after_the_story_it_goes_on_for_ever_and_in_peace() -> None:
    async def ten_minutes(performance: Performance) -> Sequence[Event]:
        await performance.until(600)
        return [event for event in await performance.events() if event.at > BEGAN + STORY_SECONDS]

    events = perform(ten_minutes)
    asked = [event.at for event in events if isinstance(event, RunStarted)]
    gaps = [after - before for before, after in pairwise(asked)]

    assert asked[-1] > BEGAN + 600 - QUIET_SECONDS[1] - 1
    assert QUIET_SECONDS[0] - 0.01 <= min(gaps)
    assert max(gaps) <= QUIET_SECONDS[1] + 0.01
    assert not [event for event in events if isinstance(event, ProviderFailed)]


# -- what the user does -------------------------------------------------------------------------------------------------------


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


def test_a_prompt_of_the_users_own_is_answered_and_the_answer_says_that_it_is_simulated() -> None:
    async def ask(performance: Performance) -> str:
        await performance.until(5)
        run_id = performance.feed.start(ask_for("How are you?"), AskOptions(command="dashboard"), unexpected)
        return (await performance.until(9)).views[run_id].visible

    assert "This answer is simulated: no model was asked." in perform(ask)


def test_the_answer_that_was_accepted_last_is_what_it_leaves_with() -> None:
    async def leave(performance: Performance) -> tuple[str | None, str | None]:
        before = performance.feed.accepted
        await performance.until(10)
        return before, performance.feed.accepted

    assert perform(leave) == (None, next(one.answer for one in STORY.requests if one.at_seconds == 4))


def test_a_reset_in_the_outage_is_real_and_so_is_the_next_failure() -> None:
    async def reset(performance: Performance) -> tuple[str, str, Sequence[Event]]:
        before = (await performance.until(32.0)).caption
        await performance.engine.operations.reset([GPU1], who="ann@web1")
        after = (await performance.until(33.5)).caption
        await performance.until(45)
        return before, after, [event for event in await performance.events() if event.at > BEGAN + 32]

    before, after, events = perform(reset)

    assert "lab@gpu1 is skipped" in before
    assert "lab@gpu1 is skipped" not in after
    assert any(fails(event, GPU1, FailureKind.OVERLOADED) for event in events)


def test_where_the_user_denies_everybody_requests_fail_and_the_demonstration_goes_on() -> None:
    async def deny(performance: Performance) -> Sequence[Event]:
        await performance.until(62)
        for reference in performance.engine.references():
            await performance.engine.operations.deny(reference, for_seconds=20, who="ann@web1")
        await performance.until(120)
        return await performance.events()

    ends = [event for event in perform(deny) if isinstance(event, RunFinished) and event.at > BEGAN + 62]

    assert ends[0].outcome is not RunOutcome.ANSWERED
    assert ends[-1].outcome is RunOutcome.ANSWERED


# -- the mark and the captions ---------------------------------------------------------------------------------------------------


def test_every_board_says_that_it_is_a_demonstration() -> None:
    async def boards(performance: Performance) -> list[tuple[bool, bool]]:
        moments = [await performance.until(seconds) for seconds in range(0, 130, 5)]
        return [("DEMO" in board.store.instead, bool(board.caption)) for board in moments]

    assert set(perform(boards)) == {(True, True)}


def test_captions_fit_into_eighty_columns() -> None:
    said = [one.text for one in STORY.captions] + [text for one in STORY.captions for text in one.in_state.values()]

    assert [text for text in (*said, *STORY.tips) if len(text) > 80 - 8] == []


def test_a_caption_about_a_circuit_follows_its_state() -> None:
    [recovery] = [one for one in STORY.captions if one.circuit == GPU1 and "half_open" in one.in_state]

    def said(state: str) -> str:
        line = CircuitLine(key=GPU1, state=state, circuit=Circuit(state=CircuitState(state)), configured=True)
        return caption(STORY, recovery.from_seconds, [line])

    assert [said(state) for state in ("open", "half_open", "closed")] == [
        recovery.in_state[state] for state in ("open", "half_open", "closed")
    ]
    assert caption(STORY, recovery.from_seconds, []) == recovery.text


def test_after_the_story_its_tips_take_turns() -> None:
    first = STORY.captions[-1].from_seconds + LAST_SECONDS
    seen = [caption(STORY, first + turn * TIP_SECONDS, ()) for turn in range(2 * len(STORY.tips))]

    assert seen == [*STORY.tips, *STORY.tips]


def test_before_its_first_caption_nothing_is_said() -> None:
    late = replace(STORY, captions=[replace(STORY.captions[0], from_seconds=5.0), *STORY.captions[1:]])

    assert caption(late, 4.9, ()) == ""


def test_the_dashboard_loads_nothing_of_it_unless_it_is_played() -> None:
    code = (
        "import sys, llmesc.dashboard.app, llmesc.dashboard.live_feed\nprint([name for name in sys.modules if '.demo' in name])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"
