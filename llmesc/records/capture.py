"""What the record keeps of one run: between the stream of its events and the recorder. The live run is not changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.codec import decode_event, encode, encode_event
from llmesc.escalation.events import (
    Answer,
    AttemptStarted,
    Event,
    ProviderFailed,
    QualityChecked,
    RunFinished,
    RunStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallRequested,
)
from llmesc.escalation.ports import Consumer
from llmesc.records.deltas import Deltas
from llmesc.records.digest import Digests
from llmesc.records.rules import Redacting, Withholding
from llmesc.records.sealing import Vault
from llmesc.records.texts import Rule, answer, reworded

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class Capture:
    """A consumer in front of the recorder.

    Each attempt's own words are kept as the strictest of the run's mode and its provider's says. What was asked, and whatever
    repeats it, is recorded before anybody is called, so it is kept as the strictest says of all who might be.
    """

    def __init__(
        self,
        recorder: Consumer,
        mode: CaptureMode,
        modes: Mapping[str, CaptureMode],
        digests: Callable[[], Digests],
        vault: Callable[[], Vault],
    ) -> None:
        self._recorder = recorder
        self._mode = mode
        self._modes = modes
        self._digests = digests
        self._vault = vault
        self._attempts: dict[int, CaptureMode] = {}
        self._tools: frozenset[str] = frozenset()
        self._deltas = Deltas()
        self._mode_of_all = mode

    async def consume(self, event: Event) -> None:
        """Takes one event; what the recorder gets, in the same order and without a gap, may be a few pieces of text behind."""
        if isinstance(event, RunStarted):
            named = (self._modes.get(candidate.provider, "full") for candidate in event.chain.candidates)
            self._mode_of_all = strictest((self._mode, *named))
            self._tools = frozenset(tool.name for tool in event.request.tools)
        if isinstance(event, AttemptStarted):
            self._attempts[event.attempt] = self.of_provider(event.resolution.provider)
        mode = self._mode_for(event)
        if isinstance(event, TextDelta | ThinkingDelta) and mode == "redacted":
            ready = self._deltas.piece(event)
        else:
            ready = self._deltas.other(self._kept(event, mode))
        for each in ready:
            await self._recorder.consume(each)

    def of_provider(self, provider: str) -> CaptureMode:
        """How an attempt there is kept."""
        return strictest((self._mode, self._modes.get(provider, "full")))

    def cause(self, message: str) -> str:
        """An error's words, for the circuits and denials that this run changes."""
        match self._mode_of_all:
            case "full":
                return message
            case "redacted":
                return Redacting().text(message)
            case _:  # circuits are for everybody, so nothing is sealed there
                return f"‹not kept: capture = {self._mode_of_all}›"

    def _mode_for(self, event: Event) -> CaptureMode:
        match event:
            case AttemptStarted() | TextDelta() | ThinkingDelta() | ToolCallRequested() | ProviderFailed() | QualityChecked():
                return self._attempts.get(event.attempt, self._mode_of_all)
            case _:
                return self._mode_of_all

    def _kept(self, event: Event, mode: CaptureMode) -> Event:
        of_answer = mode
        if isinstance(event, RunFinished) and event.answer is not None:
            of_answer = self._mode_of(event.answer)
        if mode == of_answer == "full":
            return event
        kept = self._reworded(event, mode, of_answer)
        if "encrypted" not in (mode, of_answer):
            return kept
        readable = {"encrypted": "full"}
        return self._sealed(
            self._reworded(event, *(cast("CaptureMode", readable.get(each, each)) for each in (mode, of_answer))), kept
        )

    def _reworded(self, event: Event, mode: CaptureMode, of_answer: CaptureMode) -> Event:
        kept = event if mode == "full" else reworded(event, self._rule(mode), self._tools)
        if isinstance(kept, RunFinished) and kept.answer is not None and of_answer != "full":
            return replace(kept, answer=answer(kept.answer, self._rule(of_answer), self._tools))
        return replace(kept, capture=mode) if isinstance(kept, RunStarted | AttemptStarted) else kept

    def _mode_of(self, given: Answer) -> CaptureMode:
        """Of the answer: as strict as each who wrote at it."""
        wrote = {given.attempt, *(part.attempt for part in given.ranges)}
        return strictest((self._mode, *(self._attempts.get(attempt, "full") for attempt in wrote)))

    def _rule(self, mode: CaptureMode) -> Rule:
        if mode == "redacted":
            return Redacting()
        return Withholding(mode, self._digests() if mode == "metadata" else None)

    def _sealed(self, readable: Event, kept: Event) -> Event:
        whole, bare = encode(readable), encode(kept)
        withheld = {name: value for name, value in whole.items() if bare[name] != value}
        return replace(kept, sealed=self._vault().seal(_to_json(withheld).encode(), _place(kept))) if withheld else kept


def opened(event: Event, vault: Vault) -> Event:
    """The event as it was, where it was sealed and the vault has its key; else as it stands."""
    plain = None if event.sealed is None else vault.open(event.sealed, _place(event))
    if plain is None:
        return event
    whole = decode_event({**encode_event(event), **json.loads(plain), "sealed": None})
    return whole or event


def _place(event: Event) -> str:
    return f"{event.run_id}:{event.seq}:{event.type}"
