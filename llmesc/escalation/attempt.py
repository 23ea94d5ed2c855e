"""One attempt: who is called, and what it has brought so far."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from llmesc.escalation.circuits import Admission
from llmesc.escalation.continuation import Kept
from llmesc.escalation.events import Answer, JudgeCall, Move
from llmesc.escalation.failures import Failure
from llmesc.escalation.gate import Gate
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Request, ToolCall, Usage, text_tokens, with_estimates
from llmesc.escalation.overlap import Seam
from llmesc.escalation.pieces import Content, Finish, TextPiece, ThinkingPiece, ToolCallPiece
from llmesc.escalation.quality import Verdict
from llmesc.escalation.resolution import Resolution

Ending = Failure | Verdict | Literal["finished", "cancelled", "deadline"]
"""How the call ended: well, with the provider's failure, condemned by its beginning, or through nobody's fault."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """An attempt in progress."""

    number: int
    attempt_id: str
    resolution: Resolution
    move: Move
    admission: Admission
    asked: Request
    """What it is sent."""
    started: float
    """Of the event loop's clock."""
    gate: Gate
    kept: Kept = field(default_factory=Kept)
    """What it goes on from."""
    seam: Seam = field(init=False)
    content: list[Content] = field(default_factory=list)
    """What it said itself, less what it only repeated."""
    characters: int = 0
    thinking_characters: int = 0
    called_tools: bool = False
    """Whether it began a tool call, complete or not."""
    call_ids: set[str] = field(default_factory=set)
    """Of all calls in the conversation: some servers begin to count anew with every answer."""
    reported: Usage | None = None
    finish: Finish | None = None
    request_id: str | None = None
    first_content_at: float | None = None
    answered_at: float | None = None
    """When the answer was complete: what its checks take after that is not the provider's time."""
    reached: bool = False
    """Whether the provider began to answer, or was made to work for nothing: what it did not count is then estimated."""
    unfinished_judge: JudgeCall | None = None
    """Another model was asked to judge it, and not waited for."""

    def __post_init__(self) -> None:
        self.seam = Seam(self.kept.text)

    @property
    def own_text(self) -> str:
        """The answer so far, as far as it wrote it itself."""
        return "".join(piece.text for piece in self.content if isinstance(piece, TextPiece))

    @property
    def text(self) -> str:
        """The answer so far."""
        return self.kept.text + self.own_text

    @property
    def own_shown(self) -> str:
        """The part of its own text that a streaming reader has."""
        return self.own_text if self.gate.is_open else ""

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """What it asks for, in order."""
        return tuple(tool_call(piece) for piece in self.content if isinstance(piece, ToolCallPiece))

    @property
    def turn(self) -> list[Content]:
        """All of the answer, as one turn of the model: what it goes on from stands behind what it thought first."""
        if not self.kept.text:
            return self.content
        first = next((at for at, piece in enumerate(self.content) if not isinstance(piece, ThinkingPiece)), len(self.content))
        return [*self.content[:first], TextPiece(self.kept.text), *self.content[first:]]

    def seconds(self, now: float) -> float:
        """How long the call took, or takes so far."""
        return (now if self.answered_at is None else self.answered_at) - self.started

    def usage(self) -> Usage:
        """What the provider counted; estimated where it counted nothing or was cut, all zero where nothing reached it."""
        seen = self.reported or Usage()
        if seen.output_tokens is not None and self.finish is not None:
            return seen
        if not self.reached:
            return Usage(input_tokens=0, output_tokens=0)
        written = text_tokens(self.own_text) + (self.seam.repeated + self.thinking_characters) // 4
        return with_estimates(seen, self.asked, written)

    def answer(self, score: int | None) -> Answer:
        """All of the answer as it is now."""
        whole = self.kept.with_more(self.number, self.own_text)
        return Answer(
            text=whole.text,
            attempt=self.number,
            resolution=self.resolution,
            ranges=whole.ranges,
            score=score,
            finish_reason=self.finish.reason if self.finish else "cut",
            tool_calls=tuple(
                {"call_id": call.call_id, "name": call.name, "arguments": call.arguments} for call in self.tool_calls
            ),
        )


def tool_call(piece: ToolCallPiece) -> ToolCall:
    """The call as a part of a conversation."""
    return ToolCall(call_id=piece.call_id, name=piece.name, arguments=piece.arguments)
