"""A configuration from a text, and where it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmesc.config.load import load
from llmesc.config.model import Config
from llmesc.escalation.errors import ConfigError

HERE = {"LLMESC_HOME": "/home/of/llmesc"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def loaded(file: Path) -> Callable[..., Config]:
    """Loads a text as the configuration file."""

    def load_text(text: str, **environ: str) -> Config:
        file.write_text(text, encoding="utf-8")
        return load(file, HERE | environ)

    return load_text


@pytest.fixture
def mistakes(file: Path) -> Callable[..., list[str]]:
    """The problems of a text, without the file's name in front."""

    def load_text(text: str, **environ: str) -> list[str]:
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as error:
            load(file, HERE | environ)
        assert all(problem.startswith(str(file)) for problem in error.value.problems)
        return [problem.removeprefix(f"{file}:").strip() for problem in error.value.problems]

    return load_text
