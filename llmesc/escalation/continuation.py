"""Going on from a text that broke off: when that may be done, what is kept, and how it is handed over. Pure.

The rule. What the reader has of an answer that broke off is gone on from unless

- a tool call was begun in the attempt that broke off: half a call is none, and the text before it leads up to it;
- JSON is wanted: what holds a server to JSON begins with the first character;
- the request is a body of one wire that goes as it is: nothing can be put behind it;
- the provider's filter stopped it, or our own policy or reader ended the run;
- what is there is no beginning of an answer (nothing, a refusal, a loop).

Whoever goes on is judged with all of the text, and answers for its end; who wrote what is in the ranges.
"""

from __future__ import annotations

from dataclasses import replace

from llmesc.escalation.events import AnswerRange
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Message, Request, Text, text_tokens

_TAINTED = frozenset({FailureKind.CONTENT_POLICY, FailureKind.MODEL_NOT_ALLOWED, FailureKind.PRIVACY, FailureKind.CLIENT_GONE})


@dataclass(frozen=True, slots=True)
class Kept:
    """Text that stays though the attempts which wrote it broke off."""

    text: str = ""
    ranges: tuple[AnswerRange, ...] = ()

    def with_more(self, attempt: int, text: str) -> Kept:
        """With `text` by `attempt` behind it; who wrote nothing gets no range, unless nobody wrote anything."""
        if not text and self.ranges:
            return self
        start, end = len(self.text), len(self.text) + len(text)
        return Kept(self.text + text, (*self.ranges, AnswerRange(attempt=attempt, start=start, end=end)))


def may_go_on(failure: Failure, request: Request, *, called_tools: bool) -> bool:
    """Whether the text of an attempt that ended with `failure` may be gone on from, as far as the text itself allows it."""
    portable = not request.wants_json and request.responses_body is None
    return portable and failure.kind not in _TAINTED and not called_tools


def handed_over(request: Request, kept: str) -> Request:
    """`request` for whoever goes on from `kept`: a conversation that ends with the answer begun. Its wire lets the model go on
    from there, or asks it to in words.

    White space at its end stays behind: models take it badly, and some services refuse it.
    """
    beginning = Message(role="assistant", parts=(Text(text=kept.rstrip()),))
    most = request.max_output_tokens
    return replace(
        request,
        messages=(*request.messages, beginning),
        max_output_tokens=None if most is None else max(1, most - text_tokens(kept)),
    )
