"""Reading TOML tables into values, so that every mistake is found and none stops the reading.

A key that nobody asked for is a mistake too: what a section reads is what it allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from llmesc.config import values
from llmesc.config.locate import KeyPath
from llmesc.config.secrets import SecretRef
from llmesc.config.wording import dotted, nearest, shown, span
from llmesc.escalation.durations import EXAMPLES
from llmesc.escalation.sizes import SIZE_EXAMPLES

T = TypeVar("T")
D = TypeVar("D")

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CREDENTIAL = re.compile(r"(?i)auth|key|token|secret|cookie|password")
"""A header of such a name holds a secret, also where it is written as a plain text."""


class Document:
    """One configuration file: where each key stands, what was wrong, where each value came from."""

    def __init__(self, path: Path, lines: Mapping[KeyPath, int]) -> None:
        self.path = path
        self.lines = lines
        self.origins: dict[str, str] = {}
        self._problems: list[tuple[int, str]] = []
        self._tables: list[Table] = []

    def open(self, path: KeyPath, content: Mapping[str, Any]) -> Table:
        """The table at `path`; `()` is the whole document."""
        table = Table(self, path, content)
        self._tables.append(table)
        return table

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest thing around it; 0: unknown."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def where(self, path: KeyPath) -> str:
        """`file:line`."""
        line = self.line(path)
        return f"{self.path}:{line}" if line else str(self.path)

    def wrong(self, path: KeyPath, message: str) -> None:
        """Notes a mistake at `path`."""
        self._problems.append((self.line(path), f"{self.where(path)}: {dotted(path)}: {message}"))

    def problems(self) -> tuple[str, ...]:
        """Every mistake, in the order of the file, the keys that nobody asked for included."""
        for table in self._tables:
            table.refuse_unknown()
        return tuple(message for _, message in sorted(self._problems, key=lambda problem: problem[0]))


class Table:
    """One table. Each reader names a key, what it may hold, and what it is where it does not stand."""

    def __init__(self, document: Document, path: KeyPath, content: Mapping[str, Any]) -> None:
        self.document = document
        self.path = path
        self._content = content
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def name(self, key: str = "") -> str:
        """The dotted path of `key`, or of the table itself."""
        return dotted((*self.path, key) if key else self.path)

    def wrong(self, key: str, message: str) -> None:
        """Notes a mistake at `key`; empty: at the table itself."""
        self.document.wrong((*self.path, key) if key else self.path, message)

    def text(self, key: str, default: D) -> str | D:
        """A text that is not empty."""
        return self._read(key, default, values.text, "a text that is not empty")

    def command(self, key: str) -> tuple[str, ...] | None:
        """A command line; it is split here, and no shell ever reads it."""
        return self._read(key, None, values.command, 'a program with its arguments, like "./check.py --strict"')

    def url(self, key: str, *, whole: bool = False) -> str | None:
        """A base URL, without a slash at its end; `whole`: as it stands."""
        convert = values.url if whole else values.base_url
        return self._read(key, None, convert, "an http:// or https:// URL without user and password")

    def redis_url(self, key: str) -> str | None:
        """The URL of a Redis, without a password."""
        allowed = "a Redis URL without a password, like redis://host:6379/0 (?password_env=NAME says where one is)"
        return self._read(key, None, values.redis_url, allowed)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts."""
        return self._read(key, default, values.texts, "a list of texts")

    def flag(self, key: str, default: D) -> bool | D:
        """True or false."""
        return self._read(key, default, values.flag, "true or false")

    def whole(self, key: str, default: D, *, least: int = 1, most: int | None = None) -> int | D:
        """A whole number between `least` and `most`."""
        return self._read(key, default, lambda value: values.whole(value, least, most), f"a whole number {span(least, most)}")

    def number(self, key: str, default: D, *, least: float = 0, most: float | None = None) -> float | D:
        """A number between `least` and `most`."""
        return self._read(key, default, lambda value: values.number(value, least, most), f"a number {span(least, most)}")

    def seconds(self, key: str, default: D) -> float | D:
        """A duration above zero, as `key = "5s"` or as `key_seconds = 5`."""
        long = f"{key}_seconds"
        if key in self and long in self:
            self.wrong(long, f"says again what {key} says; keep one of them")
        self._asked |= {key, long}
        found = self._read(long if long in self else key, default, values.seconds, f"a duration above zero: {EXAMPLES}")
        if long in self:
            self.document.origins[self.name(key)] = self.document.origins.pop(self.name(long))
        return found

    def seconds_or(self, key: str, words: Collection[str], default: D) -> float | str | D:
        """A duration above zero, as `key = "5s"`, or one of `words`."""
        allowed = f"{', '.join(words)}, or a duration above zero: {EXAMPLES}"
        return self._read(key, default, lambda value: values.seconds_or(value, words), allowed)

    def size(self, key: str, default: D, *, least: int = 1) -> int | D:
        """Bytes, from `least` on."""
        allowed = f"a size from {least:,} byte{'' if least == 1 else 's'} on: {SIZE_EXAMPLES}"
        return self._read(key, default, lambda value: values.size(value, least), allowed)

    def money(self, key: str, default: D) -> Decimal | D:
        """US dollars, as a text so that nothing is rounded; a number is taken too."""
        return self._read(key, default, values.money, 'US dollars from 0, like "0.15"')

    def choice(self, key: str, allowed: Collection[str], default: D) -> str | D:
        """One of `allowed`."""
        return self._read(key, default, lambda value: values.one_of(value, allowed), f"one of {', '.join(allowed)}")

    def choices(self, key: str, allowed: Collection[str]) -> frozenset[str] | None:
        """Some of `allowed`; None where nothing is said."""
        return self._read(key, None, lambda value: values.some_of(value, allowed), f"a list of {', '.join(allowed)}")

    def anything(self, key: str) -> Any:
        """Whatever stands there; somebody else judges it."""
        return self._read(key, None, lambda value: value, "")

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A table of the operator's own words, carried through."""
        return self._read(key, {}, values.mapping, "a table")

    def table(self, key: str) -> Table:
        """The table at `key`; empty where it does not stand, so that defaults flow."""
        return self.document.open((*self.path, key), self._convert(key, {}, values.mapping, "a table"))

    def tables(self, key: str) -> dict[str, Table]:
        """The named tables in the table at `key`."""
        group = self.table(key)
        return {name: group.table(name) for name in group}

    def rows(self, key: str, example: str) -> list[Table]:
        """The tables of the list at `key`."""
        found = []
        for index, item in enumerate(self._convert(key, [], values.elements, f"a list of tables like {example}")):
            path = (*self.path, key, index)
            if isinstance(item, Mapping):
                found.append(self.document.open(path, item))
            else:
                self.document.wrong(path, f"found {shown(item)}; allowed: a table like {example}")
        return found

    def elements(self, key: str) -> list[str | Table] | None:
        """The list at `key`, of names and tables; None where it does not stand."""
        if key not in self:
            self._asked.add(key)
            return None
        found: list[str | Table] = []
        for index, item in enumerate(self._convert(key, [], values.elements, "a list")):
            path = (*self.path, key, index)
            if isinstance(item, Mapping):
                found.append(self.document.open(path, item))
            elif isinstance(item, str) and item.strip():
                found.append(item)
            else:
                self.document.wrong(path, f"found {shown(item)}; allowed: a name, or a table with a name")
        return found

    def secret(self, key: str) -> SecretRef | None:
        """A reference to a secret. Whatever stands there is never repeated in a message."""
        if key not in self:
            self._asked.add(key)
            return None
        self._record(key)
        try:
            return values.secret_ref(self._content[key], self.name(key))
        except ValueError as found:
            sources = ", ".join(f"{{ {source} = … }}" for source in values.SECRET_SOURCES)
            self.wrong(key, f"found {found}; allowed: {sources}, or the secret itself (better not)")
            return None

    def header_name(self, key: str) -> str | None:
        """The name of an HTTP header."""
        return self._read(key, None, _header_name, "the name of an HTTP header")

    def headers(self, key: str) -> dict[str, str | SecretRef]:
        """HTTP headers: plain texts, or references to secrets."""
        table = self.table(key)
        return {name: header for name in table if (header := table._header(name)) is not None}

    def dotted_texts(self, key: str) -> dict[str, str]:
        """The texts in the table at `key`, by their dotted names below it: `a.b = "x"` and `"a.b" = "x"` are the same."""
        found: dict[str, str] = {}

        def read(table: Table, before: str) -> None:
            for name in table:
                if isinstance(table._content[name], Mapping):
                    read(table.table(name), f"{before}{name}.")
                elif (text := table.text(name, None)) is not None:
                    found[f"{before}{name}"] = text
                    self.document.origins[f"{self.name(key)}.{before}{name}"] = self.document.where((*table.path, name))

        read(self.table(key), "")
        return found

    def refuse_unknown(self) -> None:
        """Notes every key that nobody asked for."""
        allowed = sorted(key for key in self._asked if not key.endswith("_seconds"))
        for key in self:
            if key not in self._asked:
                self.wrong(key, f"no such key{nearest(key, self._asked)}; allowed: {', '.join(allowed) or 'nothing'}")

    def _header(self, name: str) -> str | SecretRef | None:
        value = self._content[name]
        if not _HEADER_NAME.fullmatch(name):
            self.wrong(name, "found a header name that HTTP does not allow; allowed: letters, digits and hyphens")
        if isinstance(value, Mapping) or _CREDENTIAL.search(name):
            return self.secret(name)
        self._record(name)
        if isinstance(value, str) and value.isascii() and value.isprintable():
            return value
        self.wrong(name, "found what no header can carry; allowed: one line of ASCII text, or a reference to a secret")
        return None

    def _record(self, key: str) -> None:
        self._asked.add(key)
        self.document.origins[self.name(key)] = self.document.where((*self.path, key))

    def _read(self, key: str, default: D, convert: Callable[[Any], T], allowed: str) -> T | D:
        if key in self:
            self._record(key)
        return self._convert(key, default, convert, allowed)

    def _convert(self, key: str, default: D, convert: Callable[[Any], T], allowed: str) -> T | D:
        self._asked.add(key)
        if key not in self:
            return default
        try:
            return convert(self._content[key])
        except ValueError as hint:
            self.wrong(key, f"found {shown(self._content[key])}{hint}; allowed: {allowed}")
            return default


def _header_name(value: Any) -> str:
    """Raises ValueError where HTTP does not allow it."""
    if not isinstance(value, str) or not _HEADER_NAME.fullmatch(value):
        raise ValueError
    return value.lower()
