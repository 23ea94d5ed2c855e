"""The gate before a streamed answer: its beginning is held until it looks like an answer, or all of it until it is accepted.

What a beginning can show is a refusal, nothing at all, a loop, another language than was asked for, and no JSON where JSON was
asked for. All else takes the whole answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from llmesc.escalation.language import Identify
from llmesc.escalation.limits import Limits
from llmesc.escalation.quality import CheckName, Draft, Finding, QualitySettings, Verdict

JudgeBeginning = Callable[[Draft], Verdict]
"""The verdict on the beginning of an answer. Pure, and quick."""

_JSON_STARTS = frozenset('{["-0123456789')
_JSON_WORDS = ("true", "false", "null", "```")
"""A fence is no JSON, but all of an answer may stand in one."""


def judge_beginning(draft: Draft, settings: QualitySettings, identify: Identify | None = None) -> Verdict:
    """Scores the beginning of an answer as `quality.judge` scores the whole, as far as the beginning can show it. Pure."""
    held = [finding for finding in _findings(draft, settings, identify) if finding.points]
    score = 100 - sum(finding.points for finding in held)
    return Verdict(score=max(0, score), reasons=tuple(map(str, held)))


def _findings(draft: Draft, settings: QualitySettings, identify: Identify | None) -> Iterator[Finding]:
    # The words of sixteen languages are not loaded by commands that only read the settings.
    from llmesc.escalation.checks.language import speaks_otherwise
    from llmesc.escalation.checks.refusals import declines
    from llmesc.escalation.checks.repetition import going_in_circles
    from llmesc.escalation.checks.shape import is_blank, shape_of, without_reasoning

    def found(check: CheckName, reason: str | None) -> Iterator[Finding]:
        if reason:
            yield Finding(check, settings.weights.get(check, 0), reason)

    if is_blank(draft.text):
        yield from found("empty", "there is no text")
    elif draft.expect == "json":
        yield from found("invalid_json", None if may_become_json(draft.text) else "it does not begin like JSON")
    else:
        text = without_reasoning(draft.text)
        yield from found("refusal", declines(text, draft.prompt))
        yield from found("repetition", going_in_circles(shape_of(text)))
        if identify is not None and draft.language is not None:
            yield from found("language", speaks_otherwise(text, draft.language, identify))


def may_become_json(beginning: str) -> bool:
    """Whether a text that begins so may still be JSON, bare or in one code fence."""
    start = beginning.lstrip()
    return not start or start[0] in _JSON_STARTS or any(start[: len(word)] == word[: len(start)] for word in _JSON_WORDS)


class Gate:
    """Of one attempt. It is told of text and asked what to do; it reads no clock.

    Time alone opens it and never condemns: the first words of a good answer may be those of a refusal. What is no JSON is
    condemned at once, all else when the beginning is complete.
    """

    def __init__(self, limits: Limits, judge: JudgeBeginning, draft: Draft, *, continues: bool, condemns: bool) -> None:
        """`draft` tells what was asked. A text that goes on from another's is always held for the window: nobody looks for a
        refusal in mid-answer later. Without `condemns`, a beginning with a flaw is held to the end instead: nobody else is left.
        """
        self._mode = "window" if limits.gate == "off" and continues else limits.gate
        self._characters = limits.gate_characters
        self._seconds = limits.gate_seconds
        self._threshold = limits.quality_threshold
        self._judge = judge
        self._draft = draft
        self._condemns = condemns
        self.is_open = self._mode == "off"
        self.held = 0
        """Characters that are held now."""
        self._due = float("inf")
        self.opens_at: float | None = None
        """When time alone may open it, and it has to be asked whether anything comes or not; None: it need not."""

    def hold(self, characters: int, now: float) -> None:
        """So much more is held."""
        if self._mode == "window" and not self.held:
            self._due = self.opens_at = now + self._seconds
        self.held += characters

    def nobody_is_left(self) -> None:
        """From now on it does without `condemns`."""
        self._condemns = False

    def open(self) -> int:
        """Holds nothing any more; how much it held."""
        held, self.held, self.is_open, self.opens_at = self.held, 0, True, None
        return held

    def decide(self, held: Callable[[], str], now: float) -> Verdict | Literal["hold", "open"]:
        """What to do with what is held; a verdict condemns it."""
        if self._mode != "window":
            return "hold"
        text = held()
        complete = self.held >= self._characters
        timely = now >= self._due
        if timely:
            self.opens_at = None
        wrong_form = self._draft.expect == "json" and not may_become_json(text)
        if not (complete or timely or wrong_form):
            return "hold"
        verdict = self.verdict(text)
        if verdict.passes(self._threshold):
            return "open" if complete or timely else "hold"
        if not (complete or wrong_form):
            return "hold"
        if self._condemns:
            return verdict
        self._mode = "full"
        return "hold"

    def verdict(self, text: str) -> Verdict:
        """On `text` as the beginning of an answer."""
        return self._judge(replace(self._draft, text=text))
