"""Sizes as people write them, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.sizes import exact_size, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2_000_000_000),
        ("1GiB", 2**30),
        ("1.5 mb", 1_500_000),
        ("500KB", 500_000),
        ("12 B", 12),
        ("12", 12),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "2 XB", "-1MB", "1e9", "GB", "1 GB 2"])
def test_what_is_no_size_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="500MB"):
        parse_size(text)


@given(st.integers(min_value=0, max_value=2**53))
def test_an_exact_size_is_read_back(size: int) -> None:
    assert parse_size(exact_size(size)) == size


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (4_200_000, "4.2 MB")])
def test_people_are_told_about_how_much(size: int, text: str) -> None:
    assert format_size(size) == text
