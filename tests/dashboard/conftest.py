"""Pictures of the dashboard lie in the top-level `snapshots/`, where the README shows them too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot

SNAPSHOTS = Path(__file__).parent.parent.parent / "snapshots"


class InSnapshots(pytest_textual_snapshot.SVGImageExtension):
    """The plugin's own, but for the place."""

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(SNAPSHOTS / test_location.basename)


# The plugin picks its class by this name each time: rebinding it is the one way to say where pictures go (syrupy 4.8 has none).
pytest_textual_snapshot.SVGImageExtension = InSnapshots


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times on the screen are the operator's; in pictures they are UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
