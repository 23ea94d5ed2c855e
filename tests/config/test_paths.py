from __future__ import annotations

from pathlib import Path

import pytest

from llmesc.config.paths import config_dir, config_path, data_dir, default_state_url, located, named_config, state_dir


def test_the_flag_outranks_the_variable_which_outranks_the_users_file() -> None:
    environ = {"LLMESC_HOME": "/h", "LLMESC_CONFIG": "/v/c.toml"}

    assert config_path(Path("/f/c.toml"), environ) == Path("/f/c.toml")
    assert config_path(None, environ) == Path("/v/c.toml")
    assert config_path(None, {"LLMESC_HOME": "/h"}) == Path("/h/config.toml")


def test_only_a_file_that_somebody_named_has_to_exist() -> None:
    assert named_config(None, {"LLMESC_CONFIG": ""}) is None
    assert named_config(Path("c.toml"), {}) == Path.cwd() / "c.toml"


def test_one_variable_moves_everything() -> None:
    environ = {"LLMESC_HOME": "/h"}

    assert (config_dir(environ), state_dir(environ), data_dir(environ)) == (Path("/h"), Path("/h/state"), Path("/h/data"))
    assert default_state_url(environ) == "sqlite:///h/state/state.db"


def test_without_it_the_platform_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    monkeypatch.setattr("sys.platform", "linux")

    assert config_path(None, {}) == tmp_path / "c" / "llmesc" / "config.toml"
    assert state_dir({}) == tmp_path / "s" / "llmesc"
    assert data_dir({}) == tmp_path / "d" / "llmesc"
    assert default_state_url({}) == f"sqlite://{tmp_path}/s/llmesc/state.db"


def test_a_path_is_meant_from_where_it_is_written() -> None:
    assert located("key", Path("/etc")) == Path("/etc/key")
    assert located("/abs/key", Path("/etc")) == Path("/abs/key")
    assert located("~/key", Path("/etc")) == Path.home() / "key"
    assert located("~nobody-has-this-name/key", Path("/etc")) == Path("/etc/~nobody-has-this-name/key")
