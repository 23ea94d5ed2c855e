"""`[[records.sinks]]`: who gets what is recorded."""

from __future__ import annotations

import re
from typing import Any, cast, get_args

from llmesc.config.model import SinkConfig, SinkKind
from llmesc.config.paths import located
from llmesc.config.reading import Table
from llmesc.config.wording import shown

_EXAMPLE = '{ name = "audit", kind = "jsonl", path = "/var/log/llmesc.jsonl" }'
_NAME = re.compile(r"[\w-]{1,40}")
_LEAST_BYTES = 10_000
"""Less would drop or put aside what one run makes."""


def sinks(table: Table) -> tuple[SinkConfig, ...]:
    """Each, in order. Their places in the record go by their names, so no two share one."""
    taken: set[str] = set()
    return tuple(_sink(row, taken) for row in table.rows("sinks", _EXAMPLE))


def _sink(table: Table, taken: set[str]) -> SinkConfig:
    for key in ("name", "kind"):
        if key not in table:
            table.wrong(key, f"missing; allowed: a table like {_EXAMPLE}")
    kind = cast("SinkKind | None", table.choice("kind", get_args(SinkKind), None))
    base = SinkConfig(name=_named(table, taken), kind=kind or "jsonl")
    settings: dict[str, Any] = {
        "max_age_seconds": table.seconds("max_age", base.max_age_seconds),
        "max_size_bytes": table.size("max_size", base.max_size_bytes, least=_LEAST_BYTES),
    }
    # Keys of another kind are not read, and so are refused; where the kind is a mistake itself, all are taken.
    if kind in {"jsonl", None}:
        settings |= {
            "path": table.text("path", None),
            "rotate_bytes": table.size("rotate_size", base.rotate_bytes, least=_LEAST_BYTES),
            "keep_files": table.whole("keep_files", base.keep_files, most=1_000),
        }
        settings["path"] = located(str(settings["path"]), table.document.path.absolute().parent) if settings["path"] else None
        _needs(table, "path", kind, "where the file is to lie")
    if kind in {"webhook", "otel", None}:
        settings |= {
            "url": table.url("url", whole=kind == "webhook"),
            "headers": table.headers("headers"),
            "timeout_seconds": table.seconds("timeout", base.timeout_seconds),
            "batch": table.whole("batch", base.batch, most=10_000),
        }
        _needs(table, "url", kind, "an http:// or https:// URL without user and password")
    if kind in {"webhook", None}:
        settings["secret"] = table.secret("secret")
    if kind in {"otel", None}:
        settings |= {
            "content": table.flag("content", base.content),
            "service": table.text("service", base.service),
        }
    return SinkConfig(name=base.name, kind=base.kind, **settings)


def _named(table: Table, taken: set[str]) -> str:
    name = table.text("name", None)
    if name is not None and not _NAME.fullmatch(name):
        table.wrong("name", f"found {shown(name)}; allowed: up to 40 letters, digits, _ and -")
    elif name is not None and name in taken:
        table.wrong("name", f"found {shown(name)} a second time; allowed: each name once")
    taken.add(name or "")
    return name or ""


def _needs(table: Table, key: str, kind: SinkKind | None, allowed: str) -> None:
    if kind is not None and key not in table:
        table.wrong(key, f"missing; allowed: {allowed}")
