"""How long runs are kept: what `[records]` says, and what the state's URL does."""

from __future__ import annotations

from typing import NamedTuple

from llmesc.config.model import Config
from llmesc.escalation.redis_url import RedisPlace, is_redis_url, parse_redis_url


class Kept(NamedTuple):
    """In force."""

    seconds: float | None
    """None: for ever."""
    key: str | None
    """The setting that says so; None: none does."""


def kept(config: Config) -> Kept:
    """A Redis URL outranks `[records]`, because it is said for that server; it always keeps runs for some time only."""
    said = config.records.keep_seconds
    place = redis_place(config)
    if place is None:
        return Kept(said, None if said is None else "records.keep")
    if place.keep_is_said:
        return Kept(place.keep_seconds, "state")
    return Kept(place.keep_seconds, None) if said is None else Kept(said, "records.keep")


def redis_place(config: Config) -> RedisPlace | None:
    """The Redis that is the state; None where it is something else, or badly written."""
    try:
        return parse_redis_url(config.state) if is_redis_url(config.state) else None
    except ValueError:
        return None
