"""A terminal or a pipe of our own, and a command line that runs in this process."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmesc.cli.main import main
from llmesc.cli.streams import Streams
from llmesc.escalation.events import Event
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.escalation.times import Timestamp

NOON = Timestamp(1_800_000_000.0)


@dataclass(frozen=True)
class Done:
    """What one command left behind."""

    code: int
    out: str
    err: str


def make_streams(stdin: bytes = b"", *, terminals: str = "", width: int = 80, colour: bool = False) -> Streams:
    """Streams in memory; `terminals` names those that are one: `in out err`."""
    are = terminals.split()
    return Streams(
        stdin=io.BytesIO(stdin),
        stdout=io.StringIO(),
        stderr=io.StringIO(),
        stdin_is_terminal="in" in are,
        stdout_is_terminal="out" in are,
        stderr_is_terminal="err" in are,
        stdout_colour=colour,
        stderr_colour=colour,
        width=width,
    )


@pytest.fixture
def streams() -> Callable[..., Streams]:
    return make_streams


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's llmesc keeps its configuration, state and data."""
    place = tmp_path / "llmesc"
    monkeypatch.setenv("LLMESC_HOME", str(place))
    return place


@pytest.fixture
def configure(home: Path) -> Callable[[str], Path]:
    """Writes the configuration that the commands of this test find."""

    def write(text: str) -> Path:
        home.mkdir(exist_ok=True)
        file = home / "config.toml"
        file.write_text(text)
        return file

    return write


@pytest.fixture
def llmesc(home: Path) -> Callable[..., Done]:
    """Runs one command line: `llmesc("ask", "hi", stdin=b"…", terminals="out err")`."""

    def run(*argv: str, stdin: bytes = b"", terminals: str = "in", width: int = 80, colour: bool = False) -> Done:
        made = make_streams(stdin, terminals=terminals, width=width, colour=colour)
        code = main(argv, streams=made)
        assert isinstance(made.stdout, io.StringIO)
        assert isinstance(made.stderr, io.StringIO)
        return Done(code, made.stdout.getvalue(), made.stderr.getvalue())

    return run


def candidate(ref: str, tier: Tier = Tier.VLLM, **more: Any) -> Resolution:
    """The resolution that `provider@instance/model` names."""
    who, _, model = ref.partition("/")
    provider, _, instance = who.partition("@")
    return Resolution(
        tier=tier, provider=provider, instance=instance or "default", model=model, offering=Offering(offering_id=ref), **more
    )


@pytest.fixture
def resolve() -> Callable[..., Resolution]:
    return candidate


@pytest.fixture
def numbered() -> Callable[[Sequence[tuple[type[Event], dict[str, Any]]]], list[Event]]:
    """Events of one run from their classes and fields: numbered, a tenth of a second apart."""

    def make(story: Sequence[tuple[type[Event], dict[str, Any]]]) -> list[Event]:
        return [
            kind(run_id="7f3a", seq=seq, at=Timestamp(NOON + seq / 10), elapsed_ms=seq * 100.0, **fields)
            for seq, (kind, fields) in enumerate(story)
        ]

    return make
