"""Bars of block characters: upright ones over time, lying ones for comparison. Pure.

An eighth of a cell is the finest that every terminal font has. What is more than nothing is seen: it gets an eighth at least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_UPRIGHT = " ▁▂▃▄▅▆▇█"
_LYING = " ▏▎▍▌▋▊▉█"
_LIGHT = "▒"
_EIGHTHS = 8


def upright(values: Sequence[float], top: float, *, bar: int, high: int) -> list[str]:
    """One bar for each value, `bar` columns wide; `top` is as high as `high` rows, the topmost first, but for an eighth, lest it
    touch what stands above.
    """
    eighths = [_eighths(value, top, high * _EIGHTHS - 1) for value in values]
    return [
        "".join(_UPRIGHT[min(max(eighth - below * _EIGHTHS, 0), _EIGHTHS)] * bar for eighth in eighths)
        for below in reversed(range(high))
    ]


def lying(value: float, top: float, width: int) -> str:
    """A bar from the left, as long as `width` columns at `top`; there are no spaces behind it."""
    full, rest = divmod(_eighths(value, top, width * _EIGHTHS), _EIGHTHS)
    return _LYING[-1] * full + (_LYING[rest] if rest else "")


def _eighths(value: float, top: float, most: int) -> int:
    return min(math.ceil(value / top * most), most) if top > 0 else 0


def lying_in_part(value: float, part: float, top: float, width: int) -> tuple[str, str]:
    """A bar as long as `width` columns at `top`, as two that stand one after the other: the rest, and a lighter one for `part` of
    `value`. What is more than nothing is seen: it gets a column at least.
    """
    whole = math.ceil(min(value / top, 1.0) * width) if top > 0 else 0
    light = min(math.ceil(part / value * whole), whole) if value > 0 else 0
    if light == whole and part < value:
        light = max(whole - 1, 0)
    return _LYING[-1] * (whole - light), _LIGHT * light
