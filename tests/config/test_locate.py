from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from llmesc.config.locate import KeyPath, key_lines

DOCUMENT = '''\
# a comment with [brackets] and "quotes"
state = "memory:"  # = x
[escalation]
max_attempts = 3
"quo.ted" = 1
[providers.lab]
models = [
  "a", # ] is no end
  { name = "x]", price = { a = 1, b = 'q' }, since = 1979-05-27 07:32:00 },
]
instances.gpu1.base_url = "h"
[[many]]
text = """
not = a key
"quoted"""""
[[many]]
a = 2
[many.inner]
b = [[1, 2], [3,
4]]
'''


def test_every_key_and_element_is_found_in_its_line() -> None:
    tomllib.loads(DOCUMENT)

    lines = key_lines(DOCUMENT)

    expected: dict[KeyPath, int] = {
        ("state",): 2,
        ("escalation",): 3,
        ("escalation", "max_attempts"): 4,
        ("escalation", "quo.ted"): 5,
        ("providers", "lab", "models"): 7,
        ("providers", "lab", "models", 0): 8,
        ("providers", "lab", "models", 1, "price", "b"): 9,
        ("providers", "lab", "instances", "gpu1", "base_url"): 11,
        ("many", 0): 12,
        ("many", 0, "text"): 13,
        ("many", 1): 16,
        ("many", 1, "inner", "b", 1, 1): 20,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert not any("not" in path for path in lines)


keys = st.text(min_size=1, max_size=8)
scalars = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(max_size=20), st.datetimes())
content = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
)


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in parts for place in [(*path, key), *paths(inner, (*path, key))]]


@given(st.dictionaries(keys, content, max_size=4), st.booleans())
def test_the_scanner_finds_exactly_the_keys_that_the_parser_finds(document: dict[str, Any], multiline: bool) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)

    lines = key_lines(text)

    assert sorted(lines, key=repr) == sorted(set(paths(tomllib.loads(text))), key=repr)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
