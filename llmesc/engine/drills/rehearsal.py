"""Drills of one chain, everything played: for who has an engine open and goes on using it meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import field, replace
from pathlib import Path

from llmesc.config.model import Config
from llmesc.engine.drills.catalogue import Row, RowDrilled, play_rows, row_scenario
from llmesc.engine.drills.drill import Drilled, OpenDrill, candidates, drill, open_drill
from llmesc.engine.drills.scenario import Scenario
from llmesc.engine.options import AskOptions
from llmesc.escalation.light_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Beside the engine whose `config` it is: the state is scratch, nothing leaves this machine and nothing costs."""

    config: Config
    environ: Mapping[str, str]
    warn: Callable[[str], None]
    options: AskOptions = field(default_factory=AskOptions)
    """Which chain, from which candidate on."""

    async def target(self) -> str | None:
        """The reference of the candidate that faults strike: the first. None where the chain has none. Raises what `Engine.plan`
        raises.
        """
        chain = await candidates(self._scenario(), self.config, environ=self.environ, base_dir=self._base_dir, warn=self.warn)
        return chain[0].ref if chain else None

    def open(self, row: Row, target: str, *, pace_seconds: float) -> AbstractAsyncContextManager[OpenDrill]:
        """One row at the configured limits; good answers come word by word. See `open_drill`."""
        scenario = replace(row_scenario(row, target, self._scenario()), pace_seconds=pace_seconds)
        return open_drill(scenario, self.config, environ=self.environ, base_dir=self._base_dir, warn=self.warn)

    def rows(self, target: str) -> AsyncIterator[RowDrilled]:
        """Every row in turn, at its own short limits. The delay that is added is not judged: whoever watches adds to it."""

        async def play(scenario: Scenario) -> Drilled:
            return await drill(scenario, self.config, environ=self.environ, base_dir=self._base_dir, warn=self.warn)

        return play_rows(play, target, self._scenario(), added_seconds=None)

    def _scenario(self) -> Scenario:
        return Scenario(name="", simulate=True, options=self.options)

    @property
    def _base_dir(self) -> Path:
        """Files are named from it by who is really called, which is nobody."""
        return Path()
