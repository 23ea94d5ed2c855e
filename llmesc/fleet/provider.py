"""The wire `fleet`: a request goes into a lane, and its answer comes from whichever worker takes it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmesc.escalation.capture import CaptureMode, strictest
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.pieces import Call, Piece
from llmesc.escalation.redis_url import parse_redis_url
from llmesc.escalation.secret import Secret
from llmesc.fleet.answer import Answer
from llmesc.fleet.failures import failed
from llmesc.fleet.lanes import Lane, lanes_for
from llmesc.fleet.messages import LARGEST_ASK, Ask, WorkerSays, write
from llmesc.fleet.signature import sign
from llmesc.fleet.workers import Workers, room_of
from llmesc.providers.base import Endpoint
from llmesc.providers.probe import ProbeResult
from llmesc.providers.request_parts import within_limits
from llmesc.state.store import StateUnavailable

if TYPE_CHECKING:
    from llmesc.fleet.link import Link
    from llmesc.providers.http import Http

MISSING = "the fleet needs the extra `redis`: pip install 'llmesc[redis]'"


class FleetProvider:
    """The lanes at one Redis."""

    def __init__(self, endpoint: Endpoint, http: Http | None = None) -> None:  # noqa: ARG002 - as every wire is made
        self._endpoint = endpoint
        self._opening = asyncio.Lock()
        self._link: Link | None = None

    async def call(self, call: Call) -> AsyncGenerator[Piece]:
        """See `Provider.call`. Whether anybody serves the model is known before anything leaves."""
        try:
            link, key = await self._opened(), self._key()
            lanes, workers = await self._lanes(link, call)
            job = os.urandom(12).hex()
            is_there = True
            try:
                lane = await self._ask(link, call, job, lanes, workers)
                async with contextlib.aclosing(Answer(link, key, job, lane).pieces()) as pieces:
                    async for piece in pieces:
                        yield piece
            except StateUnavailable:
                is_there = False  # and need not be waited for once more
                raise
            finally:
                if is_there:
                    with contextlib.suppress(StateUnavailable):
                        await link.leave(job)
        except StateUnavailable as away:
            raise failed(FailureKind.CONNECTION, "redis_away", str(away), lane_only=False) from None

    async def probe(self) -> ProbeResult:
        """Which models have a worker now."""
        try:
            workers = await Workers(await self._opened(), self._key()).living()
        except StateUnavailable as away:
            failure = failed(FailureKind.CONNECTION, "redis_away", str(away), lane_only=False).failure
            return ProbeResult(reachable=False, failure=failure)
        except CallFailed as wrong:
            return ProbeResult(reachable=False, failure=wrong.failure)
        models = {Lane.parse(lane).model for worker in workers if not worker.draining for lane in worker.lanes}
        return ProbeResult(reachable=True, models=tuple(sorted(models)))

    async def aclose(self) -> None:
        """Closes the connections."""
        link, self._link = self._link, None
        if link is not None:
            await link.aclose()

    async def _opened(self) -> Link:
        async with self._opening:
            if self._link is None:
                try:
                    from llmesc.fleet.link import Link
                except ModuleNotFoundError as error:
                    if error.name is None or error.name.partition(".")[0] != "redis":
                        raise
                    raise failed(FailureKind.CONNECTION, "no_client", MISSING, lane_only=False) from None
                problem = ""
                try:
                    place = parse_redis_url(self._endpoint.base_url or "")
                except ValueError as error:  # of $LLMESC_STATE: what stands in the file was read already
                    problem = str(error)
                if problem:
                    raise failed(FailureKind.CONNECTION, "no_redis", f"the URL of the fleet {problem}", lane_only=False)
                link = Link(place, self._endpoint.connect_seconds)
                await link.open()
                self._link = link
            return self._link

    def _key(self) -> Secret | None:
        try:
            return self._endpoint.api_key()
        except ConfigError as error:
            raise CallFailed(Failure(kind=FailureKind.AUTH, rule="key.missing", message=str(error))) from None

    async def _lanes(self, link: Link, call: Call) -> tuple[tuple[Lane, ...], Sequence[WorkerSays]]:
        """Where the request fits, best first, and who lives. Raises `CallFailed` where there is none."""
        model = call.resolution.model
        workers = [worker for worker in await Workers(link, self._key()).living() if not worker.draining]
        served = {lane for worker in workers for lane in map(Lane.parse, worker.lanes) if lane.model == model}
        if not served:
            others = bool(workers)  # else the other lanes there need not be tried, either
            raise failed(FailureKind.CONNECTION, "no_worker", f"no worker serves {model} at {link.place}", lane_only=others)
        tokens = call.request.estimated_tokens + (call.request.max_output_tokens or 0)
        lanes = lanes_for(served, tokens)
        if not lanes:
            largest = max(lane.tokens or 0 for lane in served)
            words = f"about {tokens:,} tokens; the largest lane of {model} takes {largest:,}"
            raise CallFailed(Failure(kind=FailureKind.CONTEXT_OVERFLOW, rule="fleet.window", message=words, matched="window"))
        return lanes, workers

    async def _ask(self, link: Link, call: Call, job: str, lanes: Sequence[Lane], workers: Sequence[WorkerSays]) -> str:
        """The lane that took it. Raises `CallFailed` where all are full."""
        key, told = self._key(), []
        request = within_limits(call.request, call.resolution.offering)
        until = float(link.now()) + (call.timeouts.total_seconds if call.seconds_left is None else call.seconds_left)
        said: list[CaptureMode] = [call.origin.capture, self._endpoint.options.get("capture", "full")]
        for lane in map(str, lanes):
            ask = Ask(
                job=job,
                lane=lane,
                attempt=call.idempotency_key,
                until=until,
                request=replace(request, stream=call.request.stream),
                caller=call.origin.caller,
                capture=strictest(said),
            )
            body = write(ask)
            if len(body) > LARGEST_ASK:
                words = f"the request has {len(body):,} bytes; the fleet takes {LARGEST_ASK:,}"
                raise CallFailed(Failure(kind=FailureKind.PAYLOAD, rule="fleet.too_large", message=words))
            most = room_of(lane, workers)
            waiting = await link.ask(lane, job, body, sign(key, "ask", job, body), most=most, until=until)
            if waiting is None:
                return lane
            told.append(f"{lane} ({waiting} wait)")
        raise failed(FailureKind.OVERLOADED, "lane_full", f"full: {', '.join(told)}")
