"""What becomes of texts in each mode: secrets taken out, or nothing kept but digests and lengths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.events import TextDelta, ThinkingDelta
from llmesc.escalation.messages import Image, Part, Text
from llmesc.records.digest import Digests


class Redacting:
    """Secrets and personal numbers are taken out. Pieces of a text are no business of this rule: see `deltas`."""

    def text(self, text: str) -> str:
        """Without them."""
        from llmesc.records.redactor import redacted

        return redacted(text)

    def picture(self, picture: Image) -> Part:
        """None is kept: nobody looked at what is on it."""
        return Text(text=f"\u2039picture not kept: {picture.media_type}\u203a")

    def data(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Each text in it."""
        return {key: self._value(value, key) for key, value in data.items()}

    def reason(self, reason: str) -> str:
        """As any text."""
        return self.text(reason)

    def delta(self, event: TextDelta | ThinkingDelta) -> TextDelta | ThinkingDelta:
        """As if it were a whole text."""
        return replace(event, text=self.text(event.text))

    def _value(self, value: Any, key: str) -> Any:
        if isinstance(value, str):
            if key in ("image_url", "file_data", "data"):  # pictures and files of a request body
                return "\u2039not kept\u203a"
            return self.text(value)
        if isinstance(value, Mapping):
            return self.data(value)
        return [self._value(item, key) for item in value] if isinstance(value, list) else value


class Withholding:
    """Nothing is kept but how long it was and, where `digests` are given, its digest."""

    def __init__(self, mode: CaptureMode, digests: Digests | None) -> None:
        self._word = "encrypted" if mode == "encrypted" else "not kept"
        self._digests = digests

    def text(self, text: str) -> str:
        """Its mark: `\u2039not kept: 14 characters, 8f3ac0d1b2e4f567\u203a`."""
        if not text:
            return ""
        digest = "" if self._digests is None else f", {self._digests.of(text)}"
        return f"\u2039{self._word}: {len(text)} character{'' if len(text) == 1 else 's'}{digest}\u203a"

    def picture(self, picture: Image) -> Part:
        """Its mark."""
        return Text(text=self.text(picture.base64 or picture.url or ""))

    def data(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """One mark for all of it."""
        return {self._word: self.text(json.dumps(data, sort_keys=True, default=str))} if data else {}

    def reason(self, reason: str) -> str:
        """Which check took how much."""
        head, colon, rest = reason.partition(": ")
        return f"{head}: {self.text(rest)}" if colon and len(head.split()) == 2 else self.text(reason)

    def delta(self, event: TextDelta | ThinkingDelta) -> TextDelta | ThinkingDelta:
        """How much came."""
        return replace(event, text="", characters_not_kept=len(event.text))
