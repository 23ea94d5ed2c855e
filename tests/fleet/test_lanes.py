"""Lanes: how they are written, which of them a request fits."""

from __future__ import annotations

import pytest

from llmesc.fleet.lanes import Lane, lanes_for, window_class

LANES = tuple(map(Lane.parse, ("m@any", "m@32k", "m@4k", "m@8k")))


@pytest.mark.parametrize(
    ("window", "found"),
    [(None, "any"), (1024, "1k"), (2047, "1k"), (4096, "4k"), (8192, "8k"), (32_768, "32k"), (40_960, "32k"), (200_000, "128k")],
)
def test_a_window_falls_into_the_class_below_it(window: int | None, found: str) -> None:
    assert window_class(window) == found
    assert window is None or (Lane("m", found).tokens or 0) <= window


def test_a_window_below_a_thousand_has_no_lane() -> None:
    with pytest.raises(ValueError, match="1,024 at least"):
        window_class(1000)


@pytest.mark.parametrize("text", ["m@8k", "org/model:q4@any", "a@b@128k", "模型@1k"])
def test_a_lane_reads_as_it_is_written(text: str) -> None:
    assert str(Lane.parse(text)) == text


@pytest.mark.parametrize("text", ["", "m", "@8k", "m@", "m@8", "m@08k", "m@8kk", "m\n@8k", "m@8k\n", "x" * 201 + "@8k"])
def test_what_is_no_lane_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no lane"):
        Lane.parse(text)


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        (10, ["m@4k", "m@8k", "m@32k", "m@any"]),
        (5_000, ["m@8k", "m@32k", "m@any"]),
        (30_000, ["m@32k", "m@any"]),
        (99_999, ["m@any"]),
    ],
)
def test_the_smallest_window_that_fits_is_first(tokens: int, found: list[str]) -> None:
    assert list(map(str, lanes_for(LANES, tokens))) == found


@pytest.mark.parametrize(("tokens", "found"), [(8_192, ["m@8k"]), (10_000, ["m@8k"]), (10_300, [])])
def test_an_estimate_may_be_a_quarter_too_high(tokens: int, found: list[str]) -> None:
    assert list(map(str, lanes_for([Lane("m", "4k"), Lane("m", "8k")], tokens))) == found
