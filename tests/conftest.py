"""What every test starts from: no state, configuration or key of the person who runs it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import platformdirs
import pytest
from hypothesis import settings

_OURS = ("LLMESC_", "XDG_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS", "TEXTUAL_COLOR")


settings.register_profile("llmesc", deadline=None)  # no test depends on how fast the machine is
settings.load_profile("llmesc")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, and none of the variables that steer llmesc, a terminal or a provider's client."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


_CACHE = Path(os.environ.get("LLMESC_TEST_CACHE") or platformdirs.user_cache_path("llmesc-tests"))
"""Kept between test runs, so that a hundred megabytes are fetched once."""


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's weights, fetched as a user's first call fetches them."""
    from llmesc.providers.llamacpp_weights import SMOLLM2, built_in_weights

    return asyncio.run(built_in_weights(SMOLLM2, _CACHE, lambda words, part: None))
