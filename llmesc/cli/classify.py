"""`llmesc classify`: what llmesc would make of a provider's error, without a call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session

_BODY_BYTES = 10_000_000
_OWN_SERVERS = frozenset({"ollama", "llamacpp"})
"""Wires that are mostly those of a server of one's own."""


def classify(
    ctx: typer.Context,
    api: Annotated[str, typer.Option(metavar="API", help="The wire API that answered, e.g. openai.")] = "openai",
    provider: Annotated[str, typer.Option(metavar="NAME", help="Whose error it is, for a hint that knows its console.")] = "",
    status: Annotated[int | None, typer.Option(metavar="N", min=100, max=599, help="The HTTP status.")] = None,
    header: Annotated[list[str] | None, typer.Option(metavar="NAME:VALUE", help="A response header; repeatable.")] = None,
    body: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="The response body, or all of what curl -i printed; - reads standard input, as does a pipe."
        ),
    ] = None,
    transport: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the transport said instead of a status, e.g. ConnectTimeout.")
    ] = None,
    jsonl: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One case a line in, one verdict a line out; - reads standard input.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Tell what llmesc makes of a provider's error, and what helps.

    Its kind, what would be skipped, what the circuit would do. A whole response, an SDK's exception or a line of a log may be
    pasted as it is.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.engine import explain_error

    session: Session = ctx.obj
    session.promised_json = as_json
    if jsonl is not None:
        return _classify_lines(session, jsonl)
    piped = (status, body, transport) == (None, None, None) and not session.streams.stdin_is_terminal
    text = session.streams.stdin.read(_BODY_BYTES).decode("utf-8", "replace") if piped or body == "-" else body or ""
    if status is None and transport is None and not text.strip():
        raise BadInput(
            "give the --status that came, the --body, or the --transport error that came instead", "llmesc classify --help"
        )
    case = {
        "api": api,
        "provider": provider,
        "status": status,
        "headers": _headers(header or []),
        "body": text,
        "transport": transport,
        "self_hosted": api in _OWN_SERVERS,
    }
    _print(session, explain_error(case), as_json=as_json)
    return 0


def _headers(lines: list[str]) -> dict[str, str]:
    from llmesc.cli.bad_input import BadInput

    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise BadInput(f"--header: {line!r} is no header; write 'retry-after: 5'")
        headers[name.strip().lower()] = value.strip()
    return headers


def _print(session: Session, verdict: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        session.out.json(verdict)
        return
    from llmesc.story.table import Cell, Column

    if session.out.is_terminal:
        from textwrap import fill

        from llmesc.cli.classify_words import sentences
        from llmesc.escalation.untrusted import one_line

        for name, sentence in sentences(verdict):
            session.out.line(fill(f"{name:<14}{one_line(sentence)}", session.streams.width, subsequent_indent=" " * 14))
        return
    rows = [(Cell(name), "" if value is None else str(value)) for name, value in verdict.items()]
    session.out.table((Column("about the error"), Column("verdict")), rows)


def _classify_lines(session: Session, source: Path) -> int:
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.exit_codes import ExitCode

    wrong = 0
    try:
        with session.streams.stdin if str(source) == "-" else source.open("rb") as lines:
            for verdict in _verdicts(lines):
                wrong += "error" in verdict
                session.out.line(session.out.json_text(verdict))
    except OSError as error:
        raise BadInput(f"--jsonl {source}: {error.strerror or error}") from None
    if wrong:
        session.err.say(f"error: {words_for(wrong)}; each says so in its place", "bad")
    return ExitCode.USAGE if wrong else ExitCode.ANSWERED


def words_for(wrong: int) -> str:
    """How many lines were no cases."""
    return f"{wrong} line{'' if wrong == 1 else 's'} could not be read as a case"


def _verdicts(lines: BinaryIO) -> Iterator[dict[str, Any]]:
    """One for each line that is not blank, in order, so that the two files can be laid side by side."""
    import json

    from llmesc.engine import explain_error

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = json.loads(line)
            if not isinstance(case, dict):
                raise ValueError("not an object")
            yield explain_error(case)
        except (ValueError, TypeError, KeyError) as error:
            yield {"kind": None, "retry_after_seconds": None, "rule": None, "action": None, "error": f"line {number}: {error}"}
