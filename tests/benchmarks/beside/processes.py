"""Whole commands, from nothing to the prompt: time, the processor's time, peak memory, and what of the time imports take.

Beside the least that a program with the same libraries could take, and beside `llm`, which is the command that people know.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from tests.benchmarks.beside import imports
from tests.benchmarks.beside.drive import ROOT
from tests.benchmarks.beside.environments import Absent, clean_environment, compile_ours, environment_of, peers
from tests.benchmarks.beside.field import Field
from tests.benchmarks.beside.figures import Figures
from tests.benchmarks.beside.provider import Provider

LAUNCHER = Path(__file__).with_name("launch.py")

BARE_TYPER = '''
import typer
app = typer.Typer()
@app.command()
def hello(name: str = "you") -> None:
    """Says hello."""
    print("hello", name)
app()
'''

BARE_ASK = '''
import json, sqlite3, sys
import httpx, typer
app = typer.Typer()
@app.command()
def ask(prompt: str) -> None:
    """Asks, prints, records."""
    db = sqlite3.connect(sys.argv[0] + ".db")
    db.execute("pragma journal_mode=wal")
    db.execute("create table if not exists asked(prompt, answer)")
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    with httpx.Client() as client:
        answer = client.post(BASE + "/chat/completions", json=body).json()["choices"][0]["message"]["content"]
    db.execute("insert into asked values (?, ?)", (prompt, answer))
    db.commit()
    print(answer)
app()
'''

CONFIG = """
[providers.lab]
api = "openai"
tier = "vllm"
base_url = "{base}"
models = ["m"]
"""

LLM_MODEL = "- model_id: mock\n  model_name: m\n  api_base: {base}\n"
"""`llm`'s extra-openai-models.yaml."""


@dataclass(frozen=True)
class Took:
    """One process."""

    cpu_ms: float
    wall_ms: float
    peak_mb: float


TOLD = (
    ("", "CPU", "ms", attrgetter("cpu_ms")),
    ("-time", "time", "ms", attrgetter("wall_ms")),
    ("-memory", "peak memory", "MB", attrgetter("peak_mb")),
)


def run(field: Field, provider: Provider, folder: Path, rounds: int, without: Sequence[str]) -> Iterator[Figures]:
    """Each command in turn with what it stands beside."""
    compile_ours()
    env = clean_environment(HOME=str(folder), LLMESC_HOME=str(folder / "llmesc"), PYTHONPATH=str(ROOT))
    commands = _ours(provider, folder)
    if "llm" not in without:
        try:
            theirs = _of_llm(field, provider, folder)
        except Absent as absent:
            field.absent["llm"] = str(absent)
        else:
            commands["help"]["llm"], commands["ask"]["llm"] = theirs
    env |= {"LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "sk-beside"}
    for name, beside in commands.items():
        took: dict[str, list[Took]] = {who: [] for who in beside}
        for turn in range(rounds + 1):
            for who in beside if turn % 2 else reversed(beside):
                measured = once(beside[who], env)
                if turn:
                    took[who].append(measured)
        title = f"`{name.replace('-', ' ')}`" if name != "help" else "`--help`"
        for suffix, what, unit, value in TOLD:
            yield Figures(
                f"processes.{name}{suffix}", f"{title}: {what}", unit, {who: list(map(value, took[who])) for who in took}
            )
        imported = [imports.once(beside["llmesc"], env) for _ in range(rounds + 1)]
        yield imports.figures(f"processes.{name}-imports", f"{title}: time of imports", imported[1:])


def once(command: Sequence[str], env: Mapping[str, str]) -> Took:
    """Runs one, started by `launch.py`, which says why."""
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), *command]
    done = subprocess.run(launch, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return Took(**json.loads(done.stdout))


def _ours(provider: Provider, folder: Path) -> dict[str, dict[str, list[str]]]:
    base, config = provider.base("ok"), folder / "process.toml"
    config.write_text(CONFIG.format(base=base))
    hello, ask = folder / "hello.py", folder / "ask.py"
    hello.write_text(BARE_TYPER)
    ask.write_text(f"BASE = {base!r}\n{BARE_ASK}")
    python = sys.executable
    ours = [python, "-m", "llmesc", "--config", str(config)]
    return {
        "help": {"llmesc": [python, "-m", "llmesc", "--help"], "bare": [python, str(hello), "--help"]},
        "circuits": {"llmesc": [*ours, "circuits"], "bare": [python, str(hello)]},
        "chain-show": {"llmesc": [*ours, "chain", "show"], "bare": [python, str(hello)]},
        "ask": {"llmesc": [*ours, "ask", "hi"], "bare": [python, str(ask), "hi"]},
    }


def _of_llm(field: Field, provider: Provider, folder: Path) -> tuple[list[str], list[str]]:
    environment = environment_of(peers()["llm"])
    field.versions["llm"] = environment.versions
    (folder / "extra-openai-models.yaml").write_text(LLM_MODEL.format(base=provider.base("ok")))
    command = [str(environment.python), "-m", "llm"]
    return [*command, "--help"], [*command, "-m", "mock", "hi"]
