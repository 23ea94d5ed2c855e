"""`llmesc ask`: one question, one answer, through the chain."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmesc.cli import complete
from llmesc.cli.options import dollars, duration, hedge_after

if TYPE_CHECKING:
    from llmesc.cli.answer import AnswerSink
    from llmesc.cli.follow import Follower
    from llmesc.cli.session import Session
    from llmesc.engine import AskOptions, Engine
    from llmesc.escalation.messages import Request
    from llmesc.escalation.tools import Toolbox

EXAMPLES = """
\b
Examples:
  llmesc ask "Why is the sky blue?"
  git diff | llmesc ask "Review this change." > review.md
  llmesc ask --model lab/qwen3-32b --deadline 20s "Summarise." -f report.txt
  llmesc ask "What is wrong on this screen?" --image screen.png
"""


def ask(
    ctx: typer.Context,
    prompt: Annotated[str | None, typer.Argument(metavar="PROMPT", help="The question; - reads standard input.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", metavar="FILE", help="A text file that joins the prompt; repeatable.")
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="PATH|URL", help="A picture that joins the prompt; repeatable."),
    ] = None,
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="The system message.")] = None,
    responses_body: Annotated[
        Path | None,
        typer.Option(
            "--responses-body", metavar="FILE", help="A request body of the Responses API, instead of a prompt; - for stdin."
        ),
    ] = None,
    chain: Annotated[str | None, typer.Option(metavar="NAME", help="The chain to walk.", autocompletion=complete.chains)] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="The first candidate: provider/model or provider@instance/model.",
            autocompletion=complete.references,
        ),
    ] = None,
    tier: Annotated[
        str | None, typer.Option(metavar="TIER", help="Only candidates of this tier and above.", autocompletion=complete.tiers)
    ] = None,
    model_file: Annotated[
        Path | None, typer.Option("--model-file", metavar="GGUF", help="Weights for the embedded model, instead of its own.")
    ] = None,
    expect: Annotated[Literal["text", "json"], typer.Option(help="What the answer has to be.")] = "text",
    schema: Annotated[Path | None, typer.Option(metavar="FILE", help="A JSON Schema that the answer has to satisfy.")] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="TAG",
            help="The language to answer in, e.g. de or pt-BR; another one fails.",
            autocompletion=complete.languages,
        ),
    ] = None,
    tools: Annotated[
        list[Path] | None,
        typer.Option("--tools", metavar="FILE.py", help="A file whose functions the model may have run; repeatable."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run what the model asks for without asking at the terminal.")] = False,
    max_tool_rounds: Annotated[
        int | None, typer.Option("--max-tool-rounds", metavar="N", min=1, help="How often the model gets results of tools.")
    ] = None,
    max_attempts: Annotated[int | None, typer.Option("--max-attempts", metavar="N", min=1, help="At most so many calls.")] = None,
    quality_threshold: Annotated[
        int | None,
        typer.Option("--quality-threshold", metavar="N", min=0, max=100, help="The score that an answer has to reach."),
    ] = None,
    deadline: Annotated[str | None, typer.Option(metavar="DURATION", help="For everything together, e.g. 30s.")] = None,
    max_cost: Annotated[str | None, typer.Option("--max-cost", metavar="USD", help="For all attempts together.")] = None,
    no_escalation: Annotated[bool, typer.Option("--no-escalation", help="Only the first candidate is called.")] = False,
    stream: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(help="Print the answer as it comes: on a terminal; always, also what a switch takes back; never."),
    ] = "auto",
    resume: Annotated[
        Literal["restart", "continue"] | None,
        typer.Option(help="When an answer breaks off: the next candidate begins anew, or goes on from there."),
    ] = None,
    gate: Annotated[
        Literal["off", "window", "full"] | None,
        typer.Option(help="Hold the beginning of a streamed answer until it looks like one, or all of it until it is accepted."),
    ] = None,
    hedge: Annotated[
        str | None,
        typer.Option(
            "--hedge-after",
            metavar="DURATION|p95|off",
            help="A candidate that is silent for so long, or longer than it usually is, gets the next one beside it: "
            "the first to answer wins.",
        ),
    ] = None,
    capture: Annotated[
        Literal["full", "redacted", "encrypted", "metadata"] | None,
        typer.Option(help="What the record keeps of it: all, without secrets, sealed with your key, or digests and lengths."),
    ] = None,
    caller: Annotated[str | None, typer.Option(metavar="NAME", help="Who asks, for the record: a service, a job.")] = None,
    conversation: Annotated[str | None, typer.Option(metavar="ID", help="What it belongs to, for the record.")] = None,
    correlation: Annotated[
        str | None, typer.Option("--correlation", metavar="ID", help="An id of your own, for the record; $TRACEPARENT joins it.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Print no answer that is below the quality bar.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would be asked, and ask nobody.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, on failure too.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print the events as they come, one JSON object a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on standard error unless it fails.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more about each attempt.")] = False,
) -> int:
    """Ask once; the cheapest that is good enough answers.

    Piped standard input and files join the prompt. The answer alone goes to standard output.
    """
    from llmesc.cli.answer import Streamed
    from llmesc.cli.bad_input import BadInput
    from llmesc.cli.follow import Follower
    from llmesc.cli.question import Question
    from llmesc.engine import AskOptions
    from llmesc.escalation.resolution import Tier

    session: Session = ctx.obj
    session.promised_json = json and not jsonl
    if json and jsonl:
        raise BadInput("--json and --jsonl exclude each other")
    if quiet:
        session.err.keep_quiet()
    if tier is not None:
        try:
            Tier.parse(tier)
        except ValueError as error:
            raise BadInput(f"--tier: {error}") from None
    question = Question(
        prompt=prompt,
        files=file or (),
        images=image or (),
        system=system,
        expect=expect,
        schema=schema,
        tools=tools or (),
        responses_body=responses_body,
    )
    options = AskOptions(
        chain=chain,
        model=model,
        tier=tier,
        max_attempts=max_attempts,
        quality_threshold=quality_threshold,
        deadline_seconds=duration("--deadline", deadline),
        max_cost=dollars("--max-cost", max_cost),
        escalation=False if no_escalation else None,
        resume=resume,
        gate=gate,
        hedge_after=hedge_after("--hedge-after", hedge),
        language=language,
        capture=capture,
        caller=caller,
        conversation=conversation,
        correlation=correlation,
        traceparent=os.environ.get("TRACEPARENT"),
        tools=_tools(session, tools, yes=yes, max_rounds=max_tool_rounds) if tools else (),
        command="ask",
    )
    request = question.request(session)
    use_model_file(model_file)
    if dry_run:
        return session.with_engine(lambda engine: _plan(engine, session, request, options, as_json=json))
    streaming = stream == "always" or (stream == "auto" and session.out.is_terminal)
    sink = _sink(session, json=json, jsonl=jsonl, streaming=streaming, strict=strict)
    follower = Follower(
        answer=sink,
        err=session.err,
        details=verbose,
        same_screen=isinstance(sink, Streamed) and session.out.is_terminal and session.err.is_terminal,
    )
    with redirect_stdout(session.streams.stderr):  # what a tool prints is no part of the answer
        return session.with_engine(lambda engine: _answer(engine, session, request, options, follower), warns_at_once=True)


def _tools(session: Session, files: list[Path], *, yes: bool, max_rounds: int | None) -> Toolbox:
    from llmesc.cli.permission import AskAtTerminal
    from llmesc.cli.tool_files import tools_of

    with redirect_stdout(session.streams.stderr):
        return tools_of(files, permit=None if yes else AskAtTerminal(session.err), max_rounds=max_rounds)


def use_model_file(path: Path | None) -> None:
    """Hands the weights named on the command line to the embedded model, as `$LLMESC_MODEL_FILE`. Raises `BadInput`."""
    if path is None:
        return
    from llmesc.cli.bad_input import BadInput

    if not path.is_file():
        raise BadInput(f"--model-file {path}: no such file")
    os.environ["LLMESC_MODEL_FILE"] = str(path.absolute())


def _sink(session: Session, *, json: bool, jsonl: bool, streaming: bool, strict: bool) -> AnswerSink:
    from llmesc.cli.answer import Held, JsonLines, JsonObject, Streamed

    if json:
        return JsonObject(session.out)
    if jsonl:
        return JsonLines(session.out)
    if not streaming:
        return Held(session.out, strict=strict)
    told_elsewhere = session.err.is_terminal and not session.err.quiet
    rules = session.out.is_terminal and not told_elsewhere
    return Streamed(session.out, strict=strict, rules=rules, width=session.streams.width)


async def _answer(engine: Engine, session: Session, request: Request, options: AskOptions, follower: Follower) -> int:
    from llmesc.cli.exit_codes import OUTCOME_CODES, ExitCode

    view = await follower.follow(engine.start(request, options))
    session.promised_json = False  # it is there
    return OUTCOME_CODES[view.outcome] if view.outcome is not None else ExitCode.UNEXPECTED


async def _plan(engine: Engine, session: Session, request: Request, options: AskOptions, *, as_json: bool) -> int:
    from llmesc.cli.chain import show_plan
    from llmesc.cli.exit_codes import ExitCode

    show_plan(session, await engine.plan(request, options), for_a_prompt=True, as_json=as_json)
    return ExitCode.ANSWERED
