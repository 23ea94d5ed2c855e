"""What a worker serves, as its operator says it: what is wrong is said before anybody can ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine.assemble import offerings
from llmesc.engine.serving.open_worker import worker_name
from llmesc.engine.serving.served import served, servings
from llmesc.escalation.errors import UnknownName

CONFIG = """
[fleet]
url = "redis://localhost"
[providers.lab]
api = "openai"
tier = "vllm"
models = [{ name = "qwen3-32b", context_window = 32768 }, "unknown"]
[providers.lab.instances.gpu1]
base_url = "http://gpu1:8000/v1"
[providers.lab.instances.gpu2]
base_url = "http://gpu2:8000/v1"
models = [{ name = "qwen3-32b", context_window = 16384 }]
[providers.other]
api = "simulated"
models = [{ name = "qwen3-32b", context_window = 8192 }, { name = "tiny", context_window = 512 }]
[providers.elsewhere]
api = "fleet"
models = ["m"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Any:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return load(path, {})


@pytest.mark.parametrize(
    ("references", "windows", "lanes"),
    [
        (["lab@gpu1/qwen3-32b"], [], ["qwen3-32b@32k"]),
        (["lab/qwen3-32b"], [], ["qwen3-32b@16k"]),  # what all of its instances can take
        (["lab/unknown"], [], ["unknown@any"]),
        (["lab@gpu1/qwen3-32b"], ["8k", "32k"], ["qwen3-32b@8k", "qwen3-32b@32k"]),
        (["lab@gpu1/qwen3-32b", "lab/unknown"], ["qwen3-32b@8k"], ["qwen3-32b@8k", "unknown@any"]),
        (["lab@gpu1/qwen3-32b", "lab@gpu1/qwen3-32b"], [], ["qwen3-32b@32k"]),
    ],
)
def test_lanes_are_the_models_own_or_those_that_are_named(
    config: Any, references: list[str], windows: list[str], lanes: list[str]
) -> None:
    assert [serving.lane for serving in servings(served(config, offerings(config), references, windows))] == lanes


@pytest.mark.parametrize(
    ("references", "windows", "problem"),
    [
        (["elsewhere/m"], [], "is the fleet itself"),
        (["other/qwen3-32b"], ["32k"], "does not fit the lane"),
        (["other/tiny"], [], "too small for a lane"),
        (["other/qwen3-32b"], ["any"], "does not fit the lane"),
        (["other/qwen3-32b"], ["other@8k"], "no --serve has that model"),
        (["other/qwen3-32b"], ["8"], "is no lane"),
        (["other/qwen3-32b", "lab@gpu1/qwen3-32b"], ["8k"], "served by two references"),
    ],
)
def test_what_cannot_be_served_is_said(config: Any, references: list[str], windows: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        served(config, offerings(config), references, windows)


def test_a_reference_that_nobody_knows_has_its_nearest(config: Any) -> None:
    with pytest.raises(UnknownName, match="lab/qwen3-32b"):
        served(config, offerings(config), ["lab/qwen3-32"], [])


def test_a_worker_has_a_name_fit_for_keys_and_terminals() -> None:
    assert worker_name("gpu-1.lab") == "gpu-1.lab"
    assert worker_name(worker_name(None)) == worker_name(None)
    for wrong in ("", "a b", "a/b", "\x1b[31m", "-a", "x" * 81):
        with pytest.raises(ValueError, match="no name for a worker"):
            worker_name(wrong)
