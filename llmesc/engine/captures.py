"""What the configuration says about the record: a mode for each run, the key, and reading what was sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmesc.config.model import Config
from llmesc.config.paths import state_dir
from llmesc.config.secrets import resolve
from llmesc.escalation.capture import CaptureMode
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.events import Event
from llmesc.escalation.ports import Consumer

if TYPE_CHECKING:
    from llmesc.records.capture import Capture
    from llmesc.records.digest import Digests
    from llmesc.records.sealing import Vault


class Captures:
    """Of one engine."""

    def __init__(self, config: Config, environ: Mapping[str, str], base_dir: Path) -> None:
        self._mode = config.records.capture
        self._key = config.records.key
        self._modes = {provider.name: provider.capture for provider in config.providers if provider.capture != "full"}
        self._environ = environ
        self._base_dir = base_dir
        self._digests: Digests | None = None
        self._vault: Vault | None = None

    def wanted(self, mode: CaptureMode | None) -> CaptureMode:
        """The mode of a run: what the call says, or the configuration."""
        return mode or self._mode

    def keeps_all(self, mode: CaptureMode | None) -> bool:
        """Whether a run of that mode is recorded as it is, whoever is called."""
        return self.wanted(mode) == "full" and not self._modes

    async def prepare(self, mode: CaptureMode | None) -> None:
        """Gets the key where it may be needed. Raises `ConfigError`: what cannot be sealed is not asked."""
        if "encrypted" in {self.wanted(mode), *self._modes.values()}:
            await self._open_vault()

    def capture(self, recorder: Consumer, mode: CaptureMode | None) -> Capture:
        """What stands before the recorder of one run; `prepare` is to be called before the run begins."""
        from llmesc.records.capture import Capture

        return Capture(recorder, self.wanted(mode), self._modes, self._get_digests, self._get_vault)

    async def opened(self, events: Sequence[Event]) -> Sequence[Event]:
        """Events from the record, with what was sealed where the key for it is configured."""
        if self._key is None or all(event.sealed is None for event in events):
            return events
        from llmesc.records.capture import opened

        try:
            vault = await self._open_vault()
        except ConfigError:
            return events  # their marks say what is missing
        return [opened(event, vault) for event in events]

    async def _open_vault(self) -> Vault:
        if self._vault is None:
            if self._key is None:
                raise ConfigError(
                    ('records.key: missing; capture = "encrypted" needs one: { env = … }, { file = … } or { keyring = … }',)
                )
            import asyncio

            from llmesc.records.sealing import Vault

            self._vault = Vault.of(await asyncio.to_thread(resolve, self._key, self._environ, self._base_dir))
        return self._vault

    def _get_vault(self) -> Vault:
        assert self._vault is not None, "the key is there before the run begins"
        return self._vault

    def _get_digests(self) -> Digests:
        if self._digests is None:
            from llmesc.records.digest import Digests

            self._digests = Digests.of_machine(state_dir(self._environ))
        return self._digests
