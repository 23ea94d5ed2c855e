"""Circuits and denials as text and bytes: the same in every database.

What cannot be read (another version wrote it, or a person) is learned anew: it must not keep all others from being read.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from llmesc.escalation.circuits import Circuit, Recent
from llmesc.escalation.codec import decode, encode
from llmesc.escalation.codec_text import text_of
from llmesc.escalation.ports import Denial

_CALL = struct.Struct("<d?d")


@lru_cache
def _calls(count: int) -> struct.Struct:
    return struct.Struct("<" + "d?d" * count)


def stored_circuit(circuit: Circuit) -> tuple[str, bytes]:
    """JSON of everything but `recent`, and that. It changes with every call and only screens read it: as JSON, its 32 entries
    would make a circuit ten times as dear to write, so they stand beside it as bare numbers.
    """
    return text_of(replace(circuit, recent=())), _calls(len(circuit.recent)).pack(*chain.from_iterable(circuit.recent))


def read_circuit(body: str | bytes, recent: bytes) -> Circuit:
    """The reverse; a fresh circuit where it cannot be read."""
    try:
        calls = tuple(Recent._make(call) for call in _CALL.iter_unpack(recent))
        return decode(Circuit, json.loads(body), recent=calls)
    except (ValueError, KeyError, TypeError, struct.error):
        return Circuit()


def stored_denial(denial: Denial) -> str:
    """JSON."""
    return json.dumps(encode(denial))


def read_denial(body: str | bytes) -> Denial | None:
    """The reverse; None where it cannot be read."""
    try:
        return decode(Denial, json.loads(body))
    except (ValueError, KeyError, TypeError):
        return None
