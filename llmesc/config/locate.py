"""In which line of a TOML text each key stands: `tomllib` gives values but not their places."""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the top of a document: `("providers", "lab", "models", 0, "name")`."""

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")'  # a multi-line string may end in up to two quotes of its own
    r"|'''.*?'{3,5}(?!')"
    r"""|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""",
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of each key and list element. `text` must be a document that `tomllib` accepts."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walks the text once. What is valid TOML needs no error handling here: `tomllib` has already judged it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._line, self._counted = 1, 0
        self._elements: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        begun = -1
        while self._next() and self.at != begun:  # no progress: a construct of a newer TOML; some lines are better than none
            begun = self.at
            if self._take("["):
                many = self._take("[")
                self._next()
                table = self._header(self._keys(), many=many)
                self._skip("]")
                self._take("]")
            else:
                self._pair(table)

    def _header(self, keys: list[str], *, many: bool) -> KeyPath:
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self._note(path)
            if many and position == len(keys) - 1:
                self._elements[path] = self._elements.get(path, -1) + 1
            if path in self._elements:
                path = (*path, self._elements[path])
                self._note(path)
        return path

    def _pair(self, table: KeyPath) -> None:
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path)
        self._skip("=")
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._next()
        if self._take("["):
            index = 0
            while self._next() not in {"]", ""}:
                self._note((*path, index))
                self._value((*path, index))
                self._comma()
                index += 1
            self._take("]")
        elif self._take("{"):
            while self._next() not in {"}", ""}:
                self._pair(path)
                self._comma()
            self._take("}")
        elif not self._match(_STRING):
            self._match(_BARE_VALUE)

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._match(_DOT):
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        raw = self._match(_KEY)
        return next(iter(tomllib.loads(f"{raw} = 0"))) if raw[:1] in {'"', "'"} else raw

    def _note(self, path: KeyPath) -> None:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        self.lines.setdefault(path, self._line)

    def _comma(self) -> None:
        self._next()
        self._take(",")

    def _next(self) -> str:
        """The next character that says something; empty at the end."""
        self._match(_BLANK)
        return self.text[self.at : self.at + 1]

    def _skip(self, mark: str) -> None:
        self._next()
        self._take(mark)

    def _take(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) * found
        return found

    def _match(self, pattern: re.Pattern[str]) -> str:
        hit = pattern.match(self.text, self.at)
        self.at = hit.end() if hit else self.at
        return hit[0] if hit else ""
