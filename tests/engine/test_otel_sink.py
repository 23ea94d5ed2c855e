"""A real OTLP receiver shows the spans of a run with a failover, and what was measured."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine
from llmesc.escalation.messages import ask_for
from llmesc.providers.faults import FaultServer
from llmesc.records.sinks import otel_attempt, otel_run, otel_span
from tests.otlp_receiver import Receiver, attributes, receiving

pytestmark = pytest.mark.anyio

CONFIG = """
state = "sqlite://{folder}/state.db"
[records]
capture = "{capture}"
exit_wait = "60s"
[[records.sinks]]
name = "traces"
kind = "otel"
url = "{url}"
headers = {{ "X-Team" = "ops" }}
{more}
[providers.weak]
api = "openai"
tier = "cloud"
base_url = "{faults}"
models = ["sick"]
[providers.strong]
api = "openai"
preset = "mistral"
tier = "frontier"
api_key = "sk-none"
stream_options = true
base_url = "{faults}"
models = [{{ name = "well", price = {{ input_per_million = "1", output_per_million = "2" }} }}]
[chains]
default = ["weak/sick", "strong/well"]
"""

CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
async def faults() -> Any:
    async with FaultServer({"sick": "503", "well": "ok"}) as server:
        yield server


Configured = Callable[..., Path]


@pytest.fixture
def configured(tmp_path: Path, receiver: Receiver, faults: FaultServer) -> Configured:
    def write(capture: str = "full", more: str = "") -> Path:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(folder=tmp_path, capture=capture, url=receiver.url, faults=faults.base_url, more=more))
        return file

    return write


async def ask(file: Path, options: AskOptions | None = None, prompt: str = "Why is the sky blue?") -> str:
    async with Engine.open(config=load(file, {})) as engine, engine.start(ask_for(prompt), options) as run:
        await run.finished()
        return run.run_id


def by_name(receiver: Receiver) -> tuple[Any, Any, Any]:
    run, first, second = sorted(
        receiver.spans, key=lambda span: (bool(attributes(span).get("llmesc.attempt")), span.start_time_unix_nano)
    )
    return run, first, second


async def test_the_spans_of_a_run_with_a_failover(configured: Configured, receiver: Receiver, faults: FaultServer) -> None:
    run_id = await ask(configured(), AskOptions(conversation="thread-7", caller="nightly", traceparent=CALLERS))

    run, sick, well = by_name(receiver)
    assert (run.name, sick.name, well.name) == ("chat sick", "chat sick", "chat well")
    assert [span.kind for span in (run, sick, well)] == [Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_CLIENT]
    assert {span.trace_id.hex() for span in (run, sick, well)} == {"0af7651916cd43dd8448eb211c80319c"}
    assert run.parent_span_id.hex() == "b7ad6b7169203331"
    assert sick.parent_span_id == well.parent_span_id == run.span_id
    assert run.start_time_unix_nano <= sick.start_time_unix_nano <= sick.end_time_unix_nano
    assert sick.end_time_unix_nano <= well.start_time_unix_nano <= well.end_time_unix_nano <= run.end_time_unix_nano

    port = int(faults.origin.rpartition(":")[2])
    told = attributes(sick)
    assert (
        told.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "weak",
            "gen_ai.request.model": "sick",
            "error.type": "overloaded",
            "http.response.status_code": 503,
            "server.address": "127.0.0.1",
            "server.port": port,
            "llmesc.attempt": 1,
            "llmesc.attempt.id": f"{run_id}.1",
            "llmesc.move": "primary",
            "llmesc.outcome": "error",
            "llmesc.status": "provider_down",
        }.items()
    )
    assert sick.status.code == Status.STATUS_CODE_ERROR
    assert sick.status.message.startswith("overloaded: ")

    told = attributes(well)
    assert (
        told.items()
        >= {
            "gen_ai.provider.name": "mistral_ai",
            "gen_ai.request.model": "well",
            "gen_ai.request.stream": True,
            "llmesc.move": "escalation",
            "llmesc.outcome": "success",
            "llmesc.status": "success",
        }.items()
    )
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["gen_ai.usage.input_tokens"] > 0
    assert told["gen_ai.usage.output_tokens"] > 0
    assert 0 < told["gen_ai.response.time_to_first_chunk"] < 60
    assert told["llmesc.cost.usd"] > 0
    assert well.status.code == Status.STATUS_CODE_UNSET

    told = attributes(run)
    assert (
        told.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "mistral_ai",
            "gen_ai.request.model": "sick",
            "gen_ai.response.model": "well",
            "gen_ai.conversation.id": "thread-7",
            "llmesc.caller.name": "nightly",
            "llmesc.run.id": run_id,
            "llmesc.outcome": "answered",
            "llmesc.status": "success",
            "llmesc.attempts": 2,
        }.items()
    )
    assert not [name for name in told if "usage" in name], "tokens are counted on the attempts alone"
    (switched,) = [event for event in run.events if event.name == "llmesc.provider_switched"]
    assert attributes(switched).items() >= {"llmesc.from": "weak/sick", "llmesc.to": "strong/well"}.items()
    resource = attributes(receiver.traces[0].resource_spans[0].resource)
    assert resource["service.name"] == "llmesc"
    assert receiver.headers[0]["x-team"] == "ops"


async def test_what_was_measured(configured: Configured, receiver: Receiver) -> None:
    await ask(configured())

    found = {
        (name, told["gen_ai.request.model"], told.get("gen_ai.token.type", "")): (point, told)
        for name, point, told in receiver.points
    }
    assert set(found) == {
        ("gen_ai.client.operation.duration", "sick", ""),
        ("gen_ai.client.operation.duration", "well", ""),
        ("gen_ai.client.operation.time_to_first_chunk", "well", ""),
        ("gen_ai.client.token.usage", "well", "input"),
        ("gen_ai.client.token.usage", "well", "output"),
    }
    failed, told = found["gen_ai.client.operation.duration", "sick", ""]
    assert told["error.type"] == "overloaded"
    assert told["gen_ai.provider.name"] == "weak"
    assert (failed.count, list(failed.explicit_bounds)[:3]) == (1, [0.01, 0.02, 0.04])
    assert "error.type" not in found["gen_ai.client.operation.duration", "well", ""][1]
    tokens, _ = found["gen_ai.client.token.usage", "well", "output"]
    (well,) = [span for span in receiver.spans if attributes(span).get("llmesc.attempt") == 2]
    assert tokens.sum == attributes(well)["gen_ai.usage.output_tokens"]
    assert list(tokens.explicit_bounds)[-1] == 67_108_864
    (run,) = [span for span in receiver.spans if "llmesc.run.id" in attributes(span)]
    assert (tokens.start_time_unix_nano, tokens.time_unix_nano) == (run.start_time_unix_nano, run.end_time_unix_nano)
    metric = receiver.metrics[0].resource_metrics[0].scope_metrics[0].metrics[0]
    assert metric.histogram.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    assert metric.unit in ("s", "{token}")


@pytest.mark.parametrize(
    ("capture", "content", "there"),
    [("full", True, True), ("full", False, False), ("redacted", True, True), ("metadata", True, False)],
)
async def test_content_goes_along_only_where_both_say_so(
    configured: Configured, receiver: Receiver, capture: str, content: bool, there: bool
) -> None:
    secret = "sk-proj-Zq8vN2mK4xR7tY1wB5cD"
    await ask(configured(capture, "content = true" if content else ""), prompt=f"Is {secret} a heron?")

    (run,) = [span for span in receiver.spans if "llmesc.run.id" in attributes(span)]
    told = attributes(run)
    assert ("gen_ai.input.messages" in told, "gen_ai.output.messages" in told) == (there, there)
    if there:
        (message,) = json.loads(told["gen_ai.input.messages"])
        assert (message["role"], message["parts"][0]["type"]) == ("user", "text")
        assert ("heron" in message["parts"][0]["content"], secret in message["parts"][0]["content"]) == (True, capture == "full")
        (answer,) = json.loads(told["gen_ai.output.messages"])
        assert (answer["role"], answer["finish_reason"]) == ("assistant", "stop")
        assert answer["parts"][0]["content"]
    else:
        assert "heron" not in str(receiver.traces)


async def test_what_a_judge_used_has_names_of_its_own(configured: Configured, receiver: Receiver) -> None:
    file = configured()
    judge = '[providers.wise]\napi = "simulated"\nmodels = [{ name = "m", script = { text = "90 fine" } }]\n'
    file.write_text(f'{file.read_text()}[quality.judge]\nmodel = "wise/m"\n{judge}')

    await ask(file)

    run, _, well = by_name(receiver)
    assert (attributes(well)["llmesc.judge.ref"], attributes(well)["llmesc.judge.cost.usd"]) == ("wise/m", 0.0)
    assert (attributes(run)["llmesc.judge.calls"], attributes(run)["llmesc.judge.cost.usd"]) == (1, 0.0)


async def test_a_run_that_comes_twice_has_the_same_ids(configured: Configured, receiver: Receiver) -> None:
    file = configured()
    run_id = await ask(file)
    async with Engine.open(config=load(file, {})) as engine:
        store = await engine._store.direct()

        def again(state: Any, _newest: int, _now: Any) -> Any:
            from dataclasses import replace

            return replace(state, position=0), None

        # As if the process had died between the delivery and the note of it; what waited is still there.
        await store.change_sink("traces", again)
        for event in await store.events(run_id):
            assert event.run_id == run_id
        events = await store.events(run_id)
        delivery = engine.outbox._deliveries[0]
        await delivery.sink.prepare()
        await delivery.sink.deliver(events)

    once, twice = receiver.spans[:3], receiver.spans[3:]
    assert [span.span_id for span in once] == [span.span_id for span in twice]
    assert [span.trace_id for span in once] == [span.trace_id for span in twice]
    assert len({span.span_id for span in once}) == 3


async def test_a_caller_that_is_not_sampled_gets_no_spans_but_counts(configured: Configured, receiver: Receiver) -> None:
    await ask(configured(), AskOptions(traceparent=CALLERS[:-2] + "00"))

    assert receiver.spans == []
    assert len(receiver.points) == 5


async def test_a_run_without_an_answer_is_an_error(configured: Configured, receiver: Receiver, faults: FaultServer) -> None:
    faults.script["well"] = "401"
    await ask(configured())

    (run,) = [span for span in receiver.spans if "llmesc.run.id" in attributes(span)]
    assert (run.status.code, run.status.message) == (Status.STATUS_CODE_ERROR, "exhausted")
    assert attributes(run)["error.type"] in ("auth", "overloaded")
    assert "gen_ai.response.model" not in attributes(run)
    assert [attributes(span).get("error.type") for span in receiver.spans if attributes(span).get("llmesc.attempt")] == [
        "overloaded",
        "auth",
    ]


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics"])
async def test_a_collector_that_refuses_is_asked_once_and_left_alone_for_as_long_as_it_says(
    configured: Configured, receiver: Receiver, path: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers[path] = (503, {"Retry-After": "3600"})
    file = configured()
    with caplog.at_level(logging.DEBUG, "opentelemetry"):
        await ask(file)

    async with Engine.open(config=load(file, {})) as engine:
        (status,) = await engine.outbox.status()
        assert status.last_error == f"{receiver.url}: answered 503"
        assert (status.failures, status.delivered, status.waiting > 5) == (1, 0, True)
        assert status.retry_at is not None
        assert status.retry_at - engine._clock.now() > 3_500
        receiver.answers.clear()
        assert await engine.outbox.flush() == {"traces": "nothing"}
        (status,) = await engine.outbox.status()
        assert (status.failures, status.waiting, status.last_error) == (0, 0, "")
    assert {attributes(span)["gen_ai.request.model"] for span in receiver.spans} == {"sick", "well"}
    assert len(receiver.points) == 5, "what failed before counted nothing"
    assert capfd.readouterr().err == "", "the exporter's own words go nowhere"
    assert not [record for record in caplog.records if "exporter" in record.name]


async def test_nothing_of_it_is_loaded_where_no_such_sink_is(tmp_path: Path) -> None:
    import sys

    code = (
        "import asyncio, sys\n"
        "from llmesc.config.load import load\nfrom llmesc.engine import Engine\nfrom pathlib import Path\n"
        "async def main():\n"
        f"    async with Engine.open(config=load(Path({str(tmp_path / 'c.toml')!r}), {{}})) as engine:\n"
        "        await engine.ask('hi')\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    (tmp_path / "c.toml").write_text(
        f'state = "sqlite://{tmp_path}/s.db"\n[providers.demo]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n'
        f'[[records.sinks]]\nname = "a"\nkind = "jsonl"\npath = "a.jsonl"\n'
    )

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)

    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"
    assert (tmp_path / "a.jsonl").exists()


def test_names_are_those_of_the_official_conventions() -> None:
    said = "".join(Path(module.__file__).read_text() for module in (otel_run, otel_attempt, otel_span))
    official = {
        value
        for module in (gen_ai_attributes, error_attributes, http_attributes, server_attributes, gen_ai_metrics)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    import re

    used = set(re.findall(r'"((?:gen_ai|error|http|server)\.[a-z_.]+)"', said))
    assert len(used) > 20
    assert used - official == set()
