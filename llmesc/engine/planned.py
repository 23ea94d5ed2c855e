"""What is foreseen of each candidate, with what people want to know beside it: move, circuit, the words of the reason."""

from __future__ import annotations

from collections.abc import Iterator

from llmesc.engine.options import Planned
from llmesc.escalation.chain import move_of
from llmesc.escalation.circuits import Circuit, effective_state
from llmesc.escalation.events import Chain
from llmesc.escalation.foresight import Knowledge, foresee
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request
from llmesc.escalation.obstacles import Obstacle
from llmesc.escalation.quick import quick


def planned(chain: Chain, request: Request, limits: Limits, known: Knowledge) -> Iterator[Planned]:
    """The lines of a plan."""
    line, circuits, unused = quick(Planned), known.circuits, Circuit()
    for foreseen in foresee(chain, request, limits, known):
        candidate, obstacle = foreseen.resolution, foreseen.obstacle
        circuit = circuits.get(candidate.circuit_key, unused)
        yield line(
            resolution=candidate,
            move=move_of(chain.candidates[0], candidate),
            circuit=circuit,
            circuit_state=effective_state(circuit, known.now),
            skip=obstacle.reason if obstacle else None,
            detail=_why(obstacle, circuit) if obstacle else "; ".join(foreseen.repairs),
            retry_at=obstacle.retry_at if obstacle else None,
            afterwards=foreseen.afterwards,
            cost=foreseen.cost,
        )


def _why(obstacle: Obstacle, circuit: Circuit) -> str:
    refused = obstacle.refused
    if refused is None:
        return obstacle.detail
    if refused.reason == "forced_open" and circuit.override:
        return circuit.override.why
    return f"{refused.cause.kind}: {refused.cause.message}" if refused.cause else ""
