"""Who asks, for the record: the process, and the names and ids that the caller gives."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from functools import cache

from llmesc.engine.options import AskOptions
from llmesc.escalation.untrusted import one_line

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
"""W3C Trace Context, section 3.2.2; later versions may add fields."""


def caller(environ: Mapping[str, str], options: AskOptions) -> Mapping[str, str]:
    """`user`, `host`, `pid`, `command`; and, where they are given, `name`, `conversation`, `correlation` and `traceparent`.

    A traceparent that is none is left out, as its specification has it: the trace then begins anew.
    """
    given = {"name": options.caller, "conversation": options.conversation, "correlation": options.correlation}
    told = {key: one_line(value) for key, value in given.items() if value}
    if (trace := (options.traceparent or "").strip()) and _TRACEPARENT.fullmatch(trace):
        told["traceparent"] = trace
    return {
        "user": environ.get("USER") or environ.get("LOGNAME") or environ.get("USERNAME") or _account(),
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
        "command": options.command,
        **{key: value for key, value in told.items() if value},
    }


@cache
def _account() -> str:
    """The name of the account, for services and containers, whose environment often has none; empty where it has no name. Looked
    up once: a process keeps it.
    """
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return ""
