"""Requests that go through a proxy of the environment, and what httpx says when they fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpcore
import httpx
import pytest

from llmesc.providers.faults import Exchange, FaultServer, answer
from llmesc.providers.http import Http, Reply, whole
from llmesc.providers.http.proxied import as_transport_errors
from llmesc.providers.transport_error import TransportError
from tests.certificates import self_signed

pytestmark = pytest.mark.anyio


@pytest.fixture
def proxy(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    """The fault server, as the proxy of the environment: it answers itself whatever it is asked for."""
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    monkeypatch.setenv("NO_PROXY", "elsewhere.test")
    return server


def post(
    http: Http, model: str, base_url: str = "http://models.test/v1", headers: dict[str, str] | None = None
) -> contextlib.AbstractAsyncContextManager[Reply]:
    body = b'{"model": "%b", "stream": true}' % model.encode()
    return http.send("POST", f"{base_url}/chat/completions", headers=headers or {}, body=body, connect_seconds=5)


async def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(http: Http, proxy: FaultServer) -> None:
    for base_url in ("http://models.test/v1", proxy.base_url):
        async with post(http, "ok", base_url) as reply:
            assert (reply.ok, reply.request_id) == (True, "req-fault")
            assert await whole(reply.chunks())

    assert [request.path for request in proxy.requests] == ["http://models.test/v1/chat/completions", "/v1/chat/completions"]


async def test_its_connection_serves_again_once_its_reply_was_read(http: Http, proxy: FaultServer) -> None:
    for _ in range(3):
        async with post(http, "ok") as reply:
            await whole(reply.chunks())
    assert proxy.connections == 1

    async with post(http, "hang_midway") as reply, contextlib.aclosing(reply.chunks()) as chunks:
        assert await anext(chunks)
    await asyncio.wait_for(proxy.calls("hang_midway")[0].left.wait(), 5)
    async with post(http, "ok") as reply:
        await whole(reply.chunks())
    assert proxy.connections == 2


async def test_what_arrives_together_is_handed_on_together(http: Http, proxy: FaultServer) -> None:
    proxy.script["burst"] = answer("word " * 500)
    async with post(http, "burst") as reply:
        reads = [data async for data in reply.chunks()]

    assert len(b"".join(reads).split(b"\n\n")) > 500
    assert len(reads) < 20


async def test_a_reader_that_is_late_loses_nothing(http: Http, proxy: FaultServer) -> None:
    async def much(x: Exchange) -> None:
        await x.open_stream()
        for _ in range(100):
            await x.chunks(b"x" * 65_536)
        await x.end_stream()

    proxy.script["much"] = much
    async with post(http, "much") as reply, contextlib.aclosing(reply.chunks()) as chunks:
        length = len(await anext(chunks))
        for _ in range(500):
            await asyncio.sleep(0)
        async for data in chunks:
            length += len(data)

    assert length == 100 * 65_536


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("close", "closed"),
        ("reset", "reset"),
        ("reset_midway", "reset"),
        ("cut", "cut"),
        ("not_http", "bad_json"),
        ("redirect", "redirect"),
    ],
)
async def test_a_broken_exchange_is_one_word(http: Http, proxy: FaultServer, model: str, word: str) -> None:
    with pytest.raises(TransportError) as caught:
        async with post(http, model) as reply:
            await whole(reply.chunks())

    assert caught.value.word == word
    assert proxy.count(model) == 1


async def test_to_cancel_is_to_hang_up_at_once(http: Http, proxy: FaultServer) -> None:
    async def ask() -> None:
        async with post(http, "hang") as reply:
            await whole(reply.chunks())

    asking = asyncio.create_task(ask())
    while not proxy.calls("hang"):
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    await asyncio.wait_for(proxy.calls("hang")[0].left.wait(), 5)


async def test_a_header_that_cannot_be_written_is_not_repeated(http: Http, proxy: FaultServer) -> None:
    for key in ("sk-canary\r\nx-more: 1", "sk-canary-\N{EURO SIGN}"):
        with pytest.raises(TransportError) as caught:
            async with post(http, "ok", headers={"authorization": f"Bearer {key}"}):
                pass

        assert caught.value.word == "closed"
        assert "canary" not in str(caught.value)
    assert not proxy.requests


async def test_a_proxy_that_refuses_is_refused(http: Http, proxy: FaultServer) -> None:
    await proxy.refuse()
    with pytest.raises(TransportError) as caught:
        async with post(http, "ok"):
            pass

    assert caught.value.word == "connect_refused"


async def test_a_proxy_that_nobody_can_speak_to_is_refused(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:70")
    with pytest.raises(TransportError) as caught:
        async with post(http, "ok"):
            pass

    assert caught.value.word == "connect_refused"
    assert "proxy" in caught.value.detail


@contextlib.asynccontextmanager
async def a_tunnel(to_port: int, asked: list[bytes]) -> AsyncIterator[str]:
    """A proxy that connects whoever asks with one server of this machine."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", to_port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(pass_on(reader, server_writer), pass_on(server_reader, writer))

    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_tls_goes_through_a_tunnel_and_is_trusted_by_the_name_of_the_server(
    http: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path, "models.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        writer.close()

    asked: list[bytes] = []
    async with (
        await asyncio.start_server(hello, "127.0.0.1", 0, ssl=context) as server,
        a_tunnel(server.sockets[0].getsockname()[1], asked) as proxy_url,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy_url)
        for _ in range(2):
            async with http.send("GET", "https://models.test/v1/models", headers={}, connect_seconds=5) as reply:
                assert await whole(reply.chunks()) == b"hello"
        with pytest.raises(TransportError) as caught:
            async with http.send("GET", "https://others.test/v1/models", headers={}, connect_seconds=5):
                pass
        await http.aclose()

    assert caught.value.word == "tls"
    assert asked == [b"CONNECT models.test:443 HTTP/1.1", b"CONNECT others.test:443 HTTP/1.1"]


def caused(outer: Exception, by: Exception) -> Exception:
    """As httpcore raises it: the cause is chained, then the chain is cut while the argument stays."""
    inner = httpcore.ConnectError(by)
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "in_body", "word"),
    [
        (caused(httpx.ConnectError(""), socket.gaierror(-2, "Name or service not known")), False, "dns"),
        (caused(httpx.ConnectError(""), ssl.SSLCertVerificationError("self-signed certificate")), False, "tls"),
        (caused(httpx.ConnectError(""), ExceptionGroup("", [ConnectionRefusedError(111, "")])), False, "connect_refused"),
        (caused(httpx.ConnectError(""), ExceptionGroup("", [TimeoutError(110, "")])), False, "connect_timeout"),
        (caused(httpx.ConnectError(""), OSError(101, "Network is unreachable")), False, "connect_refused"),
        (httpx.ProxyError("407 Proxy Authentication Required"), False, "connect_refused"),
        (httpx.PoolTimeout(""), False, "pool_timeout"),
        (httpx.WriteError("broken pipe"), False, "reset"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), False, "closed"),
        (httpx.RemoteProtocolError("illegal chunk header"), True, "cut"),
        (httpx.UnsupportedProtocol("Request URL is missing a protocol"), False, "dns"),
    ],
)
def test_every_exception_of_the_layers_below_has_its_word(error: Exception, in_body: bool, word: str) -> None:
    with pytest.raises(TransportError) as caught, as_transport_errors(in_body=in_body):
        raise error

    assert caught.value.word == word


def test_a_header_that_cannot_be_sent_is_not_repeated_in_the_error() -> None:
    with pytest.raises(TransportError) as caught, as_transport_errors():
        raise httpx.LocalProtocolError("Illegal header value b'Bearer sk-canary'")

    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
