"""Circuits and denials in Redis: a hash of each."""

from __future__ import annotations

from collections.abc import Callable, Collection

from llmesc.escalation.circuits import Circuit, Transition
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey
from llmesc.escalation.times import Timestamp
from llmesc.state.denials import in_force, names
from llmesc.state.redis_connection import PATIENT_SECONDS, RedisConnection
from llmesc.state.redis_fields import Fields
from llmesc.state.stored import read_circuit, read_denial, stored_circuit, stored_denial

Decide = Callable[[Circuit], tuple[Circuit, Transition | None]]


class CircuitHash:
    """The circuits. One is decoded again only when it was written again."""

    def __init__(self, connection: RedisConnection, new_tag: Callable[[], str], seconds: float) -> None:
        self._fields = Fields(connection, "circuits", news=True, new_tag=new_tag, seconds=seconds)
        self._decoded: dict[str, tuple[bytes, Circuit]] = {}

    async def read(self, keys: Collection[CircuitKey] | None) -> dict[CircuitKey, Circuit]:
        """Those among `keys` that were ever used; None: all."""
        bodies = await self._fields.read(None if keys is None else [_name(key) for key in keys])
        return {_key(name): self._decode(name, body) for name, body in bodies.items()}

    async def change(self, key: CircuitKey, decide: Decide) -> tuple[Circuit, Transition | None]:
        """Sets what `decide` makes of the circuit, whose generation and everything else are still what it was asked about."""
        name = _name(key)

        def decide_body(body: bytes | None) -> tuple[bytes | None, tuple[Circuit, Transition | None]]:
            circuit = Circuit() if body is None else self._decode(name, body)
            changed, transition = decide(circuit)
            if changed is circuit:
                return None, (circuit, None)
            made = _encode(changed)
            self._decoded[name] = (made, changed)
            return made, (changed, transition)

        return await self._fields.change(name, decide_body)

    def _decode(self, name: str, body: bytes) -> Circuit:
        known = self._decoded.get(name)
        if known is None or known[0] != body:
            text, _, recent = body.partition(b"\n")
            known = self._decoded[name] = (body, read_circuit(text, recent))
        return known[1]


class DenialHash:
    """The denials. They are few and read whole; only new ones are decoded."""

    def __init__(self, connection: RedisConnection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._known: dict[bytes, Denial | None] = {}

    async def read(self, now: Callable[[], Timestamp]) -> tuple[Denial, ...]:
        """Those in force."""
        (_, flat) = await self._connection.run("look", ("denials",), (), self._seconds)
        self._known = {value: self._known.get(value) or read_denial(value.partition(b" ")[2]) for value in flat[1::2]}
        found = sorted((denial for denial in self._known.values() if denial), key=lambda denial: denial.key)
        return in_force(found, now())

    async def put(self, denial: Denial) -> None:
        """Writes one, and clears away those that have expired."""
        ends = "inf" if denial.until is None else repr(float(denial.until))
        await self._connection.run("deny", ("denials",), (_field(denial), f"{ends} {stored_denial(denial)}"), self._seconds)

    async def remove(self, pattern: str, now: Callable[[], Timestamp]) -> tuple[Denial, ...]:
        """Removes those in force that `pattern` names; those removed."""
        removed = tuple(denial for denial in await self.read(now) if names(pattern, denial))
        if removed:
            await self._connection.run("allow", ("denials",), [_field(denial) for denial in removed], PATIENT_SECONDS)
        return removed


def _name(key: CircuitKey) -> str:
    return f"{key.provider}@{key.instance}"


def _key(name: str) -> CircuitKey:
    return CircuitKey(*name.split("@", 1))


def _field(denial: Denial) -> str:
    provider, instance, model = denial.key
    return f"{provider}@{instance}/{model}"


def _encode(circuit: Circuit) -> bytes:
    body, recent = stored_circuit(circuit)
    return body.encode() + b"\n" + recent
