"""What `ask` is asked: a prompt with what joins it, or a whole request body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from llmesc.cli.bad_input import BadInput
from llmesc.escalation.light_dataclass import dataclass

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.cli.streams import Streams
    from llmesc.escalation.messages import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """As the options say it. Raises `BadInput` where something joins a whole request body."""

    prompt: str | None
    files: Sequence[Path]
    images: Sequence[str]
    system: str | None
    expect: Literal["text", "json"]
    schema: Path | None
    tools: Sequence[Path]
    responses_body: Path | None

    def __post_init__(self) -> None:
        if self.responses_body is None:
            return
        said = {
            "PROMPT": self.prompt is not None,
            "--file": self.files,
            "--image": self.images,
            "--system": self.system is not None,
            "--expect": self.expect != "text",
            "--schema": self.schema,
            "--tools": self.tools,
        }
        for name, given in said.items():
            if given:
                raise BadInput(f"{name} and --responses-body exclude each other: the body is the whole request")

    def request(self, session: Session) -> Request:
        """The request that it makes. Reads standard input and the files. Raises `BadInput`."""

        def on_wait() -> None:
            session.err.say("reading standard input; Ctrl-D ends it, < /dev/null leaves it out", "dim")

        if self.responses_body is None:
            return self._prompted(session.streams, on_wait)
        from llmesc.cli.request_body import request_in

        return request_in(self.responses_body, session.streams, on_wait)

    def _prompted(self, streams: Streams, on_wait: Callable[[], None]) -> Request:
        from dataclasses import replace

        from llmesc.cli.images import images_of
        from llmesc.cli.prompt import gather
        from llmesc.cli.schema import schema_in
        from llmesc.escalation.messages import ask_for

        wanted = schema_in(self.schema) if self.schema is not None else None
        images = tuple(images_of(self.images))
        asked = ask_for(gather(self.prompt, self.files, streams, on_wait), system=self.system, images=images)
        return replace(asked, expect="json" if wanted is not None else self.expect, schema=wanted)
