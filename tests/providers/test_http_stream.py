"""The bytes below HTTP: TLS, who is late on either side, and connections that end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpcore
import pytest

from llmesc.providers.http import Http, whole
from llmesc.providers.http.stream import MOST_WAITING_BYTES, connected
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
        while not stream.get_extra_info("is_readable"):
            await asyncio.sleep(0)
        arrived = await stream.read(MOST_WAITING_BYTES * 4)
        assert len(arrived) < len(sent)
        assert not done.is_set(), "the kernel's buffers and ours hold only a part of it"
        while data := await stream.read(1000_000):
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


async def test_what_is_written_to_a_closed_connection_says_so() -> None:
    async def leaves(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with served(leaves) as port:
        stream = await connected("127.0.0.1", port, None, 5)
        assert await stream.read(10) == b""
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"hello")
        await stream.aclose()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine knows no IPv6")
async def test_an_address_of_the_sixth_version_is_called_as_it_is_written(http: Http) -> None:
    async with await asyncio.start_server(hello_for_ever, "::1", 0) as server:
        assert await ask(http, f"http://[::1]:{server.sockets[0].getsockname()[1]}/") == b"hello"
        await http.aclose()
