"""How the fault server may treat a request, by name. Each is a few lines on an `Exchange`, streamed or not as it was asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from llmesc.providers.faults.exchange import Exchange
from llmesc.providers.faults.wire import Wanted
from llmesc.providers.refusals import REFUSALS, refusal

Behaviour = Callable[[Exchange], Awaitable[None]]

ANSWER = "Raft keeps a log in step on several machines, as long as most of them can talk to each other."
FOREVER = None


def answer(
    text: str = ANSWER, *, delay_seconds: float = 0.0, pace_seconds: float = 0.0, finish: str = "stop", done: bool = True
) -> Behaviour:
    """Answers well: `delay_seconds` before the head, `pace_seconds` between words, `finish` as the reason."""
    words = _words(text)

    async def behave(x: Exchange) -> None:
        if delay_seconds:
            await x.pause(delay_seconds)
        if not x.request.stream:
            if pace_seconds:
                await x.pause(pace_seconds * len(words))
            await x.respond(200, x.wire.whole(text, finish, len(words)), {"x-request-id": "req-fault"})
            return
        await x.open_stream({"x-request-id": "req-fault"})
        await _tell(x, words, pace_seconds)
        asked_for_usage = bool(x.request.body.get("stream_options"))
        usage = x.wire.usage(len(words)) if asked_for_usage else b""
        await x.chunks(x.wire.finish(finish), usage, x.wire.done() if done else b"")
        await x.end_stream()

    return behave


def tool_calls(*wanted: Wanted) -> Behaviour:
    """Asks for tools."""

    async def behave(x: Exchange) -> None:
        if not x.request.stream:
            await x.respond(200, x.wire.whole_calls(wanted))
            return
        await x.open_stream()
        await x.chunks(x.wire.role(), x.wire.calls(wanted), x.wire.done())
        await x.end_stream()

    return behave


def status(
    code: int, *, error_code: str | None = None, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Behaviour:
    """Refuses with an HTTP status; `body` in place of an error of the wire."""

    async def behave(x: Exchange) -> None:
        said = x.wire.error(f"the fault server answers {code}", error_code) if body is None else body
        await x.respond(code, said, headers)

    return behave


async def _tell(x: Exchange, words: list[str], pace_seconds: float = 0.0) -> None:
    if not pace_seconds:
        await x.chunks(x.wire.role(), *map(x.wire.token, words))
        return
    await x.chunks(x.wire.role())
    for word in words:
        await x.chunks(x.wire.token(word))
        await x.pause(pace_seconds)


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


async def _begin(x: Exchange) -> None:
    """Half an answer: some words of a stream, or some of the bytes that a length announces."""
    if x.request.stream:
        await x.open_stream()
        await _tell(x, _words(ANSWER)[:5])
        return
    whole = x.wire.whole(ANSWER, "stop", 1)
    await x.head(200, {"content-type": "application/json", "content-length": str(len(whole))})
    await x.send(whole[: len(whole) // 2])


async def _reset(x: Exchange) -> None:
    x.reset()


async def _reset_midway(x: Exchange) -> None:
    await _begin(x)
    await x.pause(0.05)  # a reset overtakes what was written just before
    x.reset()


async def _close(x: Exchange) -> None:
    x.close()


async def _hang(x: Exchange) -> None:
    await x.pause(FOREVER)


async def _hang_after_headers(x: Exchange) -> None:
    await x.open_stream()
    await x.pause(FOREVER)


async def _hang_midway(x: Exchange) -> None:
    await _begin(x)
    await x.pause(FOREVER)


async def _role_then_hang(x: Exchange) -> None:
    await x.open_stream()
    await x.chunks(x.wire.role())
    await x.pause(FOREVER)


async def _keep_alives(x: Exchange) -> None:
    await x.open_stream()
    while True:
        await x.chunks(x.wire.keep_alive() if x.request.stream else b"\n")
        await x.pause(0.05)


async def _cut(x: Exchange) -> None:
    await _begin(x)
    x.close()


async def _no_finish(x: Exchange) -> None:
    """Ends as HTTP should, but without the protocol's end."""
    if not x.request.stream:
        await x.respond(200, b'{"object": "chat.completion"}')
        return
    await _begin(x)
    await x.end_stream()


