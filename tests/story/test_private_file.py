"""Files for their owner alone: whole or not at all."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmesc.story.private_file import Exists, write_private


def test_a_file_is_readable_by_its_owner_alone_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "config.toml"
    file.parent.mkdir()

    write_private(["a = 1\n"], file)
    write_private(["a = 2\n"], file, replace=True)

    assert file.read_text() == "a = 2\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_a_file_that_is_there_is_overwritten_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("mine")

    with pytest.raises(Exists):
        write_private(["a = 1\n"], file)

    assert file.read_text() == "mine"
    assert [path.name for path in file.parent.glob("*.toml*")] == ["config.toml"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "dotfiles.toml").write_text("old")
    (tmp_path / "config.toml").symlink_to(tmp_path / "dotfiles.toml")

    write_private(["new"], tmp_path / "config.toml", replace=True)

    assert (tmp_path / "config.toml").is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == "new"


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(NotADirectoryError):
        write_private(["a = 1\n"], tmp_path / "file" / "deep" / "config.toml")


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[str]:
        yield "half"
        raise KeyboardInterrupt

    pages = tmp_path / "pages"
    pages.mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_private(pieces(), pages / "page.html")

    assert list(pages.iterdir()) == []
