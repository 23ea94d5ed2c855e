"""`main(argv)`: runs the command line and turns whatever happens into an exit code. No command catches errors itself."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from llmesc.cli.exit_codes import ExitCode
from llmesc.cli.output import ReaderGone
from llmesc.cli.session import Session
from llmesc.cli.streams import Streams, to_nowhere

COLLECT_AFTER = 10_000
"""Objects made before Python looks for garbage; by itself it does after 700, again and again while modules are loaded, which hold
none. An `ask` takes 4 % less."""


def run() -> NoReturn:
    """The console script."""
    gc.set_threshold(COLLECT_AFTER)
    try:
        code = main()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    # As Python ends it looks for garbage several times, among all that was loaded: a sixth of an `ask`, for what goes anyway.
    gc.freeze()
    sys.exit(code)


def main(argv: Sequence[str] | None = None, *, streams: Streams | None = None) -> int:
    """Runs one command; its exit code. `streams` stands in for those of the process."""
    session = Session(streams or Streams.of_process(os.environ))
    try:
        return _explained(sys.argv[1:] if argv is None else argv, session)
    except ReaderGone:
        return ExitCode.READER_GONE
    except SystemExit as stop:
        # Typer writes help itself, and leaves this way when its reader is gone.
        if not isinstance(stop.__context__, BrokenPipeError):
            return _as_code(stop.code)
        to_nowhere(session.streams.stdout)
        return ExitCode.READER_GONE


def _explained(argv: Sequence[str], session: Session) -> int:
    try:
        return _command(argv, session)
    except ReaderGone:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes a message and a code
        from llmesc.cli.failing import explain

        return explain(error, session)


def _command(argv: Sequence[str], session: Session) -> int:
    from typer.main import get_command

    from llmesc.cli import unset  # noqa: F401 - imported for what it does to Typer
    from llmesc.cli.app import app

    with contextlib.redirect_stdout(session.streams.stdout), contextlib.redirect_stderr(session.streams.stderr):
        result = get_command(app).main(args=list(argv), prog_name="llmesc", standalone_mode=False, obj=session)
    session.out.write("")  # what Typer wrote itself leaves now, while a reader that is gone can still be told
    return _as_code(result)


def _as_code(result: object) -> int:
    return result if isinstance(result, int) else ExitCode.ANSWERED
