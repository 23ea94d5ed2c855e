"""The embedded model, with the real engine and the real weights."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmesc.escalation.failures import CallFailed, Failure, FailureKind
from llmesc.escalation.messages import Request, ask_for
from llmesc.escalation.pieces import Call, Finish, Piece, TextPiece, UsagePiece
from llmesc.providers.base import Endpoint
from llmesc.providers.http import Http
from llmesc.providers.llamacpp import LlamaCppProvider
from llmesc.providers.llamacpp_engine import COMMAND
from llmesc.providers.llamacpp_weights import SMOLLM2, built_in_weights

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

MODEL = SMOLLM2.name
QUESTION = "What is the capital of France?"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Where the weights are: `$LLMESC_TEST_WEIGHTS`, or the user's data directory, fetched there as any first use does."""
    import platformdirs

    folder = Path(os.environ.get("LLMESC_TEST_WEIGHTS") or platformdirs.user_data_path("llmesc", appauthor=False))
    asyncio.run(built_in_weights(SMOLLM2, folder / "models", lambda words, part: None))
    return folder


@pytest.fixture
def embedded(data_dir: Path) -> Endpoint:
    return Endpoint(
        provider="embedded",
        instance="default",
        api="llamacpp",
        options={"data_dir": str(data_dir), "context_window": 1024},
        model_options={MODEL: {}},
    )


@pytest.fixture
async def provider(embedded: Endpoint) -> AsyncIterator[LlamaCppProvider]:
    async with opened(embedded) as provider:
        yield provider


@contextlib.asynccontextmanager
async def opened(endpoint: Endpoint, **settings: Any) -> AsyncIterator[LlamaCppProvider]:
    http = Http()
    provider = LlamaCppProvider(endpoint, http, **settings)
    try:
        yield provider
    finally:
        await provider.aclose()
        await http.aclose()


@pytest.fixture
def ask(a_call: Callable[..., Call]) -> Callable[..., Call]:
    """`ask(prompt, stream=…, model=…)`: a call of the embedded model whose answer is short."""

    def make(prompt: str | Request = QUESTION, *, stream: bool = True, model: str = MODEL) -> Call:
        request = ask_for(prompt) if isinstance(prompt, str) else prompt
        return a_call(model, request=replace(request, max_output_tokens=request.max_output_tokens or 24), stream=stream)

    return make


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


def engine_of(provider: LlamaCppProvider) -> Any:
    """The engine that serves now: what the tests kill."""
    (start,) = provider._starts.values()
    return start.result().engine


async def kill(provider: LlamaCppProvider) -> None:
    """Kills the engine, and waits until that is known."""
    engine = engine_of(provider)
    os.kill(engine.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        await engine.death()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_it_answers(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any], stream: bool
) -> None:
    pieces, failure = await outcome(provider, ask(stream=stream))

    assert failure is None
    assert "Paris" in text_of(pieces)
    assert next(piece for piece in pieces if isinstance(piece, Finish)) == Finish("stop", model=MODEL)
    (counted,) = [piece.usage for piece in pieces if isinstance(piece, UsagePiece)]
    assert counted.input_tokens and counted.output_tokens


async def test_it_answers_in_the_schema_that_was_asked_for(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    }
    request = replace(ask_for(QUESTION), expect="json", schema=schema, max_output_tokens=64)

    pieces, failure = await outcome(provider, ask(request))

    assert failure is None
    assert list(json.loads(text_of(pieces))) == ["city"]


