"""`llmesc config` and `llmesc init`."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Llmesc = Callable[..., Any]
Configure = Callable[[str], Path]

DEMO = '[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n'


def test_path_prints_where_the_configuration_is_or_would_be(llmesc: Llmesc, home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"

    assert llmesc("config", "path").out == f"{home / 'config.toml'}\n"
    assert llmesc("--config", str(other), "config", "path").out == f"{other}\n"


def test_show_names_where_each_value_comes_from_and_no_secret(llmesc: Llmesc, configure: Configure) -> None:
    file = configure('[escalation]\nmax_attempts = 5\n[providers.openai]\napi_key = "sk-proj-abcdefghijklmnop"\nmodels = ["m"]\n')

    rows = [line.split("\t") for line in llmesc("config", "show").out.splitlines()]
    shown = json.loads(llmesc("config", "show", "--json").out)

    assert ["escalation.max_attempts", "5", f"{file}:2"] in rows
    assert ["circuit.cooldown", "1m", "default"] in rows
    assert {"key": "escalation.max_attempts", "value": 5, "origin": f"{file}:2"} in shown
    assert "abcdefghijklmnop" not in str(rows)
    assert "abcdefghijklmnop" not in str(shown)


def test_the_bare_group_shows(llmesc: Llmesc, configure: Configure) -> None:
    configure(DEMO)

    assert llmesc("config").out == llmesc("config", "show").out
    assert llmesc("config", "--json").out == llmesc("config", "show", "--json").out


def test_check_passes_what_is_right_and_names_doubts(llmesc: Llmesc, configure: Configure) -> None:
    file = configure(DEMO)

    done = llmesc("config", "check")

    assert (done.code, done.out) == (0, f"{file}: no mistakes\n")
    assert "warning: chains.default: has 1 candidate, and max_attempts is 3" in done.err


def test_check_names_every_mistake_and_where(llmesc: Llmesc, configure: Configure) -> None:
    file = configure(DEMO + '[escalation]\nmax_attempts = 0\ndeadline = "soon"\n')

    done = llmesc("config", "check")
    made = llmesc("config", "check", "--json")

    assert (done.code, done.out) == (5, "")
    assert [line.partition(": ")[0].strip() for line in done.err.splitlines()[1:3]] == [f"{file}:6", f"{file}:7"]
    assert made.code == 5
    assert len(json.loads(made.out)["problems"]) == 2


def test_edit_opens_the_editor_and_checks_what_it_left(
    llmesc: Llmesc, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = configure(DEMO)
    editor = tmp_path / "editor.py"
    editor.write_text("import pathlib, sys\npathlib.Path(sys.argv[1]).write_text('[escalation]\\nmax_attempts = 0\\n')\n")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {editor}")

    done = llmesc("config", "edit")

    assert done.code == 5
    assert f"{file}:2" in done.err


def test_edit_without_a_file_or_with_a_broken_editor_says_what_to_do(
    llmesc: Llmesc, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "/nowhere/editor")

    without = llmesc("config", "edit")
    configure(DEMO)
    broken = llmesc("config", "edit")

    assert (without.code, without.err.splitlines()[1]) == (2, "next: llmesc init")
    assert (broken.code, broken.err.splitlines()[1]) == (2, "next: export EDITOR=nano")


def test_edit_starts_no_editor_of_its_own_choice_where_there_is_no_terminal(
    llmesc: Llmesc, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    file = configure(DEMO)

    done = llmesc("config", "edit")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: there is no terminal for an editor; the file is {file}\nnext: llmesc config check")


def test_init_where_nothing_can_be_written_is_not_the_users_mistake(llmesc: Llmesc, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = llmesc("--config", str(tmp_path / "file" / "config.toml"), "init")

    assert done.code == 1
    assert done.err.startswith(f"error: {tmp_path}/file/config.toml: cannot be written: ")


def test_init_writes_what_was_found_and_never_over_what_is_there(
    llmesc: Llmesc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-abcdefghijklmnop")
    file = home / "config.toml"

    first = llmesc("init")
    written = file.read_text()
    file.write_text("# mine\n")
    second = llmesc("init")

    assert (first.code, first.out) == (0, f"{file}\n")
    assert "● openai (cloud): discovered: environment variable OPENAI_API_KEY" in first.err
    assert 'api_key = { env = "OPENAI_API_KEY" }' in written
    assert "abcdefghijklmnop" not in written + first.err
    assert (second.code, file.read_text()) == (2, "# mine\n")
    assert llmesc("init", "--force").code == 0
    assert file.read_text() == written
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert llmesc("config", "check").code == 0
