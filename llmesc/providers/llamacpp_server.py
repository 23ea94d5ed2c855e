"""The child process in which the engine runs: one model, served on loopback for as long as the parent lives.

A script: llmesc starts it and never imports it, and it imports nothing of llmesc, so that it starts at once. It says the
engine's version, reads its settings from one line of stdin (a key has no place on a command line), says where it serves, and
then waits for the end of stdin, which comes when the parent closes it and when the parent is gone. What it says are JSON lines
on stdout; whatever the engine prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serves until stdin ends."""
    die_with_parent()
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**words: Any) -> None:
        lines.write(json.dumps(words) + "\n")
        lines.flush()

    try:
        import xllamacpp
    except (ImportError, OSError) as error:
        say(missing=str(error))
        return
    say(engine=xllamacpp.__version__)
    settings = sys.stdin.readline()
    if not settings:
        return
    try:
        server = xllamacpp.Server(parameters(xllamacpp, **json.loads(settings)))
    except RuntimeError as error:
        say(failed=str(error))
        return
    say(url=server.listening_address)
    sys.stdin.read()
    # The engine's own way out waits for the requests in progress, whose reader is gone.
    os._exit(0)


def die_with_parent() -> None:
    """Ends this process with its parent even while the engine loads a model, which holds up every thread of Python.

    Elsewhere than on Linux the end of stdin is noticed once the model is loaded.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who is asked to stop is the parent
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def parameters(
    xllamacpp: Any,
    *,
    file: str,
    name: str,
    api_key: str,
    context_window: int,
    threads: int,
    fit: bool,
    max_tokens: int,
    sampling: dict[str, Any],
) -> Any:
    """The engine's parameters. `fit` lets it measure what a GPU can hold, which takes as long as loading a small model."""
    os.environ["GGML_NO_BACKTRACE"] = "1"  # a crash must not wait for a debugger
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]
    params.ui = False
    params.endpoint_slots = False
    params.n_ctx = context_window
    params.n_predict = max_tokens
    params.fit_params = fit
    params.warmup = False
    params.cache_ram_mib = 0  # past prompts would be kept, in gigabytes
    params.cache_idle_slots = False
    params.verbosity = 1  # errors: with a line for each request the log would grow for as long as the parent lives
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    for setting, value in sampling.items():
        setattr(params.sampling, setting, value)
    return params


if __name__ == "__main__":
    main()
