"""What a command loads and generates before it is done: start-up is what an operator feels at every call.

Counted, not timed: a module that somebody imports for one constant shows here on the day it comes, on any machine. Where a count
passes its bound, either the command has to load less or the bound says by how much it may grow: beside it stands what was
counted when it was set.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.behaviours import ANSWER

TERMINAL = frozenset({"typer", "annotated_doc", "shellingham"})
HTTP = frozenset({"h11"})


@dataclass(frozen=True)
class Case:
    """One command, and the most that it may do."""

    command: tuple[str, ...]
    own: int
    """Modules of llmesc."""
    written: int
    """Methods that are written as text and compiled while it runs, for dataclasses mostly: 50 to 100 µs each."""
    libraries: frozenset[str] = TERMINAL
    """The packages of others that it may load. Anything else is too much: pydantic takes 60 ms, textual 200, openai 800."""
    spares: frozenset[str] = frozenset({"email", "http", "unittest", "multiprocessing"})
    """What of the standard library it must not load."""


STATIC = frozenset({"asyncio", "sqlite3", "ssl", "http"})
CALLING = frozenset({"unittest", "multiprocessing", "http", "email"})
CASES = [
    Case(("--help",), own=42, written=40, spares=STATIC | {"email"}),  # 40 and 34, all of them Typer's
    Case(("--version",), own=17, written=40, spares=STATIC),  # 15 and 34
    Case(("circuits",), own=167, written=68),  # 162 and 59
    Case(("circuits", "show", "lab"), own=165, written=68),  # 161 and 57
    Case(("chain", "show"), own=171, written=86),  # 167 and 75
    Case(("budgets",), own=165, written=68),  # 161 and 56
    Case(("usage",), own=170, written=72),  # 166 and 63
    Case(("usage", "--by", "caller", "--csv"), own=170, written=72),  # 164 and 63
    Case(("history",), own=170, written=68),  # 166 and 57
    Case(("history", "export", "--html", "-"), own=183, written=68),  # 178 and 56
    Case(("ask", "--dry-run", "hi"), own=183, written=88),  # 178 and 76
    Case(("ask", "hi"), own=210, written=150, libraries=TERMINAL | HTTP, spares=CALLING),  # 206 and 131, 30 of them h11's
]

WATCHED = """
import json, sys
written = []
def watch(event, args):
    if event == "compile" and args[1] == "<string>" and isinstance(args[0], str | bytes) and "def " in str(args[0]):
        written.append(args[0])
sys.addaudithook(watch)
{before}
from llmesc.cli.main import main
code = main({argv!r})
loaded = sorted(sys.modules)
print(json.dumps({{"code": code, "loaded": loaded, "written": len(written)}}), file=sys.stderr)
"""

NOTHING_AHEAD = "from llmesc.engine import preload; preload.AFTER_SECONDS = 600.0"
"""What is loaded beside a call that takes its time is not what the call needs."""


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server that answers, in a thread of this process: its own modules are none of the command's."""
    loop, server = asyncio.new_event_loop(), FaultServer()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
    yield server.base_url
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def config(base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMESC_HOME", str(tmp_path))
    path = tmp_path / "config.toml"
    path.write_text(f'[providers.lab]\napi = "openai"\ntier = "vllm"\nbase_url = "{base_url}"\nmodels = ["ok"]\n')
    return path


def watched(argv: tuple[str, ...], before: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(before=before, argv=list(argv))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {"out": done.stdout, "err": done.stderr, **json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.command))
@pytest.mark.usefixtures("config")
def test_a_command_does_no_more_than_it_has_to(case: Case) -> None:
    seen = watched(case.command, NOTHING_AHEAD if case.libraries >= HTTP else "")

    packages = {name.partition(".")[0] for name in seen["loaded"]}
    own = [name for name in seen["loaded"] if name.partition(".")[0] == "llmesc"]
    installers = {name for name in packages if name.startswith(("__editable__", "_"))}  # what an environment loads for itself
    assert seen["code"] == 0
    assert packages - sys.stdlib_module_names - installers - {"llmesc"} - case.libraries == set()
    assert packages & case.spares == set()
    assert len(own) <= case.own, own
    assert seen["written"] <= case.written


@pytest.mark.parametrize("stream", ["never", "always"])
def test_what_only_the_record_needs_is_loaded_when_the_answer_is_out(stream: str, config: Path) -> None:
    """The list of prices takes 40 ms to load: whoever reads the answer does not wait for it."""
    text = config.read_text().replace("[providers.lab]", '[providers.openai]\npreset = "openai"\napi_key = "sk-nobodys"')
    config.write_text(re.sub("api = .*|tier = .*|models = .*", "", text) + 'models = ["gpt-5-mini"]\n')
    tells = (
        f"{NOTHING_AHEAD}\nimport os\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'genai_prices':\n"
        "            os.write(1, b'LOADED ')\n"
        "sys.meta_path.insert(0, Watch())\n"
    )

    seen = watched(("ask", "--stream", stream, "hi"), tells)

    assert seen["code"] == 0
    assert seen["out"].split("LOADED")[0].strip() == ANSWER
    assert seen["out"].count("LOADED") == 1
    assert "$0.0" in seen["err"]


@pytest.mark.usefixtures("config")
def test_an_answer_that_is_good_loads_no_rule_about_errors() -> None:
    seen = watched(("ask", "hi"), NOTHING_AHEAD)

    rules = {"classify", "error_body", "error_codes", "message_rule", "rules_of_access", "rules_of_limits", "rules_of_service"}
    assert [name for name in seen["loaded"] if name.removeprefix("llmesc.providers.") in rules] == []
