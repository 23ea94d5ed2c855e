"""The wire `simulated`: scripted answers and failures without a network, for demonstrations and tests.

`script` stands on a model or an instance: a list of steps, one a call and then from the beginning, or one step for all calls.

    script = [{ fail = "503" }, { fail = "rate_limit", retry_after = 2 }, { text = "At last.", tokens_per_second = 20 }]

Steps may be for some calls only: those whose prompt has the words `about`, those `from_seconds` to `until_seconds` after the wire
was first used. Steps for the same calls take turns; of those that a call fits, the ones that stand first play it:

    script = [{ until_seconds = 30, fail = "503" }, { about = "Raft", text = "Raft is …" }, { text = "Back again." }]
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.messages import Usage, text_tokens
from llmesc.escalation.pieces import (
    Call,
    Finish,
    FinishReason,
    Opened,
    Piece,
    TextPiece,
    ThinkingPiece,
    ToolCallPiece,
    UsagePiece,
)
from llmesc.providers.base import Endpoint
from llmesc.providers.classify import Evidence, classify
from llmesc.providers.probe import ProbeResult
from llmesc.providers.refusals import REFUSALS, refusal
from llmesc.providers.request_parts import count_tool_calls

if TYPE_CHECKING:
    from llmesc.providers.http import Http

HANG = "hang"
A_DAY_SECONDS = 86_400.0

TRANSPORT_FAULTS: Mapping[str, tuple[str, int | None]] = {
    "refused": ("connect_refused", None),
    "dns": ("dns", None),
    "tls": ("tls", None),
    "timeout": ("connect_timeout", None),
    "reset": ("reset", None),
    "closed": ("closed", None),
    "cut": ("cut", 200),
    "no_end": ("no_terminal_sign", 200),
    "html": ("html", 200),
    "bad_json": ("bad_json", 200),
    "empty_body": ("empty_body", 200),
}
"""What a network or a proxy does: the transport's word, and the status where one arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one call goes."""

    text: str | None = None
    """None: an answer that says it is simulated, or none at all before a failure or beside tool calls."""
    thinking: str = ""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    """What it asks for: `{ name = "look_up", arguments = { city = "Rome" } }`; arguments as a text go as they are."""
    delay_seconds: float = 0.0
    """Before anything comes."""
    chunk: int = 0
    """Characters a piece; 0: a word a piece."""
    tokens_per_second: float = 0.0
    """0: all at once."""
    finish: FinishReason = "stop"
    fail: str = ""
    """A refusal by name or HTTP status, what a network does, or `hang`; behind the text where there is one."""
    retry_after: float | None = None
    """Seconds, said with a refusal."""
    about: str = ""
    """Only calls whose prompt has these words, in any case; empty: all."""
    from_seconds: float = 0.0
    """Only calls from then on, after the wire was first called or probed."""
    until_seconds: float = inf
    """Only calls before that."""

    @property
    def condition(self) -> Condition:
        """Which calls it is for."""
        return Condition(self.about, self.from_seconds, self.until_seconds)


class Condition(NamedTuple):
    """Which calls a step is for; see `Step`."""

    about: str
    from_seconds: float
    until_seconds: float

    def fits(self, prompt: str, passed_seconds: float) -> bool:
        """Whether a call with that prompt is, so long after the first use."""
        return self.from_seconds <= passed_seconds < self.until_seconds and self.about.casefold() in prompt.casefold()


STEP_KEYS: Mapping[str, tuple[Any, str]] = {
    "text": (str, "a text"),
    "thinking": (str, "a text"),
    "tool_calls": (list, 'a list like [{ name = "…", arguments = { … } }]'),
    "delay_seconds": (int | float, "seconds from 0"),
    "chunk": (int, "a whole number from 0"),
    "tokens_per_second": (int | float, "a number from 0"),
    "finish": (str, "a text"),
    "fail": (str, "a text"),
    "retry_after": (int | float, "seconds from 0"),
    "about": (str, "a text"),
    "from_seconds": (int | float, "seconds from 0"),
    "until_seconds": (int | float, "seconds from 0"),
}
"""What a step of a script may say, and as what."""


