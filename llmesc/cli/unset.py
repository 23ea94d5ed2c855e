"""Parameters that need no validation are not validated, so that a small command starts without pydantic.

Typer hands every value of every parameter to pydantic, None included, and importing pydantic takes longer than all else that a
small command does. A parameter that nobody gave, or whose text stays text, has nothing to validate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.core import TyperArgument, TyperOption


def _unless_plain(process: Callable[..., Any]) -> Callable[..., Any]:
    def process_value(self: Any, ctx: Any, value: Any) -> Any:
        wanted = getattr(getattr(self, "type_descriptor", None), "annotation", None)
        unset = value is None and not self.required
        return value if unset or (wanted is str and isinstance(value, str)) else process(self, ctx, value)

    return process_value


for _kind in (TyperArgument, TyperOption):
    # A Typer that names it otherwise validates everything: llmesc starts later, and works.
    if (_process := getattr(_kind, "process_value", None)) is not None:
        _kind.process_value = _unless_plain(_process)  # type: ignore[method-assign]
