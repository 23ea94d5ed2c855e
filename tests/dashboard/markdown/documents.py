"""Generated Markdown: documents as models write them, and whatever else."""

from __future__ import annotations

from hypothesis import strategies as st

WORD = st.sampled_from(
    ["Raft", "the", "**log**", "*term*", "`x = 1`", "a_b", "[link](http://a.b/c)", "界界", "2 * 3", "~~no~~", "é", "👩\u200d🚒"]
)
SENTENCE = st.lists(WORD, min_size=1, max_size=9).map(" ".join)
PARAGRAPH = st.lists(SENTENCE, min_size=1, max_size=3).map("\n".join)
HEADING = st.tuples(st.integers(1, 4), SENTENCE).map(lambda pair: "#" * pair[0] + " " + pair[1])
CODE = st.tuples(
    st.sampled_from(["", "python", "bash", "nosuch"]),
    st.lists(st.sampled_from(["", "x = 'y'", "def f():", "    # why", "- a", "# b", "| c |", "~~~"]), max_size=6),
    st.sampled_from(["```", "````", "~~~~"]),
).map(lambda one: f"{one[2]}{one[0]}\n" + "".join(f"{line}\n" for line in one[1]) + one[2])
QUOTE = PARAGRAPH.map(lambda text: "\n".join(f"> {line}" for line in text.split("\n")))
ROW = st.lists(SENTENCE, min_size=2, max_size=2).map(lambda cells: f"| {' | '.join(cells)} |")
TABLE = st.tuples(ROW, st.sampled_from(["|---|---|", "|:--|--:|"]), st.lists(ROW, max_size=5)).map(
    lambda one: "\n".join([one[0], one[1], *one[2]])
)


def _list(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def item(marker: str, text: str) -> str:
        first, *more = text.split("\n")
        return "\n".join([f"{marker} {first}", *(f"{' ' * (len(marker) + 1)}{line}" if line else "" for line in more)])

    def listed(one: tuple[bool, int, list[str], bool]) -> str:
        numbered, start, items, loose = one
        lines = [item(f"{start + place}." if numbered else "-", text) for place, text in enumerate(items)]
        return ("\n\n" if loose else "\n").join(lines)

    return st.tuples(st.booleans(), st.integers(1, 9), st.lists(inside, min_size=1, max_size=4), st.booleans()).map(listed)


LEAF = PARAGRAPH | CODE | TABLE | QUOTE
_IN_ITEM = SENTENCE | st.tuples(SENTENCE, CODE).map("\n".join)
LIST = st.recursive(SENTENCE, lambda inside: _list(st.tuples(SENTENCE, inside).map("\n".join) | _IN_ITEM), max_leaves=6)
BLOCK = LEAF | HEADING | LIST | st.just("---") | st.just("    indented\n\n    code")
DOCUMENT = st.lists(st.tuples(BLOCK, st.sampled_from(["\n\n", "\n\n", "\n", "\n\n\n"])).map("".join), max_size=6).map("".join)

ANYTHING = st.text(st.sampled_from("ab \n\t`*_~#>-|1.[]()!\\&;:<界\x1b\u202e\u200b"), max_size=300)
"""The characters that mean something, in any order."""

_SHORT = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
_FENCED = _SHORT.map(lambda text: f"{text}\n```python\n{text}\n\ny = 2\n```")
_ITEM = st.tuples(_SHORT, _list(_SHORT)).map("\n".join) | _SHORT | _FENCED
LISTS = st.tuples(st.lists(_list(_ITEM), min_size=1, max_size=4).map("\n\n".join), _SHORT).map("\n\n".join)
"""Long lists of short items, and a paragraph after them."""
