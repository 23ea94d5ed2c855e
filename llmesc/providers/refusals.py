"""The refusals that servers of models send most, by name: what the simulated wire and the fault server play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Refusal(NamedTuple):
    """An HTTP status, and the code that the error in the body carries."""

    status: int
    code: str | None = None


REFUSALS: Mapping[str, Refusal] = {
    "auth": Refusal(401, "invalid_api_key"),
    "no_credit": Refusal(402, "insufficient_quota"),
    "permission": Refusal(403),
    "no_model": Refusal(404, "model_not_found"),
    "bad_request": Refusal(400, "invalid_value"),
    "overflow": Refusal(400, "context_length_exceeded"),
    "policy": Refusal(400, "content_filter"),
    "rate_limit": Refusal(429, "rate_limit_exceeded"),
    "server_error": Refusal(500),
    "overloaded": Refusal(503),
}


def refusal(name: str) -> Refusal | None:
    """The refusal of that name, or of that HTTP status; None where it is neither."""
    if name.isdigit() and len(name) == 3 and name >= "400":
        return Refusal(int(name))
    return REFUSALS.get(name)
