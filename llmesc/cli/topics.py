"""`llmesc help TOPIC`: what no single command's help can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from llmesc.cli.session import Session

_ENVIRONMENT = (
    ("LLMESC_CONFIG", "the configuration file, where --config does not say"),
    ("LLMESC_STATE", "the URL of the state, where --state does not say"),
    ("LLMESC_HOME", "one directory for configuration, state and data together"),
    ("LLMESC_MODEL_FILE", "a GGUF for the embedded model, where --model-file does not say"),
    ("NO_COLOR", "set to anything: no colour"),
    ("TERM", "dumb: no colour, and no line is drawn over"),
    ("EDITOR, VISUAL", "what llmesc config edit opens"),
)


def help_topic(
    ctx: typer.Context,
    topic: Annotated[
        Literal["exit-codes", "environment"] | None, typer.Argument(metavar="TOPIC", help="exit-codes or environment.")
    ] = None,
) -> int:
    """Explain exit codes, and the environment variables."""
    from llmesc.cli.exit_codes import ExitCode

    session: Session = ctx.obj
    if topic is None:
        session.out.line(ctx.find_root().get_help())
        return ExitCode.ANSWERED
    rows = _ENVIRONMENT if topic == "environment" else tuple((str(code.value), code.__doc__) for code in ExitCode)
    width = max(len(name) for name, _ in rows)
    for name, meaning in rows:
        session.out.line(f"{name:<{width}}  {meaning}")
    return ExitCode.ANSWERED
