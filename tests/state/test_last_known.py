"""What a process knows that starts while the state is away: what this host last saw of it, and learned since."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.circuits import Admission, CircuitState, Overridden, Override, Refusal, Reset
from llmesc.escalation.redis_url import parse_redis_url
from llmesc.escalation.resolution import CircuitKey
from llmesc.state.last_known import FRESH_SECONDS, MOST, OLDEST_SECONDS, LastKnown
from llmesc.state.resilient import RETRY_SECONDS, ResilientStore
from llmesc.state.store import StateUnavailable, Store

pytestmark = pytest.mark.anyio

KEY, OTHER = CircuitKey("openai", "team-a"), CircuitKey("lab", "gpu1")


@dataclass
class Host:
    """Processes of one host, over a state that the test takes away and gives back."""

    kit: Any
    store: Store
    is_away: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        path: Path = self.kit.folder / "last.json"
        return path

    def known(self) -> LastKnown:
        return LastKnown(self.path, self.kit.clock)

    def process(self) -> ResilientStore:
        return ResilientStore(
            self._open,
            fallback=self.kit.memory(),
            spool=None,
            last_known=self.known(),
            clock=self.kit.clock,
            warn=self.warnings.append,
            patience_seconds=30.0,
        )

    async def _open(self) -> Store:
        if self.is_away:
            raise StateUnavailable("redis://elsewhere is away")
        return self.store


@pytest.fixture
async def host(kit: Any) -> AsyncIterator[Host]:
    yield Host(kit, kit.memory())


async def test_a_process_that_starts_while_it_is_away_skips_what_was_open(host: Host) -> None:
    before = host.process()
    await before.signal(KEY, host.kit.failed(trip=True))
    await before.deny(host.kit.denial("lab/qwen"))
    await before.denials()

    host.is_away = True
    host.kit.clock.seconds += 20
    after = host.process()
    refused = await after.admit(KEY)

    assert isinstance(refused, Refusal)
    assert refused.retry_at == host.kit.clock.seconds + 40, "the moment that it had"
    assert [denial.key.model for denial in await after.denials()] == ["qwen"]
    assert isinstance(await after.admit(OTHER), Admission)
    assert host.warnings == ["going on without the state: redis://elsewhere is away; circuits as they were 20 s ago"]


@pytest.mark.parametrize(("seconds", "told"), [(0, "0 s"), (119, "119 s"), (3_725, "62 min"), (40_000, "11 h")])
async def test_how_old_it_is_is_said_in_words_of_people(seconds: float, told: str, host: Host) -> None:
    await host.process().signal(KEY, host.kit.failed(trip=True))
    host.is_away = True
    host.kit.clock.seconds += seconds
    await host.process().admit(KEY)

    assert host.warnings[0].endswith(f"; circuits as they were {told} ago")


async def test_what_one_process_learns_while_it_is_away_the_next_begins_with(host: Host) -> None:
    host.is_away = True
    for _ in range(3):  # each a process of its own, as commands are
        await host.process().signal(KEY, host.kit.failed())

    assert isinstance(await host.process().admit(KEY), Refusal)


async def test_once_it_is_back_what_it_says_holds(host: Host) -> None:
    await host.process().signal(KEY, host.kit.failed(trip=True))
    host.is_away = True
    here = host.process()
    assert isinstance(await here.admit(KEY), Refusal)

    host.is_away = False
    await host.store.signal(KEY, Reset(who="ann", why=""))
    host.kit.clock.seconds += RETRY_SECONDS
    assert (await here.circuits([KEY]))[KEY].state is CircuitState.CLOSED

    host.is_away = True
    assert isinstance(await host.process().admit(KEY), Admission), "and the next process knows it, too"


async def test_half_of_what_opens_a_circuit_and_an_operators_word_are_known_too(host: Host) -> None:
    before = host.process()
    override = Override(state="open", who="ann", why="", set_at=host.kit.clock.now(), until=None)
    await before.signal(OTHER, Overridden(override=override))
    for _ in range(2):
        await before.signal(KEY, host.kit.failed())
    await before.circuits([KEY, OTHER])

    host.is_away = True
    after = host.process()

    assert len((await after.circuits([KEY]))[KEY].failures) == 2
    refused = await after.admit(OTHER)
    assert isinstance(refused, Refusal)
    assert refused.reason == "forced_open"


async def test_what_is_older_than_a_day_counts_no_more(host: Host) -> None:
    before = host.process()
    override = Override(state="open", who="ann", why="", set_at=host.kit.clock.now(), until=None)
    await before.signal(KEY, Overridden(override=override))
    await before.deny(host.kit.denial("lab/qwen"))
    await before.denials()

    host.is_away = True
    host.kit.clock.seconds += OLDEST_SECONDS + 1
    after = host.process()

    assert isinstance(await after.admit(KEY), Admission)
    assert await after.denials() == ()
    assert host.warnings == ["going on without the state: redis://elsewhere is away"]


async def test_while_all_is_well_nothing_is_written_and_afterwards_only_what_is_news(host: Host) -> None:
    here = host.process()
    for _ in range(3):
        await here.circuits([KEY, OTHER])
        await here.denials()
        await here.signal(KEY, host.kit.succeeded())
    assert not host.path.exists()

    await here.signal(KEY, host.kit.failed(trip=True))
    first = host.path.stat().st_ino
    await here.circuits([KEY, OTHER])
    assert host.path.stat().st_ino == first, "it is not news"
    host.kit.clock.seconds += FRESH_SECONDS + 1
    await here.circuits([KEY, OTHER])
    assert host.path.stat().st_ino != first, "that it still holds after an hour is"
    assert stat.S_IMODE(host.path.stat().st_mode) == 0o600


async def test_processes_of_one_host_add_what_each_of_them_sees(host: Host) -> None:
    one, two = host.process(), host.process()
    await one.circuits([KEY])
    await two.circuits([OTHER])
    await one.signal(KEY, host.kit.failed(trip=True))
    await two.signal(OTHER, host.kit.failed(trip=True))

    assert set(host.known().read().circuits) == {KEY, OTHER}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: '{"circuits": {"no-instance": [1, "{}"]}, "denials": [], "denials_seen_at": 0}',
        lambda text: json.dumps({**json.loads(text), "denials": [1]}),
        lambda text: json.dumps({**json.loads(text), "denials_seen_at": "noon"}),
        lambda text: text + " " * 5_000_000,
    ],
)
async def test_a_file_that_is_none_is_as_none(host: Host, spoil: Callable[[str], str]) -> None:
    await host.process().signal(KEY, host.kit.failed(trip=True))
    host.path.write_text(spoil(host.path.read_text()))
    host.is_away = True

    here = host.process()
    assert isinstance(await here.admit(OTHER), Admission)
    await here.signal(KEY, host.kit.failed(trip=True))

    assert set(host.known().read().circuits) == {KEY}, "and it is put right"


async def test_a_folder_that_cannot_be_written_costs_nothing(host: Host) -> None:
    host.kit.folder.write_text("a file where the folder should be")

    here = host.process()
    await here.signal(KEY, host.kit.failed(trip=True))

    assert isinstance(await here.admit(KEY), Refusal)
    assert host.warnings == []


async def test_only_the_latest_seen_are_kept(host: Host) -> None:
    keys = [CircuitKey("lab", f"gpu{number}") for number in range(MOST + 50)]
    known = host.known()
    open_circuit = (await _opened(host, KEY))[KEY]
    known.note_circuits(dict.fromkeys(keys[:50], open_circuit), keys[:50])
    host.kit.clock.seconds += 1

    known.note_circuits(dict.fromkeys(keys[50:], open_circuit), keys[50:])

    assert set(host.known().read().circuits) == set(keys[50:])


async def _opened(host: Host, key: CircuitKey) -> Any:
    await host.store.signal(key, host.kit.failed(trip=True))
    return await host.store.circuits([key])


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("redis://:hunter2@host/0", "redis://:hunter3@host/0", True),
        ("redis://host/0", "redis://host:6379/0?timeout=1s", True),
        ("redis://host/0", "redis://host/1", False),
        ("redis://host/0", "redis://other/0", False),
        ("redis://host/0", "redis://host/0?prefix=team-b", False),
    ],
)
async def test_each_state_has_a_file_of_its_own_whatever_the_password(host: Host, one: str, two: str, same: bool) -> None:
    names = []
    for url in (one, two):
        known = LastKnown.of(parse_redis_url(url), host.kit.folder / url[-1], host.kit.clock)
        known.note_circuits(await _opened(host, KEY), [KEY])
        (written,) = (host.kit.folder / url[-1]).iterdir()
        assert "hunter" not in written.read_text() + written.name
        names.append(written.name)
        written.unlink()

    assert (names[0] == names[1]) is same
