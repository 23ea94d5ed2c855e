"""What every test starts from: no state, configuration or key of the person who runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

_OURS = ("LLMESC_", "XDG_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TEXTUAL_")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, and none of the variables that steer llmesc, a terminal or a provider's client."""
    import os

    for name in list(os.environ):
        if name.startswith(_OURS) or name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
