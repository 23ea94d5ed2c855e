"""What is asked: one message model that every wire translates to and from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.resolution import DEFAULT_INSTANCE

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain text of a message."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture: a URL (`https:` or `data:`), or bytes as base64 with their media type."""

    url: str | None = None
    base64: str | None = None
    media_type: str = "image/png"
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """Reasoning that a model showed. The signature is only valid at the provider that made it."""

    text: str
    signature: str | None = None
    provider: str = ""
    instance: str = DEFAULT_INSTANCE
    """One wire seals its reasoning for the account that it was made for."""
    type: Literal["thinking"] = "thinking"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to run a tool. `arguments` is the JSON text exactly as the model wrote it."""

    call_id: str
    name: str
    arguments: str
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool gave back, for the call of the same id."""

    call_id: str
    content: str
    is_error: bool = False
    type: Literal["tool_result"] = "tool_result"


Part = Text | Image | Thinking | ToolCall | ToolResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool a model may ask for; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one attempt; None where the provider did not say. `cached` is part of `input`, `reasoning` of `output`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesBody:
    """A body of the Responses API that a request was read from."""

    content: Mapping[str, Any]
    """Goes as it is, but for `model` and `stream`, where the wire is that API."""
    obstacles: tuple[str, ...] = ()
    """What of it no other wire carries, by name: their candidates are passed over."""
    left_out: tuple[str, ...] = ()
    """What of it other wires do without, by name."""


@dataclass(frozen=True, slots=False, kw_only=True)  # without slots, it can keep what every candidate asks of it
class Request:
    """One question, independent of who answers it."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    expect: Literal["text", "json"] = "text"
    schema: Mapping[str, Any] | None = None
    """A JSON Schema the answer must satisfy; implies `expect="json"`."""
    max_output_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stream: bool = True
    language: str | None = None
    """The tag (`de`, `pt-BR`) of the language the answer is held to; None: any. `language.asked_in` has the messages say it."""
    responses_body: ResponsesBody | None = None
    """Where it was read from; the fields above hold what of it other wires can carry."""

    @cached_property
    def prompt(self) -> str:
        """The last user message's text: what screens show of the request."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def wants_json(self) -> bool:
        """Whether the answer has to be JSON, of any shape or of the schema's."""
        return self.expect == "json" or self.schema is not None

    @cached_property
    def is_plain(self) -> bool:
        """Whether it is words and no wish beside them: every wire carries it as it is. Most are, and a long chain asks for each
        candidate.
        """
        return (
            self.responses_body is None
            and self.max_output_tokens is None
            and self.seed is None
            and self.temperature is None
            and not self.wants_json
            and all(type(part) is Text for message in self.messages for part in message.parts)
            and not (self.messages and self.messages[-1].role == "assistant")  # an answer that was begun
        )

    @cached_property
    def estimated_tokens(self) -> int:
        """A cautious count of its tokens, without a tokenizer.

        Latin text runs at about four bytes a token in the tokenizers of 2024-26 and three in code; other scripts take about
        one token a character. An image counts as 1,000, a message as 4 more. Good to a quarter, which is what the headroom
        of a window is for.
        """
        total = 3
        for message in self.messages:
            total += 4
            for part in message.parts:
                if isinstance(part, Image):
                    total += 1000
                elif isinstance(part, ToolCall):
                    total += text_tokens(part.name) + text_tokens(part.arguments)
                elif isinstance(part, ToolResult):
                    total += text_tokens(part.content)
                else:
                    total += text_tokens(part.text)
        for tool in self.tools:
            total += 8 + text_tokens(tool.name) + text_tokens(tool.description) + text_tokens(str(tool.parameters))
        return total

    @cached_property
    def needs(self) -> frozenset[str]:
        """Capabilities that a candidate must have, as far as they are known."""
        wanted = {"tools"} if self.tools else set()
        if any(isinstance(part, Image) for message in self.messages for part in message.parts):
            wanted.add("images")
        return frozenset(wanted)


def with_estimates(seen: Usage, request: Request, written_tokens: int) -> Usage:
    """`seen` of a call whose count did not come to its end: the prompt as estimated where nobody counted it, and the answer as it
    came. A count that was still running when an answer broke off may be behind, never ahead.
    """
    return replace(
        seen,
        input_tokens=request.estimated_tokens if seen.input_tokens is None else seen.input_tokens,
        output_tokens=max(written_tokens, seen.output_tokens or 0),
        estimated=True,
    )


def ask_for(prompt: str, *, system: str | None = None, images: Iterable[Image] = ()) -> Request:
    """The request that one prompt makes, perhaps with a system text, and with pictures that it is about."""
    head = (Message(role="system", parts=(Text(text=system),)),) if system else ()
    return Request(messages=(*head, Message(role="user", parts=(*images, Text(text=prompt)))))


def text_tokens(text: str) -> int:
    """The estimate for one text; see `Request.estimated_tokens`."""
    ascii_bytes = len(text.encode("ascii", "ignore"))
    return (ascii_bytes + 3) // 4 + (len(text) - ascii_bytes)