async def _close_without_finish(x: Exchange) -> None:
    """The body has no length and no chunks: that it was cut can be told by the protocol alone."""
    await x.head(200, {"content-type": x.wire.content_type, "connection": "close"})
    await x.send(b"".join(map(x.wire.token, _words(ANSWER)[:5])) if x.request.stream else x.wire.whole(ANSWER, "stop", 1)[:60])
    x.close()


async def _error_in_stream(x: Exchange) -> None:
    if not x.request.stream:
        await x.respond(200, x.wire.error("the fault server gives up"))
        return
    await _begin(x)
    await x.chunks(x.wire.error_frame("the fault server gives up"))
    await x.end_stream()


async def _error_first(x: Exchange) -> None:
    """A 200 whose only event is an error."""
    if not x.request.stream:
        await x.respond(200, x.wire.error("slow down", "rate_limit_exceeded"))
        return
    await x.open_stream()
    await x.chunks(x.wire.named_error("slow down", "rate_limit_exceeded"))
    await x.end_stream()


async def _error_field(x: Exchange) -> None:
    """The error in a field named `error`, which the standard tells readers to ignore."""
    await x.open_stream()
    await x.chunks(x.wire.error_field("the fault server gives up"))
    await x.end_stream()


async def _html(x: Exchange) -> None:
    page = b"<!doctype html><html><head><title>Welcome</title></head><body>A proxy's page</body></html>"
    await x.respond(200, page, {"content-type": "text/html"})


async def _bad_json(x: Exchange) -> None:
    if x.request.stream:
        await x.open_stream()
        await x.chunks(x.wire.frame(b'{"choices": [{"delta": {"content": '), x.wire.done())
        await x.end_stream()
        return
    await x.respond(200, b'{"choices": [{"message": {"content": "Ra')


async def _bad_json_midway(x: Exchange) -> None:
    if not x.request.stream:
        await _bad_json(x)
        return
    await _begin(x)
    await x.chunks(x.wire.frame(b'{"choices": [{"delta": '), x.wire.finish(), x.wire.done())
    await x.end_stream()


async def _empty_body(x: Exchange) -> None:
    await x.respond(200, b"", {"content-type": x.wire.content_type} if x.request.stream else None)


async def _not_http(x: Exchange) -> None:
    await x.send(b"SSH-2.0-fault\r\n\r\n")
    x.close()


async def _huge_line(x: Exchange) -> None:
    """One event that never ends, or a body of white space that does not."""
    await x.open_stream()
    block = b"data: " + b"x" * 65_530 if x.request.stream else b"[" + b" " * 65_535
    while True:
        await x.chunks(block)
        block = block[-1:] * 65_536


async def _endless_error(x: Exchange) -> None:
    """A refusal whose body does not end."""
    await x.head(503, {"content-type": "text/plain", "transfer-encoding": "chunked"})
    await x.chunks(b"the fault server is overloaded")
    await x.pause(FOREVER)


FAULTS: Mapping[str, Behaviour] = {
    "ok": answer(),
    "slow": answer(delay_seconds=2.0),
    "drip": answer(pace_seconds=1.0),
    "empty": answer(""),
    "length": answer(finish="length"),
    "no_done": answer(done=False),
    **{name: status(code, error_code=error_code) for name, (code, error_code) in REFUSALS.items()},
    "rate_limit": status(429, error_code="rate_limit_exceeded", headers={"retry-after": "2"}),
    "endless_error": _endless_error,
    "redirect": status(307, headers={"location": "http://127.0.0.1:9/elsewhere?token=hidden"}),
    "reset": _reset,
    "reset_midway": _reset_midway,
    "close": _close,
    "not_http": _not_http,
    "hang": _hang,
    "hang_after_headers": _hang_after_headers,
    "hang_midway": _hang_midway,
    "role_then_hang": _role_then_hang,
    "keep_alives": _keep_alives,
    "cut": _cut,
    "no_finish": _no_finish,
    "close_without_finish": _close_without_finish,
    "error_in_stream": _error_in_stream,
    "error_first": _error_first,
    "error_field": _error_field,
    "html": _html,
    "bad_json": _bad_json,
    "bad_json_midway": _bad_json_midway,
    "empty_body": _empty_body,
    "huge_line": _huge_line,
}
"""Every named behaviour; an HTTP status from 400 is one too."""


def behaviour(name: str) -> Behaviour | None:
    """The behaviour of that name, or that HTTP status; None where it is neither."""
    if name in FAULTS:
        return FAULTS[name]
    refused = refusal(name)
    return status(refused.status) if refused else None
