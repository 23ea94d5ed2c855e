"""`doctor` looks at real endpoints and names what to put right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import Engine
from llmesc.engine.doctor import Check
from llmesc.providers.faults import FaultServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer({"listed": "ok"}, key="right") as server:
        yield server


async def examined(tmp_path: Path, server: Any, provider: str) -> dict[str, Check]:
    path = tmp_path / "config.toml"
    path.write_text(f'[providers.lab]\napi = "openai"\ntier = "vllm"\nbase_url = "{server.base_url}"\n{provider}\n')
    async with Engine.open(config=load(path, {}), state=f"sqlite://{tmp_path}/state.db") as engine:
        return {check.name: check for check in await engine.operations.doctor()}


async def test_all_is_well(tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "right")

    checks = await examined(tmp_path, server, 'api_key = { env = "LAB_KEY" }\nmodels = ["listed"]')

    assert {name: check.status for name, check in checks.items()} == {
        "versions": "ok",
        "config": "ok",
        "state": "ok",
        "provider:lab": "ok",
        "models:lab": "ok",
    }
    assert server.calls("listed") == [], "no model is called"


async def test_a_model_that_is_not_listed_is_a_warning_that_says_what_is(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", "right")

    checks = await examined(tmp_path, server, 'api_key = { env = "LAB_KEY" }\nmodels = ["lister"]')

    assert (checks["models:lab"].status, "listed" in checks["models:lab"].hint) == ("warning", True)
    assert checks["config"].detail == "1 provider, 0 chains"


async def test_a_server_that_lists_no_model_is_a_warning_that_says_so(tmp_path: Path) -> None:
    async with FaultServer({}) as bare:
        checks = await examined(tmp_path, bare, 'models = ["m"]')

    assert checks["models:lab"].hint == "it lists no model at all: load one there, or check base_url"


@pytest.mark.parametrize(
    ("value", "told"), [(None, "LAB_KEY"), ("wrong-key-of-mine", "auth")], ids=["no key", "a key that is refused"]
)
async def test_a_key_that_is_missing_or_refused_is_told_and_never_shown(
    value: str | None, told: str, tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("LAB_KEY", value)

    check = (await examined(tmp_path, server, 'api_key = { env = "LAB_KEY" }\nmodels = ["listed"]'))["provider:lab"]

    assert check.status == "failed"
    assert told in check.detail
    assert check.hint
    assert "wrong-key" not in f"{check}"


async def test_a_server_that_is_down_is_told(tmp_path: Path, server: Any) -> None:
    await server.refuse()

    check = (await examined(tmp_path, server, 'models = ["listed"]'))["provider:lab"]

    assert (check.status, "connection" in check.detail) == ("failed", True)


async def test_a_state_that_cannot_be_used_is_told(tmp_path: Path, server: Any) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 500)
    path = tmp_path / "config.toml"
    path.write_text('[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')
    warnings: list[str] = []
    async with Engine.open(config=load(path, {}), state=f"sqlite://{tmp_path}/state.db", on_warning=warnings.append) as engine:
        checks = {check.name: check for check in await engine.operations.doctor()}

    assert checks["state"].status == "failed"
    assert "state.db" in checks["state"].detail
