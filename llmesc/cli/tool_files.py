"""`--tools FILE.py`: the functions that a file offers to the model."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from llmesc.cli.bad_input import BadInput
from llmesc.engine.python_tools import toolbox
from llmesc.escalation.errors import UnusableTool
from llmesc.escalation.tools import Permit, Toolbox


def tools_of(files: Iterable[Path], *, permit: Permit | None, max_rounds: int | None) -> Toolbox:
    """The tools of all `files` together. Runs the files, as importing does. Raises `BadInput`."""
    functions = [function for number, file in enumerate(files) for function in _functions(file, f"llmesc_tools_{number}")]
    try:
        return toolbox(functions, permit=permit, max_rounds=max_rounds)
    except UnusableTool as error:
        raise BadInput(f"--tools: {error}") from None


def _functions(file: Path, module_name: str) -> list[Callable[..., Any]]:
    """The public functions that are defined at the top of `file`, in order."""
    try:
        source = file.read_bytes()
    except OSError as error:
        raise BadInput(f"--tools {file}: {error.strerror or error}") from None
    module = ModuleType(module_name)
    module.__file__ = str(file)
    sys.modules[module_name] = module  # where type hints, dataclasses and enums look for it
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - what the user names is meant to run
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's code; one line says where it went wrong
        raise BadInput(_problem(file, error)) from None
    functions = list(_public(module))
    if not functions:
        raise BadInput(f"--tools {file}: no function is defined in it whose name has no leading underscore")
    return functions


def _public(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for name, thing in vars(module).items():
        if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_"):
            yield thing


def _problem(file: Path, error: BaseException) -> str:
    """What went wrong, and the line of the file that it came of."""
    if isinstance(error, SyntaxError):
        return f"--tools {file}, line {error.lineno}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    where = f", line {lines[-1]}" if lines else ""
    return f"--tools {file}{where}: {type(error).__name__}: {error}"
