"""The house: a room imports only from floors below it, and starting stays light."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "llmesc"
FLOORS = {
    "escalation": 1,
    "config": 2,
    "state": 2,
    "providers": 2,
    "records": 3,
    "fleet": 3,
    "engine": 4,
    "story": 5,
    "dashboard": 6,
    "cli": 7,
}
DOORS = {
    "story": {"engine", "escalation"},
    "dashboard": {"story", "engine", "escalation"},
    "cli": {"dashboard", "story", "engine", "escalation", "config"},
}
"""The top floors see the engine and the core's types; the config commands also see config/, one command opens the dashboard."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module that `path` imports, wherever in the file, by absolute name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floors"
            yield node.module or ""


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def test_the_walk_sees_the_whole_package() -> None:
    assert {room_of(path) for path in modules()} >= {"escalation", "config", "state", "providers", "records", "engine", "cli"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_floors_below_it(path: Path) -> None:
    room = room_of(path)
    if not room:
        return  # the package's front door opens onto every floor
    wrong = []
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "llmesc" or len(parts) == 1:
            continue
        other = parts[1]
        below = other in FLOORS and FLOORS[other] < FLOORS[room]
        allowed = other == room or (below and other in DOORS.get(room, FLOORS))
        if not allowed:
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize("path", [path for path in modules() if room_of(path) == "escalation"], ids=lambda path: path.stem)
def test_the_core_imports_no_third_party_package(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert roots - set(sys.stdlib_module_names) - {"llmesc"} == set()


def test_only_the_http_room_imports_what_speaks_http() -> None:
    below = {"httpx", "httpcore", "h11"}
    importers = {
        path.relative_to(PACKAGE).parent
        for path in modules()
        if not below.isdisjoint(name.split(".")[0] for name in imported(path))
    }
    assert importers == {Path("providers/http")}


def test_only_the_rooms_of_redis_import_its_client() -> None:
    importers = {path.name for path in modules() if any(name.split(".")[0] == "redis" for name in imported(path))}
    assert importers == {"redis_connection.py", "redis_errors.py"}


def test_dataclasses_are_the_light_ones() -> None:
    """Half a millisecond each, at every start; see `light_dataclass`. A session is no class with slots."""
    importers = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        if re.search(r"^\s*from dataclasses import .*\bdataclass\b", path.read_text(), re.MULTILINE)
    }
    assert importers == {"escalation/light_dataclass.py", "cli/session.py"}


def test_every_public_thing_of_the_package_exists_and_is_sorted() -> None:
    import llmesc

    assert list(llmesc.__all__) == sorted(llmesc.__all__)
    assert [name for name in llmesc.__all__ if not hasattr(llmesc, name)] == []


def test_files_are_small_rooms() -> None:
    large = {str(path.relative_to(PACKAGE)): lines for path in modules() if (lines := len(path.read_text().splitlines())) > 400}
    assert large == {}
