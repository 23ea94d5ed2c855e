"""A verdict on an error in sentences, for who reads it at a terminal; programs get its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmesc.escalation.failures import CircuitEffect, SkipScope
from llmesc.story import words

_SKIPPED: Mapping[SkipScope, str] = {
    SkipScope.INSTANCE: "this instance with all its models; its siblings stay",
    SkipScope.MODEL_ON_INSTANCE: "this model on this instance",
    SkipScope.MODEL: "this model on all instances of the provider",
    SkipScope.CAPACITY: "this model on all instances of the provider; of a server of your own, all that is at its address",
    SkipScope.ENDPOINT: "all that is at the same address",
    SkipScope.PROVIDER: "all of this provider",
    SkipScope.SMALLER_WINDOWS: "whatever has too small a window, and what of the same tier has an unknown one",
    SkipScope.EVERYTHING: "everything",
}
_CIRCUIT: Mapping[CircuitEffect, str] = {
    CircuitEffect.NONE: "learns nothing",
    CircuitEffect.FAILURE: "counts one failure",
    CircuitEffect.TRIP: "opens at once",
    CircuitEffect.RETRY_AFTER: "opens until the time that was asked for",
}


def sentences(verdict: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a verdict says, and about what; what it does not know is left out."""
    wait, circuit = verdict["retry_after_seconds"], CircuitEffect(verdict["circuit"])
    if circuit is CircuitEffect.RETRY_AFTER and wait is None:
        circuit = CircuitEffect.FAILURE
    unsure = "" if verdict["sure"] else "; nothing more telling was said"
    yield "kind", verdict["kind"]
    yield "because", f"{verdict['rule']}, by {verdict['matched']!r}{unsure}" if verdict["matched"] else verdict["rule"] + unsure
    yield "it said", verdict["message"]
    if wait is not None:
        yield "asks to wait", f"{words.seconds(wait)} ({verdict['retry_after_source']})"
    if verdict["request_id"]:
        yield "request id", verdict["request_id"]
    yield "skipped", f"for this request, {_SKIPPED[SkipScope(verdict['skip'])]}"
    yield "circuit", _CIRCUIT[circuit]
    if verdict["deny"]:
        yield "denied", "this model on this instance, for a while or until `llmesc models allow`"
    yield "then", "stop" if verdict["action"].endswith("stop") else "the next candidate"
    yield "to do", verdict["hint"]
