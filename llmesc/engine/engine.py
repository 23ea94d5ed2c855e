"""`Engine`: ask, start, plan."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from llmesc.config.find import find_config
from llmesc.config.model import Config
from llmesc.config.paths import config_path, state_dir
from llmesc.engine.assemble import Wires, offerings, timeouts, without_credentials
from llmesc.engine.caller import caller
from llmesc.engine.captures import Captures
from llmesc.engine.clock import SystemClock
from llmesc.engine.keeping import RecordKeeping, retention
from llmesc.engine.operations import Operations
from llmesc.engine.options import AskOptions, Plan, Reply
from llmesc.engine.outbox import Outbox, follow
from llmesc.engine.preload import while_waiting
from llmesc.engine.pricing import Pricing
from llmesc.engine.quality import judging
from llmesc.engine.serving.relay import Relay, content_with, limits_of_relay, patience_of_relay
from llmesc.engine.slow_check import SlowCheck
from llmesc.escalation.allowances import Allowances
from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.chain import ChainRequest, build_chain, policy_violation
from llmesc.escalation.ending import run_error
from llmesc.escalation.envelope import Left, affordable
from llmesc.escalation.errors import UnknownName, UnusableTool
from llmesc.escalation.events import Chain, Rejected
from llmesc.escalation.executor import Executor
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.foresight import Knowledge, foresee
from llmesc.escalation.gate import judge_beginning
from llmesc.escalation.judge_purse import JudgePurse
from llmesc.escalation.language import Identify, asked_in
from llmesc.escalation.limits import Limits
from llmesc.escalation.messages import Request, ask_for
from llmesc.escalation.pieces import Provider
from llmesc.escalation.ports import Denial
from llmesc.escalation.purse import Purse
from llmesc.escalation.resolution import Resolution, Tier
from llmesc.escalation.run import Run
from llmesc.escalation.secret import Secret
from llmesc.escalation.times import Clock
from llmesc.escalation.tools import Toolbox
from llmesc.records.recorder import Recorder
from llmesc.state.open import random_part, resilient_store
from llmesc.state.resilient import ResilientStore

DEFAULT_CHAIN = "default"
"""Where nobody wrote it down: every offering in tier order."""


class Engine:
    """See the package. Use `Engine.open()`."""

    def __init__(
        self,
        config: Config,
        *,
        store: ResilientStore,
        wires: Wires,
        clock: Clock,
        environ: Mapping[str, str],
        on_warning: Callable[[str], None],
        base_dir: Path | None = None,
        new_run_id: Callable[[], str] | None = None,
    ) -> None:
        self.config = config
        self._store = store
        self._wires = wires
        self._clock = clock
        self._environ = environ
        self._warn = on_warning
        self._new_run_id = new_run_id or _new_run_id
        self._offerings = offerings(config)
        self._pricing = Pricing(config, clock)
        self._captures = Captures(config, environ, base_dir or Path.cwd())
        self.outbox = Outbox(config, store, clock, environ, base_dir or Path.cwd(), on_warning)
        """Who else gets what is recorded."""
        self.operations = Operations(config, self._offerings, self._pricing, self._captures, store, wires, clock, self.outbox)
        """What operators do: circuits, models, history, doctor."""
        self.keeping = RecordKeeping(config, store)
        """And with the record as a whole: verify, prune."""
        known = timeouts(config)

        async def open_provider(resolution: Resolution) -> Provider:
            provider = await wires.open(resolution)
            while_waiting()
            return provider

        self._executor = Executor(
            health=store,
            open_provider=open_provider,
            fits=wires.fits,
            timeouts_for=lambda resolution: known[resolution.model_key],
            clock=clock,
            random=random_part,
            new_consumers=lambda: (Recorder(store.append, clock), *self.outbox.consumers()),
            warn=on_warning,
            price_of=self._pricing.price_of,
            budgets=config.budgets,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        config: Config | None = None,
        config_file: Path | None = None,
        state: str | None = None,
        clock: Clock | None = None,
        on_warning: Callable[[str], None] | None = None,
        on_progress: Callable[[str, float | None], None] | None = None,
        new_run_id: Callable[[], str] | None = None,
    ) -> AsyncIterator[Engine]:
        """An engine over `config`, or what `config_file`, `$LLMESC_CONFIG`, the user's file, or discovery says.

        `state` overrides the store's URL. Warnings (a store that is away, a broken consumer) go to `on_warning`, or to the
        `warnings` module; what a first call has to wait for (weights being fetched), and the part of it that is done, to
        `on_progress`. `new_run_id` gives ids that no other run has; None: random ones. Without a file, looking at the machine
        takes up to 0.3 seconds. Raises `ConfigError` with every mistake.
        """
        environ = os.environ
        clock = clock or SystemClock()
        warn = on_warning or _warn
        base_dir = Path.cwd() if config else config_path(config_file, environ).parent
        config = config or find_config(config_file, environ)
        config = replace(config, state=state) if state else config
        store = resilient_store(
            config.state,
            clock=clock,
            policy=config.circuit,
            spool_directory=state_dir(environ) / "spool",
            warn=warn,
            retention=retention(config),
            opened=partial(follow, config.records.sinks) if config.records.sinks else None,
        )
        wires = Wires(config, environ, base_dir, on_progress)
        engine = cls(
            config,
            store=store,
            wires=wires,
            clock=clock,
            environ=environ,
            on_warning=warn,
            base_dir=base_dir,
            new_run_id=new_run_id,
        )
        engine.outbox.begin()
        try:
            yield engine
        finally:
            await engine.outbox.aclose()
            await wires.aclose()
            await store.aclose()

    def chain_names(self) -> Sequence[str]:
        """Every chain, the default one first, whether written down or not."""
        return list(dict.fromkeys((DEFAULT_CHAIN, *self.config.chains)))

    @property
    def offerings(self) -> Sequence[Resolution]:
        """Every model of every instance, in the order of the configuration."""
        return self._offerings

    def references(self) -> Sequence[str]:
        """Every offering's reference, for completion and nearest names."""
        return [offering.ref for offering in self._offerings]

    def start(self, request: Request | str, options: AskOptions | None = None) -> Run:
        """A handle on a run that begins when it is entered; see `Run`. Raises `UnusableTool`, and where a language is asked for,
        `UnknownName` and `MissingPackage`.

        Entering raises `UnknownName` for a chain, a tier or a model that nobody knows, and `ConfigError` where its record is to
        be encrypted and there is no key.
        """
        chosen = options or AskOptions()
        asked, toolbox = _request(request, chosen)
        limits = chosen.over(self.config.limits)
        identify = _identifier(asked)

        async def plan() -> tuple[Chain, Rejected | None]:
            wanted = self._chain_request(asked, chosen, limits, await self._store.denials())
            if limits.max_cost is not None or limits.wait_or_escalate == "cheaper" or self.config.budgets:
                await self._pricing.load()  # else nobody needs a price before the answer
            await self._captures.prepare(chosen.capture)
            chain = build_chain(self._pricing.priced(self._offerings), wanted)
            return chain, policy_violation(chain, wanted)

        return self._executor_for(chosen.capture).start(
            asked,
            limits,
            plan,
            judge=judging(
                self.config.quality, limits.quality_threshold, chosen.checks, self._slow_checks(limits), self._warn, identify
            ),
            judge_beginning=partial(judge_beginning, settings=self.config.quality, identify=identify),
            run_id=self._new_run_id(),
            caller=caller(self._environ, chosen),
            capture=self._captures.wanted(chosen.capture),
            toolbox=toolbox,
        )

    def relay(self, request: Request, reference: str, options: AskOptions, *, relay: Relay, asked_by: Mapping[str, str]) -> Run:
        """A run of what `reference` stands for and of nothing else, for somebody elsewhere who judges the answer; `asked_by`
        joins the record. `options` say its deadline. Entering raises as with `start`.
        """
        limits = limits_of_relay(self.config.limits, options.deadline_seconds or self.config.limits.deadline_seconds)

        async def plan() -> tuple[Chain, Rejected | None]:
            wanted = self._chain_request(request, AskOptions(), limits, await self._store.denials())
            await self._captures.prepare(options.capture)
            chain = build_chain(self._pricing.priced(self._offerings), replace(wanted, name="fleet", references=(reference,)))
            return chain, policy_violation(chain, wanted)

        known = self._executor_for(options.capture)
        executor = replace(
            known,
            open_provider=relay.around(known.open_provider),
            timeouts_for=lambda resolution: patience_of_relay(known.timeouts_for(resolution), limits.deadline_seconds),
        )
        return executor.start(
            request,
            limits,
            plan,
            judge=content_with,
            run_id=os.urandom(6).hex(),
            caller={**caller(self._environ, options), **asked_by},
            capture=self._captures.wanted(options.capture),
        )

    def may_keep(self, asked: CaptureMode) -> CaptureMode:
        """How this engine records what somebody elsewhere wants recorded as `asked`: the stricter of that and its own mode."""
        wanted = strictest((asked, self._captures.wanted(None)))
        return "metadata" if wanted == "encrypted" and self.config.records.key is None else wanted

    async def make_ready(self, resolution: Resolution) -> None:
        """Does what a first call would have to wait for: fetches weights. Raises `CredentialsMissing`."""
        await self._wires.open(resolution)

    async def fleet_key(self) -> Secret | None:
        """What messages of the fleet are signed with. Raises `ConfigError`."""
        return await self._wires.fleet_key()

    def _executor_for(self, mode: CaptureMode | None) -> Executor:
        """Of one run: what it records depends on its mode."""
        if self._captures.keeps_all(mode):
            return self._executor
        from llmesc.records.captured_health import CapturedHealth

        capture = self._captures.capture(Recorder(self._store.append, self._clock), mode)
        health = CapturedHealth(self._store, capture.cause)
        return replace(self._executor, health=health, new_consumers=lambda: (capture, *self.outbox.consumers()))

    async def ask(self, request: Request | str, options: AskOptions | None = None) -> Reply:
        """The accepted answer. Raises a `RunError` that carries every attempt where there is none."""
        view = RunView()
        async with self.start(request, options) as run:
            async for event in run:
                view = fold(view, event)
        if (error := run_error(view)) is not None:
            raise error
        assert view.answer is not None and view.outcome is not None, "an answered run has its answer"
        return Reply(text=view.answer.text, answer=view.answer, outcome=view.outcome, run_id=view.run_id, view=view)

    async def plan(self, request: Request | str | None = None, options: AskOptions | None = None) -> Plan:
        """What `start` would do now, without a call; None plans for any request. Raises `UnknownName` as `start` does."""
        chosen = options or AskOptions()
        asked, _ = _request(request or "", chosen)
        limits = chosen.over(self.config.limits)
        await self._pricing.load()
        wanted = self._chain_request(asked, chosen, limits, await self._store.denials())
        purse = Purse(self.config.budgets, wanted.name, caller(self._environ, chosen), self._store, self._warn)
        return await self._plan(asked, wanted, limits, purse)

    async def _plan(self, request: Request, wanted: ChainRequest, limits: Limits, purse: Purse | None) -> Plan:
        chain = build_chain(self._pricing.priced(self._offerings), wanted)
        allowances = Allowances(request, self._store, self._executor.timeouts_for, purse)
        await allowances.learn(chain.candidates)
        tokens = await self._store.retry_tokens(chain.name, 0.0, limits.retries) if limits.retries.tokens else 0.0
        known = Knowledge(
            circuits=await self._store.circuits({candidate.circuit_key for candidate in chain.candidates}),
            policy=self.config.circuit,
            allowances=allowances,
            fits=self._wires.fits,
            retry_tokens=tokens,
            now=self._clock.now(),
        )
        return Plan(
            chain=chain,
            candidates=foresee(chain, request, limits, known),
            estimated_tokens=wanted.estimated_tokens,
            max_attempts=limits.max_attempts,
        )

    def _slow_checks(self, limits: Limits) -> Sequence[SlowCheck]:
        """Those that are configured, the cheap ones first."""
        checks: list[SlowCheck] = []
        # Loaded where they are configured: most engines have neither.
        if commands := [command for command in self.config.quality_commands if command.weight]:
            from llmesc.engine.command_check import command_check

            checks += [command_check(command, self._environ) for command in commands]
        if (judge := self.config.quality_judge) and judge.weight:
            from llmesc.engine.model_judge import Most, model_judge

            reference = judge.model

            async def plan(request: Request, money: JudgePurse) -> Plan:
                wanted = self._chain_request(request, AskOptions(), limits, await self._store.denials())
                await self._pricing.load()  # its cost is told with its verdict
                within = replace(limits, max_cost=money.left_dollars)
                return await self._plan(request, replace(wanted, name="judge", references=(reference,)), within, money.budgets)

            def most(request: Request, resolution: Resolution, money: JudgePurse) -> Most:
                left = Left(seconds=limits.deadline_seconds, dollars=money.left_dollars, attempts=1)
                allowances = Allowances(request, self._store, self._executor.timeouts_for, money.budgets)
                return allowances.most(resolution, left), affordable(request, allowances.of(resolution, left, ()))

            checks.append(model_judge(judge, plan, self._executor.open_provider, self._executor.timeouts_for, most))
        return checks

    def _chain_request(self, request: Request, options: AskOptions, limits: Limits, denials: tuple[Denial, ...]) -> ChainRequest:
        name = options.chain or DEFAULT_CHAIN
        references = self.config.chains.get(name)
        if references is None and name != DEFAULT_CHAIN:
            known = tuple(self.config.chains)
            raise UnknownName("chain", name, tuple(get_close_matches(name, known, cutoff=0.3)) or known)
        return ChainRequest(
            name=name,
            references=references,
            pinned=options.model,
            tier_floor=_tier(options.tier),
            needs=request.needs,
            estimated_tokens=request.estimated_tokens,
            window_headroom=self.config.window_headroom,
            privacy=limits.privacy,
            allowed_models=self.config.allowed_models,
            denials=denials,
            without_credentials=without_credentials(self.config, self._environ),
        )


def _new_run_id() -> str:
    return os.urandom(6).hex()


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, stacklevel=2)


def _request(request: Request | str, options: AskOptions) -> tuple[Request, Toolbox | None]:
    asked = ask_for(request) if isinstance(request, str) else request
    if options.language is not None:
        asked = asked_in(asked, options.language)
    if not options.tools:
        return asked, None
    if asked.responses_body is not None:
        raise UnusableTool("a request body brings its own tools, which are not run: no others can be")
    if isinstance(options.tools, Toolbox):
        box = options.tools
    else:
        from llmesc.engine.python_tools import toolbox

        box = toolbox(options.tools)
    return replace(asked, tools=box.specs), box


def _identifier(request: Request) -> Identify | None:
    if request.language is None:
        return None
    from llmesc.engine.languages import identifier

    return identifier(request.language)


def _tier(name: str | None) -> Tier | None:
    if name is None:
        return None
    try:
        return Tier.parse(name)
    except ValueError:
        raise UnknownName("tier", name, tuple(tier.label for tier in Tier)) from None
