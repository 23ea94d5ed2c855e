"""What is foreseen of one candidate, with what people want to know beside it: move, circuit, the words of the reason."""

from __future__ import annotations

from llmesc.engine.options import Planned
from llmesc.escalation.chain import move_of
from llmesc.escalation.circuits import Circuit, effective_state
from llmesc.escalation.events import Chain
from llmesc.escalation.foresight import Foreseen, Knowledge
from llmesc.escalation.obstacles import Obstacle


def planned(foreseen: Foreseen, chain: Chain, known: Knowledge) -> Planned:
    """One line of a plan."""
    candidate, obstacle = foreseen.resolution, foreseen.obstacle
    circuit = known.circuits.get(candidate.circuit_key) or Circuit()
    return Planned(
        resolution=candidate,
        move=move_of(chain.candidates[0], candidate),
        circuit=circuit,
        circuit_state=effective_state(circuit, known.now).value,
        skip=obstacle.reason if obstacle else None,
        detail=_why(obstacle, circuit) if obstacle else "; ".join(foreseen.repairs),
        retry_at=obstacle.retry_at if obstacle else None,
        afterwards=foreseen.afterwards,
        cost=foreseen.cost,
        timeouts=known.allowances.timeouts(candidate, 1.0),
    )


def _why(obstacle: Obstacle, circuit: Circuit) -> str:
    refused = obstacle.refused
    if refused is None:
        return obstacle.detail
    if refused.reason == "forced_open" and circuit.override:
        return circuit.override.why
    return f"{refused.cause.kind}: {refused.cause.message}" if refused.cause else ""
