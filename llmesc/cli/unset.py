"""Parameters that need no validation are not validated, so that a small command starts without pydantic.

Typer hands every value of every parameter to pydantic, None included, and importing pydantic takes longer than all else that a
small command does: 60 ms and 13 MB. A parameter that nobody gave, whose text stays text, or that is one of the words it may
be, has nothing to validate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from typer.core import TyperArgument, TyperOption


def as_it_is(wanted: object, value: object) -> bool:
    """Whether `value`, as the command line has it, is already what the annotation `wanted` stands for."""
    if wanted is str:
        return isinstance(value, str)
    if wanted is int:
        return isinstance(value, int)  # a default: what is said is still text
    if get_origin(wanted) is Literal:
        return isinstance(value, str) and value in get_args(wanted)
    return wanted == list[str] and isinstance(value, list) and all(isinstance(item, str) for item in value)


def _unless_plain(process: Callable[..., Any]) -> Callable[..., Any]:
    def process_value(self: Any, ctx: Any, value: Any) -> Any:
        wanted = getattr(getattr(self, "type_descriptor", None), "annotation", None)
        said = list(value) if isinstance(value, tuple) else value
        unset = value is None and not self.required
        return said if unset or (said != [] and as_it_is(wanted, said)) else process(self, ctx, value)

    return process_value


for _kind in (TyperArgument, TyperOption):
    # A Typer that names it otherwise validates everything: llmesc starts later, and works.
    if (_process := getattr(_kind, "process_value", None)) is not None:
        _kind.process_value = _unless_plain(_process)  # type: ignore[method-assign]