async def test_it_is_told_what_the_caller_says_it_is(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    own = await outcome(provider, ask("hi"))
    said = await outcome(provider, ask(ask_for("hi", system="You only speak of ships and the sea, as a pirate.")))

    counts = [next(piece.usage.input_tokens for piece in pieces if isinstance(piece, UsagePiece)) for pieces, _ in (own, said)]
    assert counts[0] > counts[1] > 0, "its own introduction is the longer one, and only there where there is no other"


async def test_a_prompt_beyond_the_window_is_a_context_overflow(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    pieces, failure = await outcome(provider, ask("word " * 2000))

    assert (pieces, failure.kind) == ([], FailureKind.CONTEXT_OVERFLOW)


@pytest.fixture
def engines() -> Callable[[], list[int]]:
    """The processes that the test has started: a server of other tests may run beside them."""
    before = set(children(os.getpid()))
    return lambda: [pid for pid in children(os.getpid()) if pid not in before]


async def test_calls_share_one_engine_and_one_start(
    engines: Callable[[], list[int]], provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    answers = await asyncio.gather(*(outcome(provider, ask()) for _ in range(3)))

    assert [failure for _, failure in answers] == [None, None, None]
    assert len(engines()) == 1


async def test_a_call_that_gives_up_does_not_stop_the_start_that_others_wait_for(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    impatient = asyncio.create_task(outcome(provider, ask()))
    patient = asyncio.create_task(outcome(provider, ask()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    impatient.cancel()

    _, failure = await patient

    assert failure is None
    assert impatient.cancelled()


async def test_an_engine_killed_in_mid_answer_is_a_failure_and_the_next_call_starts_another(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    story = replace(ask_for("Tell me a long story."), max_output_tokens=1000)
    with pytest.raises(CallFailed) as caught:
        async for piece in provider.call(ask(story)):
            if isinstance(piece, TextPiece):
                first = engine_of(provider)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(first.pid, signal.SIGKILL)

    assert (caught.value.failure.kind, caught.value.failure.rule) == (FailureKind.CONNECTION, "engine.died")
    assert "killed by SIGKILL" in caught.value.failure.message

    pieces, failure = await outcome(provider, ask())

    assert failure is None and text_of(pieces)
    assert engine_of(provider).pid != first.pid


async def test_an_engine_that_died_between_calls_costs_no_call(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    await outcome(provider, ask("hi"))
    await kill(provider)

    _, failure = await outcome(provider, ask("hi"))

    assert failure is None


async def test_other_users_of_the_machine_are_kept_out(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    await outcome(provider, ask("hi"))
    engine = engine_of(provider)
    http = Http()

    async with http.send(
        "POST",
        f"{engine.url}/v1/chat/completions",
        headers={"content-type": "application/json"},
        body=b'{"messages":[{"role":"user","content":"hi"}]}',
        connect_seconds=5,
    ) as reply:
        assert reply.status == 401
    await http.aclose()

    assert engine.url.startswith("http://127.0.0.1:")


async def test_closing_leaves_nothing_running(embedded: Endpoint, ask: Callable[..., Call], outcome: Callable[..., Any]) -> None:
    async with opened(embedded) as provider:
        await outcome(provider, ask("hi"))
        pid = engine_of(provider).pid

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_closing_in_mid_start_leaves_nothing_running(engines: Callable[[], list[int]], embedded: Endpoint) -> None:
    async with opened(embedded) as provider:
        preparing = asyncio.create_task(provider.prepare(MODEL))
        while not engines():
            await asyncio.sleep(0.01)

    await preparing
    assert engines() == []


async def test_own_weights_serve_under_their_own_name(
    embedded: Endpoint, data_dir: Path, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    file = data_dir / "models" / SMOLLM2.file_name
    mine = replace(embedded, model_options={"mine": {"file": str(file), "sha256": SMOLLM2.sha256}})

    async with opened(mine) as provider:
        pieces, failure = await outcome(provider, ask(model="mine"))

    assert failure is None
    assert next(piece for piece in pieces if isinstance(piece, Finish)).model == "mine"


async def test_a_file_named_for_all_models_stands_in_for_the_built_in_weights(
    embedded: Endpoint, tmp_path: Path, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    file = tmp_path / "notes.gguf"
    file.write_text("no weights")

    async with opened(replace(embedded, options={"model_file": str(file)})) as provider:
        _, failure = await outcome(provider, ask())

    assert (failure.kind, failure.rule) == (FailureKind.MODEL_UNAVAILABLE, "engine.load_failed")
    assert "invalid magic" in failure.message


@pytest.mark.parametrize(
    ("options", "rule", "told"),
    [
        ({}, "weights.unknown", "no weights are known for 'other', only for smollm2-135m"),
        ({"file": "/nonexistent/other.gguf"}, "weights.no_file", "/nonexistent/other.gguf is no file"),
        ({"file": __file__, "sha256": "0" * 64}, "weights.checksum", "is not the file that was meant"),
    ],
)
async def test_a_model_without_weights_is_unavailable(
    embedded: Endpoint, ask: Callable[..., Call], outcome: Callable[..., Any], options: dict[str, str], rule: str, told: str
) -> None:
    async with opened(replace(embedded, model_options={"other": options})) as provider:
        _, failure = await outcome(provider, ask(model="other"))

    assert (failure.kind, failure.rule) == (FailureKind.MODEL_UNAVAILABLE, rule)
    assert told in failure.message


async def test_without_the_engine_no_weights_are_fetched_for_it(
    embedded: Endpoint, tmp_path: Path, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    nowhere = replace(embedded, options={"data_dir": str(tmp_path / "data")})

    async with opened(nowhere, command=(COMMAND[0], "-S", *COMMAND[1:]), pip=("/nonexistent/pip",)) as provider:
        _, failure = await outcome(provider, ask())

    assert (failure.kind, failure.rule) == (FailureKind.MODEL_UNAVAILABLE, "engine.missing")
    assert not (tmp_path / "data").exists()


async def test_what_hindered_the_preparation_is_told_once_and_then_tried_again(
    embedded: Endpoint, tmp_path: Path, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    nowhere = replace(embedded, options={"data_dir": str(tmp_path / "data")})
    tries = tmp_path / "tries"
    pip = (sys.executable, "-c", f"open({str(tries)!r}, 'a').write('x'); raise SystemExit('ERROR: offline')")

    async with opened(nowhere, pip=pip) as provider:
        await provider.prepare(MODEL)
        _, first = await outcome(provider, ask())
        tried = tries.read_text()
        _, second = await outcome(provider, ask())

    assert (first.rule, tried) == ("weights.not_fetched", "x")
    assert (second.rule, tries.read_text()) == ("weights.not_fetched", "xx")


async def test_a_prepared_model_is_not_started_again(
    provider: LlamaCppProvider, ask: Callable[..., Call], outcome: Callable[..., Any]
) -> None:
    await provider.prepare(MODEL)
    prepared = engine_of(provider).pid
    _, failure = await outcome(provider, ask("hi"))

    assert (failure, engine_of(provider).pid) == (None, prepared)


async def test_a_look_at_it_tells_what_is_there_and_loads_nothing(embedded: Endpoint, tmp_path: Path) -> None:
    unfetched = replace(embedded, options={"data_dir": str(tmp_path / "data")})

    async with opened(unfetched) as provider:
        seen = await provider.probe()

    assert (seen.reachable, seen.models, seen.failure) == (True, (MODEL,), None)
    assert not (tmp_path / "data").exists()


async def test_a_look_at_it_misses_own_weights_that_are_gone(embedded: Endpoint) -> None:
    async with opened(replace(embedded, model_options={"mine": {"file": "/nonexistent/mine.gguf"}})) as provider:
        failure: Failure | None = (await provider.probe()).failure

    assert failure is not None and failure.rule == "weights.no_file"


PARENT = """
import asyncio, sys
from llmesc.escalation.limits import Timeouts
from llmesc.escalation.messages import ask_for
from llmesc.escalation.pieces import Call, TextPiece
from llmesc.escalation.resolution import Offering, Resolution, Tier
from llmesc.providers.base import Endpoint
from llmesc.providers.http import Http
from llmesc.providers.llamacpp import LlamaCppProvider

async def main():
    options = {"data_dir": sys.argv[1]}
    provider = LlamaCppProvider(Endpoint(provider="embedded", instance="default", api="llamacpp", options=options), Http())
    resolution = Resolution(tier=Tier.LOCAL, provider="embedded", model="smollm2-135m", offering=Offering(offering_id="m"))
    call = Call(resolution=resolution, request=ask_for("Tell me a story."), timeouts=Timeouts(), idempotency_key="1")
    async for piece in provider.call(call):
        if isinstance(piece, TextPiece):
            (start,) = provider._starts.values()
            print(start.result().engine.pid, flush=True)
            await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
async def test_the_engine_is_gone_when_its_parent_was_killed_and_has_said_nothing(data_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(data_dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        pid = int(process.stdout.readline())
        os.kill(pid, 0)
        process.kill()
        assert (process.stdout.read(), process.stderr.read()) == (b"", b""), "the engine's log is nobody's screen"

    async with asyncio.timeout(2):
        while Path(f"/proc/{pid}/stat").exists() and state(pid) != "Z":
            await asyncio.sleep(0.02)


def children(parent: int) -> list[int]:
    """The running children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
            if fields and int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def state(pid: int) -> str:
    """`Z`: it has ended, and only its parent does not know yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
