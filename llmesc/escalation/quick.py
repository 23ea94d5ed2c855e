"""`quick(cls)(…)`: what `cls(…)` makes, in a third of the time, of a frozen dataclass with slots. For what is made of each
candidate of a long chain, and for each event.

To call a class with keywords takes 0.2 µs before its `__init__` begins, and there each field of a frozen one takes 30 ns, past
its `__setattr__`. A function spares both: it fills an instance of a twin, which has the same slots and is not frozen, and then
says that it is one of `cls`. Measured with Python 3.11: 0.12 µs instead of 0.31 for four fields, 0.17 instead of 0.57 for nine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from llmesc.escalation.light_dataclass import parts_of_init

P = ParamSpec("P")
T = TypeVar("T")


class _Quick(Protocol):
    def __call__(self, cls: Callable[P, T], /) -> Callable[P, T]: ...


def _written(cls: Any) -> Any:
    names, parameters, values = parts_of_init(cls)
    open_to_all = {"__slots__": cls.__slots__, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    names |= {"cls": cls, "twin": type(cls.__name__, cls.__bases__, open_to_all), "empty": object.__new__}
    lines = [f"def make({', '.join(parameters)}):", " self = empty(twin)"]
    lines += [f" self.{name} = {value}" for name, value in values.items()]
    lines += [" self.__class__ = cls", *([" self.__post_init__()"] if hasattr(cls, "__post_init__") else []), " return self"]
    exec("\n".join(lines), names)  # noqa: S102 - of names of fields
    return names["make"]


quick = cast("_Quick", cache(_written))
"""See above; written when it is first asked for."""
