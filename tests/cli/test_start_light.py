"""What a command does not need, it does not load: start-up is what an operator feels at every call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Configure = Callable[[str], Path]


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (["--help"], {"asyncio", "pydantic", "rich", "textual", "httpx", "sqlite3", "llmesc.engine"}),
        (["circuits"], {"pydantic", "rich", "textual", "httpx"}),
        (["chain", "show"], {"pydantic", "rich", "textual", "httpx"}),
        (["ask", "--dry-run", "hi"], {"rich", "textual", "httpx"}),
        (["ask", "hi"], {"rich", "textual"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_loads_only_what_it_needs(command: list[str], heavy: set[str], configure: Configure) -> None:
    configure('[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')
    code = (
        "import sys\nfrom llmesc.cli.main import main\n"
        f"code = main({command!r})\nprint(code, sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.stderr.splitlines()[-1] == "0 []"
