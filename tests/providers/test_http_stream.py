"""The bytes below HTTP: TLS, who is late on either side, and connections that end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from llmesc.providers.http import Http, whole
from llmesc.providers.http.client import KEEPALIVE_SECONDS
from llmesc.providers.http.stream import connected
from llmesc.providers.http.words import connect_failure
from llmesc.providers.transport_error import TransportError
from tests.certificates import self_signed

pytestmark = pytest.mark.anyio

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@contextlib.asynccontextmanager
async def served(serve: Serve, tls: tuple[Path, Path] | None = None) -> AsyncIterator[int]:
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def hello_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HELLO)
    writer.close()


async def ask(http: Http, url: str, body: bytes | None = None) -> bytes:
    async with http.send("POST", url, headers={}, body=body, connect_seconds=5) as reply:
        return await whole(reply.chunks())


async def test_a_trusted_server_answers_over_tls_on_one_connection(
    http: Http, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    connections = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() in {None, "http/1.1"}
        await hello_for_ever(reader, writer)

    async with served(counted, certificate) as port:
        assert [await ask(http, f"https://localhost:{port}/") for _ in range(3)] == [b"hello"] * 3
        await http.aclose()

    assert connections == 1


async def test_a_server_that_nobody_vouches_for_is_not_asked(http: Http, certificate: tuple[Path, Path]) -> None:
    heard = b""

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += await reader.read()
        writer.close()

    async with served(listening, certificate) as port:
        with pytest.raises(TransportError) as caught:
            await ask(http, f"https://localhost:{port}/")

    assert (caught.value.word, heard) == ("tls", b"")


async def test_an_answer_that_tls_cuts_off_is_cut(
    http: Http, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))

    async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO[:-2])
        await writer.drain()
        writer.transport.abort()

    async with served(cutting, certificate) as port:
        with pytest.raises(TransportError) as caught:
            await ask(http, f"https://localhost:{port}/")

    assert caught.value.word in {"cut", "reset"}


async def test_a_connection_that_its_server_closed_while_idle_is_not_used_again(http: Http) -> None:
    left = asyncio.Event()

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO)
        writer.close()
        await writer.wait_closed()
        left.set()

    async with served(once) as port:
        for _ in range(3):
            left.clear()
            assert await ask(http, f"http://127.0.0.1:{port}/") == b"hello"
            await left.wait()


async def counted_connections(http: Http, reply: bytes, asks: int = 3) -> int:
    """How many a server sees that answers each request so and keeps its connections open."""
    connections = 0

    async def same(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(reply)
        writer.close()

    async with served(same) as port:
        assert [await ask(http, f"http://127.0.0.1:{port}/") for _ in range(asks)] == [b"hello"] * asks
        await http.aclose()
    return connections


async def test_a_connection_on_which_more_came_than_was_asked_for_is_not_used_again(http: Http) -> None:
    assert await counted_connections(http, HELLO) == 1
    assert await counted_connections(http, HELLO + HELLO.replace(b"hello", b"other")) == 3


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEEPALIVE_SECONDS, "http", 0.0)
    assert await counted_connections(http, HELLO) == 3


@pytest.mark.parametrize("leaves", [False, True])
async def test_an_answer_that_comes_before_the_request_was_taken_is_read_and_its_connection_never_used_again(
    http: Http, leaves: bool
) -> None:
    connections: list[asyncio.StreamWriter] = []

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO)
        if leaves:
            writer.close()

    async with served(hasty) as port:
        for _ in range(2):
            assert await ask(http, f"http://127.0.0.1:{port}/", b"x" * 20_000_000) == b"hello"
        for writer in connections:
            writer.close()

    assert len(connections) == 2


async def test_to_cancel_a_handshake_is_to_hang_up_at_once(http: Http) -> None:
    called, left = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        called.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        left.set()
        writer.close()

    async with served(silent) as port:
        asking = asyncio.create_task(ask(http, f"https://127.0.0.1:{port}/"))
        await asyncio.wait_for(called.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(left.wait(), 5)


async def test_a_reader_that_is_late_holds_up_its_server_and_loses_nothing() -> None:
    sent = bytes(range(256)) * 120_000
    done = asyncio.Event()

    async def flooding(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()
        done.set()

    async with served(flooding) as port:
        stream = await connected("127.0.0.1", port, None, 5)
        for _ in range(2000):
            await asyncio.sleep(0)
        assert not done.is_set(), "the kernel's buffers and ours hold only a part of it"
        arrived = b""
        while data := await stream.read():
            arrived += data
        await stream.aclose()

    assert arrived == sent


async def test_a_request_that_its_server_is_slow_to_take_waits_and_arrives_whole(http: Http) -> None:
    body = bytes(range(256)) * 40_000
    heard = b""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(50):
            await asyncio.sleep(0)
        heard = await reader.readexactly(len(body))
        writer.write(HELLO)
        writer.close()

    async with served(slow) as port:
        assert await ask(http, f"http://127.0.0.1:{port}/", body) == b"hello"

    assert heard == body


async def test_a_connection_that_is_closed_reads_as_over_whatever_is_written_to_it() -> None:
    async def leaves(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with served(leaves) as port:
        stream = await connected("127.0.0.1", port, None, 5)
        assert await stream.read() == b""
        stream.write(b"hello")
        assert await stream.read() == b""
        assert not stream.is_quiet
        await stream.aclose()


async def test_what_the_kernel_has_heard_is_known_before_the_loop_has_turned() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stream = await connected(*listening.getsockname(), None, 5)
        peer, _ = listening.accept()
        assert stream.is_quiet
        peer.close()
        assert not stream.is_quiet
        await stream.aclose()


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (socket.gaierror(-2, "Name or service not known"), "dns"),
        (UnicodeError("label empty or too long"), "dns"),
        (ssl.SSLCertVerificationError("self-signed certificate"), "tls"),
        (ConnectionRefusedError(111, "Connection refused"), "connect_refused"),
        (OSError(101, "Network is unreachable"), "connect_refused"),
        (OSError("Multiple exceptions: [Errno 111], [Errno 111]"), "connect_refused"),
        (TimeoutError(110, "Connection timed out"), "connect_timeout"),
        (TimeoutError(), "connect_timeout"),
        (ConnectionResetError(104, "Connection reset by peer"), "reset"),
    ],
)
def test_every_way_to_get_no_connection_has_its_word(error: Exception, word: str) -> None:
    failure = connect_failure(error)

    assert failure.word == word
    assert failure.detail


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine knows no IPv6")
async def test_an_address_of_the_sixth_version_is_called_as_it_is_written(http: Http) -> None:
    async with await asyncio.start_server(hello_for_ever, "::1", 0) as server:
        assert await ask(http, f"http://[::1]:{server.sockets[0].getsockname()[1]}/") == b"hello"
        await http.aclose()
