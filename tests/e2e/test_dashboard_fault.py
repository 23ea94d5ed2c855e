"""A fault of ours inside a screen: the terminal is put right, the crash file tells where it happened, and no secret is told."""

from __future__ import annotations

import stat
import sys
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are not there", allow_module_level=True)

from tests.e2e.terminal import in_terminal

SECRET = "sk-live-4f9d0c7b2a6e8135"

FAULTY = """
import sys
from importlib.abc import MetaPathFinder


class Spoiler(MetaPathFinder):
    '''Has one widget fail the moment its module is there: as a fault of ours would, and with a secret in hand.'''

    def find_spec(self, name, path, target=None):
        if name != "llmesc.dashboard.widgets.tabs":
            return None
        sys.meta_path.remove(self)
        import llmesc.dashboard.widgets.rows as rows

        def {place}(self, *given, **named):
            api_key = "{secret}"
            prompt = ["what a user typed", api_key]
            raise RuntimeError(f"no such row: api_key={{api_key}}")

        rows.Rows.{place} = {place}
        return None


sys.meta_path.insert(0, Spoiler())
"""
"""Loaded by the interpreter of the dashboard's process before anything else."""


@pytest.mark.parametrize("place", ["render_line", "action_move", "show"])
def test_a_fault_in_a_screen_leaves_the_terminal_as_it_was_and_a_crash_file_without_secrets(shell: Any, place: str) -> None:
    shell.config = '[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n'
    folder = shell.folder / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FAULTY.format(place=place, secret=SECRET))
    shell.environment["PYTHONPATH"] = str(folder)
    with in_terminal(shell.argv("dashboard"), shell.env(), shell.folder / "stdout.txt") as terminal:
        if place == "action_move":
            terminal.wait_for("nothing asked yet")
            terminal.press("j")
        assert terminal.ended() == 70
        assert (terminal.echoes, terminal.stdout) == (True, "")
        screen = "\n".join(terminal.lines)

    (crash,) = (shell.folder / "llmesc").rglob("crashes/*.txt")
    told = crash.read_text()
    assert crash.name in screen.replace("\n", ""), "where the crash file lies is said"
    assert "RuntimeError" in told and f"in {place}" in told, "what and where"
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    for text in (told, screen):
        assert SECRET not in text and "what a user typed" not in text
