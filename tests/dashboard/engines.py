"""Engines over a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from llmesc import Engine


@asynccontextmanager
async def opened(database: Path, config: str) -> AsyncIterator[Engine]:
    """An engine with `config`, which keeps its record in `database`."""
    file = database.with_name("config.toml")
    file.write_text(config)
    async with Engine.open(config_file=file, state=f"sqlite://{database}", on_warning=lambda _: None) as engine:
        yield engine
