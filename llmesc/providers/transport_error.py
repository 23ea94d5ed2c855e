"""How an exchange with a server fails below what it means: one word, whatever the library, the socket or the parser said."""

from __future__ import annotations


class TransportError(Exception):
    """The exchange failed. `word` is one of `transport_signs.TRANSPORT_WORDS`, or `closed`: no answer had begun."""

    def __init__(self, word: str, detail: str, body: str | bytes = "") -> None:
        super().__init__(f"{word}: {detail}")
        self.word = word
        self.detail = detail
        """What was said, without anything of the request's headers."""
        self.body = body
        """What came, where that helps to see why."""
