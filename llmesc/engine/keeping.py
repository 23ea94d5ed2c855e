"""What operators do with the record as a whole: prove that it is as it was written, and let go what is old."""

from __future__ import annotations

from typing import TypeVar

from llmesc.config.model import Config
from llmesc.escalation.errors import StateError
from llmesc.escalation.redis_url import redacted
from llmesc.state.keeping import Keeper, Pruned, Retention, Verified
from llmesc.state.resilient import ResilientStore

T = TypeVar("T")


def retention(config: Config) -> Retention:
    """What `[records]` says."""
    return Retention(keep_seconds=config.records.keep_seconds, max_bytes=config.records.max_bytes)


_UNVERIFIED = (
    "there is no chain of digests to verify; what is recorded from now on can be kept where nobody changes it, by a sink "
    "([[records.sinks]])"
)
_PRUNES_ITSELF = (
    "it is not pruned by hand; Redis lets old requests go by itself ([records] keep, or ?keep=… and ?keep_runs=… in its URL), "
    "memory keeps the newest"
)


class NotKept(StateError):
    """The state is of a kind that has no chain, and prunes by itself."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class RecordKeeping:
    """Made by `Engine`. Every method raises `StateUnavailable` where the store cannot be had, and `NotKept`."""

    def __init__(self, config: Config, store: ResilientStore) -> None:
        self._config = config
        self._store = store

    async def verify(self, anchor: str | None = None) -> Verified:
        """See `Keeper`, as for the rest."""
        return await (await self._keeper(_UNVERIFIED, "llmesc records status")).verify(anchor)

    async def prunable(self, wanted: Retention) -> Pruned:
        """What would go."""
        return await (await self._keeper()).prunable(wanted)

    async def prune(self, wanted: Retention, who: str) -> Pruned:
        """Lets go of all of it."""
        return await (await self._keeper()).prune(wanted, who)

    async def sizes(self) -> tuple[int, int]:
        """Of the file, and of what is free in it."""
        return await (await self._keeper()).sizes()

    async def _keeper(self, why_not: str = _PRUNES_ITSELF, hint: str = "llmesc config edit") -> Keeper:
        store = await self._store.direct()
        if isinstance(store, Keeper):
            return store
        raise NotKept(f"{redacted(self._config.state)} is no SQLite file: {why_not}", hint)
