"""Which requests a typed filter lets through. Pure."""

from __future__ import annotations

from llmesc.engine import RunSummary
from llmesc.escalation.light_dataclass import dataclass

FIELDS = ("provider", "outcome", "chain")
"""What may stand before a colon; any other word is looked for in the prompt and the run's id."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter."""

    field: str
    """One of `FIELDS`, or empty for text."""
    value: str
    """Case folded, never empty."""
    inverse: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """`raft !provider:lab outcome:below` as its words; one that is not finished yet (`!`, `chain:`) asks for nothing."""
    terms = []
    for word in text.casefold().split():
        inverse = word.startswith("!")
        field, colon, value = word.removeprefix("!").partition(":")
        if not colon or field not in FIELDS:
            field, value = "", word.removeprefix("!")
        if value:
            terms.append(Term(field, value, inverse))
    return tuple(terms)


def fits(run: RunSummary, terms: tuple[Term, ...]) -> bool:
    """Whether every term holds."""
    return all(_holds(run, term) is not term.inverse for term in terms)


def _holds(run: RunSummary, term: Term) -> bool:
    match term.field:
        case "provider":
            return any(ref.casefold().startswith(term.value) for ref in run.tried)
        case "outcome":
            return run.outcome.startswith(term.value.replace("-", "_"))
        case "chain":
            return run.chain.casefold().startswith(term.value)
        case _:
            return term.value in run.prompt.casefold() or term.value in run.run_id.casefold()
