"""What one read of an answer brings, as few pieces as it can be."""

from __future__ import annotations

from typing import Any

from llmesc.escalation.messages import Usage
from llmesc.escalation.pieces import Activity, Piece, TextPiece, ThinkingPiece, UsagePiece


class Burst:
    """Gathers pieces until they are taken: what follows each other and is of one kind becomes one piece."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._run: list[str] = []
        self._run_kind: type[TextPiece | ThinkingPiece] = TextPiece
        self._half = ""
        self._active = False
        self._usage: Usage | None = None

    def text(self, text: Any) -> None:
        """Some of the answer; what is no text is passed over."""
        self._say(TextPiece, text)

    def thinking(self, text: Any) -> None:
        """Some of the reasoning; what is no text is passed over."""
        self._say(ThinkingPiece, text)

    def usage(self, usage: Usage) -> None:
        """A count of tokens; the last before the pieces are taken is handed on."""
        self._usage = usage

    def alive(self) -> None:
        """Something came that is not handed on yet."""
        self._active = True

    def add(self, piece: Piece) -> None:
        """A piece that stands for itself, behind all that came so far."""
        self._end_run()
        self._pieces.append(piece)

    def count(self) -> None:
        """The count of tokens stands here, if there is one: before the finish, where both come together."""
        if self._usage is not None:
            self.add(UsagePiece(self._usage))
            self._usage = None

    def take(self) -> list[Piece]:
        """All that was gathered."""
        self._end_run()
        self.count()
        if self._active and not self._pieces:
            self._pieces.append(Activity())
        self._active = False
        pieces, self._pieces = self._pieces, []
        return pieces

    def _say(self, kind: type[TextPiece | ThinkingPiece], text: Any) -> None:
        if not text or not isinstance(text, str):
            return
        if kind is not self._run_kind:
            self._end_run()
            self._run_kind = kind
        self._run.append(text)

    def _end_run(self) -> None:
        if not self._run:
            return
        text = self._half + "".join(self._run)
        self._run.clear()
        text, self._half = (text, "") if text.isascii() else _mended(text)
        if text:
            self._pieces.append(self._run_kind(text))


def storable(text: str) -> str:
    """`text` with lone halves of characters replaced: they can be neither stored nor printed."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mended(text: str) -> tuple[str, str]:
    """`text` in whole characters, and the half of one that its end may have cut off: some servers cut inside a pair."""
    half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return storable(text[: len(text) - len(half)]), half
