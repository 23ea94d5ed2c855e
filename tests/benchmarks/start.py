"""How long llmesc takes to start and to ask, beside the least that a program with the same libraries could take.

    python -m tests.benchmarks.start [--rounds 15]

Whole processes, in turn (A B A B …), on this machine, everything compiled beforehand; medians, and the ratio pair by pair.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

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

LIMITS = {"--help": 1.3, "circuits": 1.3, "ask": 1.6}
"""What the project promises, as ratios."""


def once(command: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return seconds


def compare(name: str, ours: list[str], bare: list[str], env: dict[str, str], rounds: int) -> bool:
    once(ours, env), once(bare, env)  # warm the page cache
    pairs = [(once(ours, env), once(bare, env)) for _ in range(rounds)]
    ratio = statistics.median(a / b for a, b in pairs)
    spread = sorted(a / b for a, b in pairs)
    a, b = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    kept = ratio <= LIMITS[name]
    print(
        f"{name:<10} llmesc {a:6.1f} ms   bare {b:6.1f} ms   ratio {ratio:.2f} "
        f"({spread[0]:.2f} to {spread[-1]:.2f})   limit {LIMITS[name]:.1f}   {'kept' if kept else 'BROKEN'}"
    )
    return kept


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Our fault server in a process of its own, answering well; its base URL."""
    command = [sys.executable, "-m", "llmesc.providers.faults", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield next(word for word in line.split() if word.startswith("http://")).rstrip("/.,")
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LLMESC_", "PYTHONDONTWRITE"))}
    import llmesc

    packages = [Path(llmesc.__file__).parent, Path(sys.prefix) / "lib"]
    with contextlib.redirect_stdout(io.StringIO()):
        for package in packages:
            compileall.compile_dir(package, quiet=2)
    with tempfile.TemporaryDirectory() as folder, server() as base:
        home = Path(folder)
        base = base if base.endswith("/v1") else base + "/v1"
        env |= {"HOME": folder, "LLMESC_HOME": str(home / "llmesc")}
        (home / "hello.py").write_text(BARE_TYPER)
        (home / "ask.py").write_text(f"BASE = {base!r}\n{BARE_ASK}")
        config = home / "config.toml"
        config.write_text(f'[providers.lab]\napi = "openai"\ntier = "vllm"\nbase_url = "{base}"\nmodels = ["ok"]\n')
        hello, ask = [sys.executable, str(home / "hello.py")], [sys.executable, str(home / "ask.py"), "hi"]
        ours = [sys.executable, "-m", "llmesc"]
        kept = [
            compare("--help", [*ours, "--help"], [*hello, "--help"], env, rounds),
            compare("circuits", [*ours, "--config", str(config), "circuits"], hello, env, rounds),
            compare("ask", [*ours, "--config", str(config), "ask", "hi"], ask, env, rounds),
        ]
    raise SystemExit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
