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
        (["budgets"], {"pydantic", "rich", "textual", "httpx"}),
        (["chain", "show"], {"pydantic", "rich", "textual", "httpx"}),
        (["ask", "--dry-run", "hi"], {"rich", "textual", "httpx"}),
        (["ask", "hi"], {"rich", "textual"}),
        (["usage"], {"pydantic", "rich", "textual", "httpx"}),
        (["usage", "--by", "caller", "--csv"], {"pydantic", "rich", "textual", "httpx"}),
        (["history"], {"rich", "textual", "httpx"}),
        (["history", "export", "--html", "-"], {"rich", "textual", "httpx"}),
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


@pytest.mark.parametrize("stream", ["never", "always"])
def test_the_price_list_is_loaded_when_the_answer_is_out(stream: str, configure: Configure) -> None:
    answering = (
        "import asyncio, os, sys, threading\n"
        "from llmesc.providers.faults import FaultServer\n"
        "loop, server = asyncio.new_event_loop(), FaultServer()\n"
        "threading.Thread(target=loop.run_forever, daemon=True).start()\n"
        "asyncio.run_coroutine_threadsafe(server.listen(), loop).result()\n"
        f"config = open({str(configure('').parent / 'config.toml')!r}, 'w')\n"
        'config.write(f\'[providers.openai]\\npreset = "openai"\\nbase_url = "{server.base_url}"\\n'
        'api_key = "sk-nobodys"\\nmodels = ["gpt-5-mini"]\\n\')\n'
        "config.close()\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'genai_prices':\n"
        "            os.write(1, b'LOADED ')\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from llmesc.cli.main import main\n"
        f"sys.exit(main(['ask', '--stream', {stream!r}, 'hi']))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", answering], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )

    from llmesc.providers.faults.behaviours import ANSWER

    assert done.returncode == 0, done.stderr
    assert done.stdout.split("LOADED")[0].strip() == ANSWER
    assert done.stdout.count("LOADED") == 1
    assert "$0.0" in done.stderr
