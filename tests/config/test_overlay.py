"""A file that says only what differs, over the configuration in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.config.overlay import laid_over, load_over
from llmesc.escalation.errors import ConfigError

HERE = {"LLMESC_HOME": "/home/of/llmesc"}
BASE = """
[escalation]
max_attempts = 2
deadline_seconds = 30
[providers.lab]
api = "openai"
tier = "vllm"
base_url = "http://gpu1:8000/v1"
models = ["qwen", "phi"]
[chains]
default = ["lab/qwen"]
code = ["lab/phi"]
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.toml"
    path.write_text(BASE)
    return path


def over(base: Path, text: str) -> Path:
    path = base.with_name("over.toml")
    path.write_text(text)
    return path


def test_what_it_says_holds_and_all_else_stays(base: Path) -> None:
    path = over(base, '[escalation]\nquality_threshold = 70\ndeadline = "5s"\n[chains]\ndefault = ["lab/phi", "lab/qwen"]\n')

    config = load_over(path, base, HERE)

    assert (config.limits.quality_threshold, config.limits.max_attempts, config.limits.deadline_seconds) == (70, 2, 5.0)
    assert dict(config.chains) == {"default": ("lab/phi", "lab/qwen"), "code": ("lab/phi",)}


def test_an_empty_one_changes_nothing(base: Path) -> None:
    config, alone = load_over(over(base, ""), base, HERE), load(base, HERE)

    assert (config.limits, config.providers, config.chains, config.circuit) == (
        alone.limits,
        alone.providers,
        alone.chains,
        alone.circuit,
    )


def test_each_mistake_is_told_where_it_stands(base: Path) -> None:
    base.write_text(BASE.replace("max_attempts = 2", "max_attempts = 0"))
    path = over(base, '[escalation]\nquality_treshold = 70\n[chains]\ndefault = ["lab/qwem"]\n')

    with pytest.raises(ConfigError) as raised:
        load_over(path, base, HERE)

    told = raised.value.problems
    assert len(told) == 3
    assert any(problem.startswith(f"{base}:3: escalation.max_attempts") for problem in told)
    assert any(problem.startswith(f"{path}:2: escalation.quality_treshold: no such key") for problem in told)
    assert any(problem.startswith(f"{path}:4: chains.default[0]") and "lab/qwem" in problem for problem in told)


@pytest.mark.parametrize("text", ["not toml", "a = ", "\x00"])
def test_what_is_no_toml_is_told(base: Path, text: str) -> None:
    path = over(base, text)

    with pytest.raises(ConfigError, match=r"over\.toml"):
        load_over(path, base, HERE)


def test_a_file_that_is_not_there_is_told(base: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_over(base.with_name("nowhere.toml"), base, HERE)


@pytest.mark.parametrize(
    ("below", "above", "together"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 2}, {"a": 2}),
        ({"window_seconds": 1}, {"window": "2s"}, {"window": "2s"}),
        ({"window": "1s"}, {"window_seconds": 2}, {"window_seconds": 2}),
    ],
)
def test_tables_are_laid_over_key_by_key(below: dict[str, object], above: dict[str, object], together: object) -> None:
    assert laid_over(below, above) == together