class SimulatedProvider:
    """Plays the scripts of one instance's models."""

    def __init__(self, endpoint: Endpoint, http: Http | None = None) -> None:  # noqa: ARG002 - as every wire is made
        self._endpoint = endpoint
        self._scripts: dict[str, Mapping[Condition, cycle[Step]]] = {}
        self._first_used: float | None = None

    async def call(self, call: Call) -> AsyncGenerator[Piece]:
        """See `Provider.call`; it waits with `asyncio.sleep` alone."""
        step = self._next(call)
        await asyncio.sleep(step.delay_seconds)
        if step.text is None and step.fail:
            await self._fail(step, call)
        yield Opened(request_id=call.idempotency_key)
        pause_seconds = 1 / step.tokens_per_second if step.tokens_per_second else 0.0
        for thought in _pieces(step.thinking, step.chunk):
            yield ThinkingPiece(thought)
            await asyncio.sleep(pause_seconds)
        text = step.text if step.text is not None else "" if step.tool_calls else _canned(call)
        for piece in _pieces(text, step.chunk):
            yield TextPiece(piece)
            await asyncio.sleep(pause_seconds)
        for wanted in _tool_calls(step, call):
            yield wanted
        if step.fail:
            await self._fail(step, call)
        yield UsagePiece(
            Usage(input_tokens=call.request.estimated_tokens, output_tokens=text_tokens(text + step.thinking), estimated=True)
        )
        yield Finish(step.finish, model=call.resolution.model)

    async def probe(self) -> ProbeResult:
        """Always there; what can be wrong is the script."""
        self._passed_seconds()
        try:
            for model in self._endpoint.model_options or ("",):
                self._script(model)
        except CallFailed as failed:
            return ProbeResult(reachable=True, failure=failed.failure)
        return ProbeResult(reachable=True, models=tuple(self._endpoint.model_options) or None)

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _next(self, call: Call) -> Step:
        """The turn of the steps that stand first among those for such a call. For none there is: a canned answer."""
        passed = self._passed_seconds()
        model = call.resolution.model
        if model not in self._scripts:
            steps = self._script(model)
            self._scripts[model] = {
                condition: cycle([step for step in steps if step.condition == condition])
                for condition in dict.fromkeys(step.condition for step in steps)
            }
        for condition, turns in self._scripts[model].items():
            if condition.fits(call.request.prompt, passed):
                return next(turns)
        return Step()

    def _passed_seconds(self) -> float:
        """Since the first use, by the event loop's clock."""
        now = asyncio.get_running_loop().time()
        if self._first_used is None:
            self._first_used = now
        return now - self._first_used

    def _script(self, model: str) -> list[Step]:
        """Raises `CallFailed` where the script cannot be played."""
        options = self._endpoint.model_options.get(model, {})
        script = options.get("script", self._endpoint.options.get("script")) or {}
        return [_step(number, step) for number, step in enumerate(script if isinstance(script, list) else [script], 1)]

    async def _fail(self, step: Step, call: Call) -> None:
        if step.fail == HANG:
            await asyncio.sleep(A_DAY_SECONDS)
        word, status = TRANSPORT_FAULTS.get(step.fail, (None, None))
        headers, body = {}, ""
        refused = refusal(step.fail)
        if refused is not None:
            status = refused.status
            body = json.dumps({"error": {"message": f"simulated {step.fail}", "code": refused.code}})
            headers = {} if step.retry_after is None else {"retry-after": f"{step.retry_after:g}"}
        raise CallFailed(
            classify(
                Evidence(
                    api=self._endpoint.api,
                    provider=self._endpoint.provider,
                    status=status,
                    headers=headers,
                    body=body,
                    transport=word,
                    detail=f"simulated {step.fail}",
                    streamed=call.request.stream,
                    self_hosted=call.resolution.tier.self_hosted,
                )
            )
        )


def _step(number: int, table: Any) -> Step:
    """One step from the configuration. Raises `CallFailed` with what is wrong and what is allowed."""
    if not isinstance(table, Mapping):
        raise _unplayable(number, f'found {table!r}; allowed: a table like {{ text = "…" }}')
    for name, value in table.items():
        if name not in STEP_KEYS:
            raise _unplayable(number, f"found {name!r}; allowed: {', '.join(STEP_KEYS)}")
        kind, allowed = STEP_KEYS[name]
        if not isinstance(value, kind) or (isinstance(value, int | float) and value < 0):
            raise _unplayable(number, f"found {name} = {value!r}; allowed: {allowed}")
    step = Step(**cast("dict[str, Any]", table))
    for wanted in step.tool_calls:
        if not isinstance(wanted, Mapping) or not isinstance(wanted.get("name"), str):
            raise _unplayable(number, f'found a tool call {wanted!r}; allowed: {{ name = "…", arguments = {{ … }} }}')
    if step.tool_calls and "finish" not in table:
        step = replace(step, finish="tool_calls")
    if step.fail and step.fail not in TRANSPORT_FAULTS and step.fail != HANG and refusal(step.fail) is None:
        allowed = ", ".join((*REFUSALS, *TRANSPORT_FAULTS, HANG))
        raise _unplayable(number, f"found fail = {step.fail!r}; allowed: {allowed}, an HTTP status from 400")
    if step.finish not in get_args(FinishReason):
        raise _unplayable(number, f"found finish = {step.finish!r}; allowed: {', '.join(get_args(FinishReason))}")
    return step


def _unplayable(number: int, problem: str) -> CallFailed:
    return CallFailed(
        Failure(kind=FailureKind.PAYLOAD, rule="simulated.script", message=f"step {number} of the script: {problem}")
    )


def _canned(call: Call) -> str:
    return f"This answer is simulated: no model was asked. The prompt has {len(call.request.prompt)} characters."


def _tool_calls(step: Step, call: Call) -> Iterator[ToolCallPiece]:
    for number, wanted in enumerate(step.tool_calls, count_tool_calls(call.request)):
        arguments = wanted.get("arguments", {})
        yield ToolCallPiece(
            call_id=f"call_{number}",
            name=wanted["name"],
            arguments=arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False),
        )


def _pieces(text: str, chunk: int) -> list[str]:
    """`text` in pieces that give it back when joined."""
    if chunk:
        return [text[at : at + chunk] for at in range(0, len(text), chunk)]
    return re.findall(r"\s*\S+|\s+", text)
