"""`llmesc drill`: proves a chain before an outage does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmesc.cli import complete
from llmesc.cli.options import Json, dollars, duration

if TYPE_CHECKING:
    from llmesc.cli.session import Session
    from llmesc.engine.drills import Drilled, Injection, OnEvent, Scenario

EXAMPLES = """
\b
A TARGET is a provider or provider@instance, either with /model, or a glob. A FAULT is a name, with
options where it has any: 503 (or any other HTTP status), rate-limit:retry-after=5, no-credit, auth,
no-model, overflow, policy, refused, reset, html, bad-json, error-in-stream, cut:after=40, no-finish,
hang, keep-alives, stall:after=40, drip:rate=1, slow:delay=20, empty, length, refusal, garbage.

\b
Examples:
  llmesc drill --fail openai=503 --simulate
  llmesc drill --cut claude@team-a:after=40 --hang lab
  llmesc drill outage.toml --json
  llmesc drill --catalogue --simulate
"""

Targets = list[str] | None


def drill(
    ctx: typer.Context,
    scenario: Annotated[Path | None, typer.Argument(metavar="SCENARIO", help="A TOML file with faults and expectations.")] = None,
    fail: Annotated[Targets, typer.Option(metavar="TARGET=FAULT", help="A fault at a candidate; repeatable.")] = None,
    cut: Annotated[Targets, typer.Option(metavar="TARGET[:after=N]", help="Cut its answer off after N characters.")] = None,
    stall: Annotated[Targets, typer.Option(metavar="TARGET[:after=N]", help="Fall silent after N characters.")] = None,
    hang: Annotated[Targets, typer.Option(metavar="TARGET", help="Never answer.")] = None,
    drip: Annotated[Targets, typer.Option(metavar="TARGET[:rate=N]", help="Answer with N tokens a second.")] = None,
    rate_limit: Annotated[
        Targets, typer.Option("--rate-limit", metavar="TARGET[:retry-after=N]", help="Refuse for too many requests.")
    ] = None,
    no_credit: Annotated[Targets, typer.Option("--no-credit", metavar="TARGET", help="Refuse for an empty account.")] = None,
    garbage: Annotated[Targets, typer.Option(metavar="TARGET", help="Answer with the same words again and again.")] = None,
    refusal: Annotated[Targets, typer.Option(metavar="TARGET", help="Answer that it cannot help.")] = None,
    catalogue: Annotated[bool, typer.Option("--catalogue", help="Every known fault in turn, at the first candidate.")] = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="Play all candidates: costs nothing, needs no key.")] = False,
    chain: Annotated[str | None, typer.Option(metavar="NAME", help="The chain to walk.", autocompletion=complete.chains)] = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="What is asked.")] = None,
    asks: Annotated[int | None, typer.Option(metavar="N", min=1, help="How many requests, one after the other.")] = None,
    deadline: Annotated[str | None, typer.Option(metavar="DURATION", help="For each request, e.g. 30s.")] = None,
    max_cost: Annotated[str | None, typer.Option("--max-cost", metavar="USD", help="For each request.")] = None,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Ask candidates for whole answers.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the catalogue as a Markdown table.")] = False,
    as_json: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell the story of each request.")] = False,
) -> int:
    """Play faults at candidates, and score what comes of them.

    Candidates without a fault are really called, unless --simulate plays them too. Circuits are learned in a scratch state,
    unless llmesc --state names one.

    Exit 0: all came as expected. 3: something did not.
    """
    from llmesc.cli.bad_input import BadInput

    session: Session = ctx.obj
    session.promised_json = as_json
    shorthands = {
        None: fail,
        "cut": cut,
        "stall": stall,
        "hang": hang,
        "drip": drip,
        "rate_limit": rate_limit,
        "no_credit": no_credit,
        "garbage": garbage,
        "refusal": refusal,
    }
    injections = [each for fault, texts in shorthands.items() for each in _injections(fault, texts or ())]
    if not (scenario or injections or catalogue):
        raise BadInput("nothing to play; give a SCENARIO, a fault like --fail openai=503, or --catalogue", "llmesc drill --help")
    if catalogue and (scenario or injections):
        raise BadInput("--catalogue brings its own faults; leave out SCENARIO and the others")
    one = _scenario(scenario, injections, simulate=simulate, prompt=prompt, asks=asks, no_stream=no_stream)
    one = _with_limits(one, chain, duration("--deadline", deadline), max_cost)
    run = _Drill(session, one, as_json=as_json, verbose=verbose)
    return run.catalogue(markdown=markdown) if catalogue else run.once()


def _injections(fault: str | None, texts: Sequence[str]) -> list[Injection]:
    from llmesc.cli.bad_input import BadInput
    from llmesc.engine.drills import injection

    option = f"--{(fault or 'fail').replace('_', '-')}"
    found = []
    for text in texts:
        try:
            found.append(injection(text, fault))
        except ValueError as error:
            raise BadInput(f"{option}: {error}") from None
    return found


def _scenario(
    path: Path | None, injections: list[Injection], *, simulate: bool, prompt: str | None, asks: int | None, no_stream: bool
) -> Scenario:
    """What the file says, and the command line over it."""
    from dataclasses import replace

    from llmesc.cli.bad_input import BadInput
    from llmesc.engine.drills import Scenario, read_scenario
    from llmesc.escalation.errors import ConfigError

    name = ", ".join(f"{each.target}={each.fault}" for each in injections)
    try:
        base = read_scenario(path) if path else Scenario(name=name)
    except ConfigError as error:
        raise BadInput("\n".join(error.problems)) from None
    return replace(
        base,
        injections=(*base.injections, *injections),
        simulate=simulate or base.simulate,
        prompt=prompt or base.prompt,
        asks=asks or base.asks,
        stream=base.stream and not no_stream,
    )


def _with_limits(scenario: Scenario, chain: str | None, deadline_seconds: float | None, max_cost: str | None) -> Scenario:
    from dataclasses import replace

    base, dollars_at_most = scenario.options, dollars("--max-cost", max_cost)
    options = replace(
        base,
        chain=base.chain if chain is None else chain,
        deadline_seconds=base.deadline_seconds if deadline_seconds is None else deadline_seconds,
        max_cost=base.max_cost if dollars_at_most is None else dollars_at_most,
    )
    return replace(scenario, options=options)


class _Drill:
    """One invocation."""

    def __init__(self, session: Session, scenario: Scenario, *, as_json: bool, verbose: bool) -> None:
        import os

        from llmesc.engine.drills import configured

        self._session = session
        self._scenario = scenario
        self._as_json = as_json
        self._verbose = verbose
        self._environ = os.environ
        self._config, self._base_dir = configured(session.config_file, os.environ, simulate=scenario.simulate)

    def once(self) -> int:
        """Plays the scenario."""
        from llmesc.cli import drill_report

        drilled = self._session.run(lambda: self._play(self._scenario))
        if self._as_json:
            self._session.out.json(drill_report.as_json(drilled))
            self._session.promised_json = False
        else:
            drill_report.show(self._session, drilled)
        return _code(drilled.right)

    def catalogue(self, *, markdown: bool) -> int:
        """Plays every known fault at the first candidate."""
        from llmesc.cli import drill_report
        from llmesc.engine.drills import ROWS, RowDrilled, candidates, play_rows

        async def play_all() -> list[RowDrilled]:
            chain = await candidates(
                self._scenario, self._config, environ=self._environ, base_dir=self._base_dir, warn=self._session.warn
            )
            if not chain:
                from llmesc.cli.bad_input import BadInput

                raise BadInput("the chain has no candidate to play faults at", "llmesc chain show")
            done: list[RowDrilled] = []
            async for row in play_rows(self._play, chain[0].ref, self._scenario):
                done.append(row)
                self._session.err.status(f"{len(done)} of {len(ROWS)}: {row.row.words}")
            self._session.err.no_status()
            return done

        rows = self._session.run(play_all)
        if self._as_json:
            self._session.out.json(drill_report.catalogue_json(rows))
            self._session.promised_json = False
        elif markdown:
            self._session.out.write(drill_report.catalogue_markdown(rows))
        else:
            drill_report.show_catalogue(self._session, rows)
        return _code(not any(row.problems for row in rows))

    async def _play(self, scenario: Scenario) -> Drilled:
        from llmesc.engine.drills import drill as play

        return await play(
            scenario,
            self._config,
            environ=self._environ,
            base_dir=self._base_dir,
            state=self._session.state or "memory:",
            warn=self._session.warn,
            on_event=self._teller() if self._verbose else None,
        )

    def _teller(self) -> OnEvent:
        from llmesc.escalation.events import Event
        from llmesc.escalation.fold import RunView
        from llmesc.story.tell import tell

        async def on_event(event: Event, view: RunView) -> None:
            for line in tell(event, view):
                self._session.err.say(line.text, line.style)

        return on_event


def _code(right: bool) -> int:
    from llmesc.cli.exit_codes import ExitCode

    return ExitCode.ANSWERED if right else ExitCode.EXHAUSTED
