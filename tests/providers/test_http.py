"""The HTTP client: what it sends, how it reuses connections, and one word for each way to fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from llmesc.providers.faults import Exchange, FaultServer, answer, status
from llmesc.providers.http import MAX_ERROR_BODY_BYTES, USER_AGENT, Http, Reply, whole
from llmesc.providers.transport_error import TransportError

pytestmark = pytest.mark.anyio


def post(
    http: Http, server: FaultServer, model: str, *, headers: dict[str, str] | None = None
) -> contextlib.AbstractAsyncContextManager[Reply]:
    body = b'{"model": "%b", "stream": true}' % model.encode()
    return http.send("POST", f"{server.base_url}/chat/completions", headers=headers or {}, body=body, connect_seconds=5)


async def test_a_request_carries_its_headers_and_names_who_asks(http: Http, server: FaultServer) -> None:
    async with post(http, server, "ok", headers={"x-mine": "1"}) as reply:
        await whole(reply.chunks())

    sent = server.calls("ok")[0]
    assert (reply.status, reply.ok, reply.request_id) == (200, True, "req-fault")
    assert sent.headers["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("llmesc/")
    assert sent.headers["x-mine"] == "1"
    assert sent.headers["accept-encoding"] == "identity"


async def test_limits_are_kept_of_the_headers_and_nothing_else(http: Http, server: FaultServer) -> None:
    async def limited(x: Exchange) -> None:
        await x.respond(200, b"{}", {"X-RateLimit-Remaining-Tokens": "9", "Retry-After": "2", "Set-Cookie": "session=1"})

    server.script["limited"] = limited
    async with post(http, server, "limited") as reply:
        assert reply.limit_headers == {"x-ratelimit-remaining-tokens": "9", "retry-after": "2"}


async def test_a_connection_serves_again_once_its_reply_was_read(http: Http, server: FaultServer) -> None:
    for _ in range(5):
        async with post(http, server, "ok") as reply:
            await whole(reply.chunks())

    assert (server.count("ok"), server.connections) == (5, 1)


@pytest.mark.parametrize(("name", "connections"), [("llama.cpp", 2), ("other", 1)])
async def test_a_connection_whose_server_hangs_up_behind_a_stream_unsaid_never_serves_again(
    http: Http, server: FaultServer, name: str, connections: int
) -> None:
    async def streams(x: Exchange) -> None:
        await x.open_stream({"server": name})
        await x.chunks(x.wire.done())
        await x.end_stream()

    server.script["m"] = streams
    for _ in range(2):
        async with post(http, server, "m") as reply:
            await whole(reply.chunks())

    assert server.connections == connections


async def test_a_connection_left_in_mid_reply_never_serves_again(http: Http, server: FaultServer) -> None:
    async with post(http, server, "hang_midway") as reply, contextlib.aclosing(reply.chunks()) as chunks:
        assert await anext(chunks)
    await asyncio.wait_for(server.calls("hang_midway")[0].left.wait(), 5)
    async with post(http, server, "ok") as reply:
        await whole(reply.chunks())

    assert server.connections == 2


async def test_fifty_calls_at_once_have_a_connection_each_and_the_next_fifty_share_a_few_of_them(
    http: Http, server: FaultServer
) -> None:
    async def ask() -> bytes:
        async with post(http, server, "ok") as reply:
            return await whole(reply.chunks())

    await asyncio.gather(*[ask() for _ in range(50)])
    assert server.connections == 50
    for _ in range(50):
        await ask()
    assert server.connections == 50


async def test_what_arrives_together_is_handed_on_together(http: Http, server: FaultServer) -> None:
    server.script["burst"] = answer("word " * 500)
    async with post(http, server, "burst") as reply:
        reads = [data async for data in reply.chunks()]

    assert len(b"".join(reads).split(b"\n\n")) > 500
    assert len(reads) < 20


@pytest.mark.parametrize("model", ["hang", "hang_after_headers", "hang_midway", "keep_alives", "drip"])
async def test_to_cancel_is_to_hang_up_at_once(http: Http, server: FaultServer, model: str) -> None:
    async def ask() -> None:
        async with post(http, server, model) as reply:
            await whole(reply.chunks())

    asking = asyncio.create_task(ask())
    while not server.calls(model):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await asyncio.wait_for(server.calls(model)[0].left.wait(), 5)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("close", "closed"),
        ("reset", "reset"),
        ("reset_midway", "reset"),
        ("cut", "cut"),
        ("not_http", "bad_json"),
        ("redirect", "redirect"),
        ("huge_body", "too_long"),
    ],
)
async def test_a_broken_exchange_is_one_word(http: Http, server: FaultServer, model: str, word: str) -> None:
    async def huge(x: Exchange) -> None:
        await x.open_stream()
        while True:
            await x.chunks(b" " * 1_000_000)

    server.script["huge_body"] = huge
    with pytest.raises(TransportError) as caught:
        async with post(http, server, model) as reply:
            await whole(reply.chunks())

    assert caught.value.word == word
    assert server.count(model) == 1


async def test_a_redirect_is_not_followed_and_its_query_not_told(http: Http, server: FaultServer) -> None:
    with pytest.raises(TransportError) as caught:
        async with post(http, server, "redirect"):
            pass

    assert caught.value.detail == "307 to http://127.0.0.1:9/elsewhere"


async def test_a_closed_port_refuses_and_serves_again_when_somebody_listens(http: Http, server: FaultServer) -> None:
    await server.refuse()
    with pytest.raises(TransportError) as caught:
        async with post(http, server, "ok"):
            pass
    assert caught.value.word == "connect_refused"

    await server.listen()
    async with post(http, server, "ok") as reply:
        assert reply.ok


async def test_a_redirect_to_what_is_no_url_is_one_too(http: Http, server: FaultServer) -> None:
    server.script["m"] = status(302, headers={"location": "http://[nowhere"})
    with pytest.raises(TransportError) as caught:
        async with post(http, server, "m"):
            pass

    assert caught.value.word == "redirect"


@contextlib.asynccontextmanager
async def a_server_without_tls(reply: bytes) -> AsyncIterator[str]:
    async def answer_anything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        writer.close()

    async with await asyncio.start_server(answer_anything, "127.0.0.1", 0) as listening:
        yield f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize(("reply", "word"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "tls"), (b"", "reset")])
async def test_tls_to_a_server_without_it_fails_before_the_request_leaves(http: Http, reply: bytes, word: str) -> None:
    async with a_server_without_tls(reply) as url:
        with pytest.raises(TransportError) as caught:
            async with http.send("GET", url, headers={}, connect_seconds=5):
                pass

    assert caught.value.word == word


@pytest.mark.parametrize(
    "url",
    [
        "http://" + "x" * 70 + "/v1",
        "ftp://127.0.0.1/v1",
        "127.0.0.1:8000/v1",
        "http://127.0.0.1:x/v1",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http:///v1",
    ],
)
async def test_what_is_no_url_of_a_server_is_not_found(http: Http, url: str) -> None:
    with pytest.raises(TransportError) as caught:
        async with http.send("GET", url, headers={}, connect_seconds=5):
            pass

    assert caught.value.word == "dns"


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: who connects hears nothing."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_server_that_does_not_accept_is_given_up_after_the_calls_own_time(http: Http, full_port: int) -> None:
    with pytest.raises(TransportError) as caught:
        async with http.send("GET", f"http://127.0.0.1:{full_port}/v1", headers={}, connect_seconds=0.1):
            pass

    assert caught.value.word == "connect_timeout"


async def test_a_refusal_that_never_ends_is_read_as_far_as_it_helps(http: Http, server: FaultServer) -> None:
    async def endless(x: Exchange) -> None:
        await x.head(500, {"transfer-encoding": "chunked"})
        while True:
            await x.chunks(b"no " * 10_000)

    server.script["endless"] = endless
    async with post(http, server, "endless") as reply:
        assert len(await reply.error_body()) == MAX_ERROR_BODY_BYTES


async def test_a_refusal_that_breaks_off_is_what_came_of_it(http: Http, server: FaultServer) -> None:
    async def broken(x: Exchange) -> None:
        await x.head(503, {"content-length": "100"})
        await x.send(b"at capacity")
        x.close()

    server.script["broken"] = broken
    async with post(http, server, "broken") as reply:
        assert await reply.error_body() == b"at capacity"


async def test_the_certificates_are_read_once_however_many_ask(
    http: Http, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ssl.SSLContext] = []
    create = httpx.create_ssl_context

    def counted() -> ssl.SSLContext:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", counted)

    async def ask(url: str) -> None:
        with contextlib.suppress(TransportError):
            async with http.send("GET", url, headers={}, connect_seconds=5):
                pass

    async with a_server_without_tls(b"no") as url:
        await asyncio.gather(*[ask(url) for _ in range(5)])
    await ask(server.base_url)

    assert len(made) == 1


async def test_certificates_that_cannot_be_read_are_tls(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(TransportError) as caught:
        async with http.send("GET", "https://127.0.0.1:9/", headers={}, connect_seconds=5):
            pass

    assert caught.value.word == "tls"
