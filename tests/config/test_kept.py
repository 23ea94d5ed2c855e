"""How long runs are kept, wherever that is said, and what `config show` and `config check` make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmesc.config.check import warnings
from llmesc.config.describe import describe
from llmesc.config.kept import kept
from llmesc.config.model import Config, RecordSettings

DAY = 86_400.0
FILE = "sqlite:///state.db"


def config(state: str, keep_seconds: float | None = None, max_bytes: int | None = None) -> Config:
    origins = {"records.keep": "config.toml:9", "state": "config.toml:1"} if keep_seconds else {"state": "config.toml:1"}
    return Config(state=state, records=RecordSettings(keep_seconds=keep_seconds, max_bytes=max_bytes), origins=origins)


@pytest.mark.parametrize(
    ("state", "keep_seconds", "shown", "origin"),
    [
        (FILE, None, None, "default"),
        (FILE, 90 * DAY, "90d", "config.toml:9"),
        ("redis://host", None, "30d", "default"),
        ("redis://host", 90 * DAY, "90d", "config.toml:9"),
        ("redis://host?keep=7d", None, "7d", "config.toml:1"),
        ("redis://host?keep=7d", 90 * DAY, "7d", "config.toml:1"),
    ],
)
def test_what_is_in_force_is_shown_with_where_it_is_said(
    state: str, keep_seconds: float | None, shown: str | None, origin: str
) -> None:
    settings = {setting.key: setting for setting in describe(config(state, keep_seconds))}

    assert (settings["records.keep"].value, settings["records.keep"].origin) == (shown, origin)


def test_a_size_is_shown_as_it_is_written() -> None:
    settings = {setting.key: setting.value for setting in describe(config(FILE, None, 2_000_000_000))}

    assert settings["records.max_size"] == "2GB"


def test_nothing_said_keeps_a_file_for_ever() -> None:
    assert kept(config(FILE)).seconds is None


@pytest.mark.parametrize(
    ("state", "keep_seconds", "max_bytes", "doubt"),
    [
        ("redis://localhost?keep=7d", 90 * DAY, None, "records.keep: the state's URL says keep=7d, which counts"),
        (
            "redis://localhost",
            None,
            2_000_000_000,
            "records.max_size: only a state in a SQLite file is held to it; its maxmemory",
        ),
        ("memory:", None, 2_000_000_000, "records.max_size: only a state in a SQLite file"),
    ],
)
def test_what_has_no_effect_is_doubted(state: str, keep_seconds: float | None, max_bytes: int | None, doubt: str) -> None:
    assert any(line.startswith(doubt) for line in warnings(config(state, keep_seconds, max_bytes), {}))


@pytest.mark.parametrize("state", [FILE, "redis://localhost", "redis://localhost?keep=90d"])
def test_what_is_said_once_or_twice_the_same_is_not(state: str) -> None:
    said = replace(config(state, 90 * DAY), origins={})
    assert [line for line in warnings(said, {}) if line.startswith("records.")] == []
