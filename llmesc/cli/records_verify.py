"""`llmesc records verify`: whether the record is as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli.options import Json

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine import Engine, Verified


def verify(
    ctx: typer.Context,
    anchor: Annotated[
        str | None,
        typer.Option(metavar="HEAD", help="A head that an earlier verify printed: it has to be on the chain still."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Check that no record was changed, removed, added or moved.

    Every piece of a record carries the digest of all that was written before it (SHA-256), and requests that were pruned are
    signed for on the same chain. So a change of one row is found, and the lists are compared with the events they follow from.

    What it cannot find: who can write the file can make the whole chain anew, or cut off its end. Keep the head that is printed
    where they cannot write (a log, a ticket) and give it as --anchor later. They can prune, too, as you can: look whether what
    is said to be pruned is what you expect.

    Ends with 1 where something does not fit. Only a state in a SQLite file has such a chain.
    """
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.exit_codes import ExitCode

    session: Session = ctx.obj
    session.promised_json = as_json

    async def work(engine: Engine) -> Verified:
        try:
            return await engine.keeping.verify(anchor)
        except ValueError as error:
            raise BadInput(f"--anchor: {error}") from None

    found = session.with_engine(work)
    if as_json:
        from llmesc.escalation.codec import encode

        session.out.json({"verified": not found.problems, **encode(found)})
    else:
        _print(session, found)
    return ExitCode.UNEXPECTED if found.problems else ExitCode.ANSWERED


def _print(session: Session, found: Verified) -> None:
    from llmesc.escalation.untrusted import one_line
    from llmesc.story import words

    about = [f"{_counted(found.runs, 'request')} verified"]
    if found.unchained_runs:
        about.append(f"{found.unchained_runs} from before there was a chain, of which nothing can be said")
    if found.pruned_at is not None:
        about.append(f"{found.pruned_runs:,} pruned, last on {words.moment(found.pruned_at)} by {found.pruned_by}")
    for problem in found.problems:
        whose = f"request {problem.run_id}" if problem.run_id else "the chain"
        session.out.line(one_line(f"✗ {problem.flaw}: {whose}: {problem.detail}", 1000))
    session.out.line(one_line(" · ".join(about), 1000))
    session.out.line(f"head {found.head}")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


VERBS = {"verify": verify}
