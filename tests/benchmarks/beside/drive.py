"""Talks with a contestant's process, which lives as long as the benchmark: nothing of a start is in what a call costs."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.benchmarks.beside.environments import Absent, clean_environment
from tests.benchmarks.beside.field import Contestant

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).parent / "contestants" / "worker.py"
START_SECONDS = 90.0
"""LiteLLM takes three to import, and six on a busy machine."""
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or it fetches its prices from the network as it is imported
    "LITELLM_LOG": "CRITICAL",
    "LANGSMITH_TRACING": "false",
}


class Worker:
    """One contestant's process. Entering starts it; raises `Absent` where it does not come up, or breaks."""

    def __init__(self, who: Contestant, folder: Path) -> None:
        self.who, self._folder = who, folder / who.name
        self._answers = queue.SimpleQueue[str]()

    def __enter__(self) -> Worker:
        self._folder.mkdir()
        self._said = (self._folder / "stderr.txt").open("w+")
        mine = {"PYTHONPATH": str(ROOT)} if self.who.module == "of_llmesc" else {}
        home = {"HOME": str(self._folder), "LLMESC_HOME": str(self._folder / "home")}
        self._process = subprocess.Popen(
            [str(self.who.python), str(WORKER), self.who.module, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=clean_environment(**QUIET, **mine, **home),
            cwd=self._folder,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self._answer(START_SECONDS)
        except Absent:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()  # its pipe has ended with the process
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()

    def kill(self) -> None:
        """Ends it at once: it broke, and is not to go on beside the others."""
        self._process.kill()

    def ask(self, asked: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Sends one line and waits for the one that answers it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Absent(f"{self.who.name} is gone: {self._last_words()}") from error
        return self._answer(seconds)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise Absent(f"{self.who.name} said nothing for {seconds:.0f} s") from None
        if not line:
            raise Absent(f"{self.who.name} is gone: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        return next(reversed(self._said.read().strip().splitlines()), "without a word")
