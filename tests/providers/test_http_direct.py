"""What a server may send, and what a direct lane makes of it: the reply, or one word, and whether the connection serves again."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import pytest

from llmesc.providers.http import Reply, whole
from llmesc.providers.http.direct import MOST_HEAD_BYTES, DirectLane
from llmesc.providers.http.request import Request, target_of
from llmesc.providers.http.stream import Stream
from llmesc.providers.transport_error import TransportError

pytestmark = pytest.mark.anyio

URL = "http://models.test/v1/chat?x=1"


class Played:
    """A stream that was recorded: what is read of it, and then its end."""

    def __init__(self, reads: list[bytes]) -> None:
        self._reads = list(reads)
        self._over = False
        self.written = b""

    @property
    def is_quiet(self) -> bool:
        return not self._reads and not self._over

    def write(self, data: bytes) -> None:
        self.written += data

    async def read(self) -> bytes:
        self._over = not self._reads
        return self._reads.pop(0) if self._reads else b""


def request(method: str = "POST", body: bytes | None = b"{}", headers: dict[str, str] | None = None) -> Request:
    return Request(method, URL, target_of(URL), headers or {}, body, 5.0)


async def replied(lane: DirectLane, sent: Request) -> tuple[Reply, bytes]:
    reply = Reply(await lane.send(sent), lane.body())
    return reply, await whole(reply.chunks())


@dataclass(frozen=True)
class Case:
    """What a server sends before it hangs up, and what comes of it."""

    sent: bytes
    body: bytes
    status: int = 200
    free: bool = True
    """Whether another request may follow on the connection."""


def ok(headers: bytes, body: bytes = b"hello", first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return first + b"\r\n" + headers + b"\r\n" + body


HELLO = ok(b"content-length: 5\r\n")
CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"
GZIPPED = gzip.compress(b"hello")
DEFLATED = zlib.compress(b"hello")

WHOLE = {
    "a length": Case(HELLO, b"hello"),
    "no reason": Case(ok(b"content-length: 5\r\n", first=b"HTTP/1.1 200"), b"hello"),
    "lines that end in LF alone": Case(HELLO.replace(b"\r\n", b"\n"), b"hello"),
    "nothing": Case(ok(b"content-length: 0\r\n", b""), b""),
    "a status that has no body": Case(ok(b"content-length: 5\r\n", b"", b"HTTP/1.1 204 No Content"), b"", 204),
    "a refusal": Case(ok(b"content-length: 5\r\n", first=b"HTTP/1.1 503 Busy"), b"hello", 503),
    "chunks": Case(ok(b"transfer-encoding: chunked\r\n", CHUNKED), b"hello"),
    "many chunks": Case(ok(b"transfer-encoding: chunked\r\n", b"1\r\nx\r\n" * 999 + CHUNKED), b"x" * 999 + b"hello"),
    "chunks with extensions": Case(ok(b"transfer-encoding: chunked\r\n", b"5;a=b\r\nhello\r\n0\r\n\r\n"), b"hello"),
    "chunks with trailers": Case(ok(b"transfer-encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"), b"hello"),
    "a length that chunks outrank": Case(ok(b"content-length: 9\r\ntransfer-encoding: chunked\r\n", CHUNKED), b"hello"),
    "a word before": Case(b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, b"hello"),
    "two words before": Case(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + HELLO, b"hello"),
    "gzip": Case(ok(b"content-encoding: gzip\r\ncontent-length: %d\r\n" % len(GZIPPED), GZIPPED), b"hello"),
    "deflate": Case(ok(b"content-encoding: deflate\r\ncontent-length: %d\r\n" % len(DEFLATED), DEFLATED), b"hello"),
    "an encoding that nobody knows": Case(ok(b"content-encoding: none\r\ncontent-length: 5\r\n"), b"hello"),
    "a last answer": Case(ok(b"connection: close\r\ncontent-length: 5\r\n"), b"hello", free=False),
    "the end as end": Case(ok(b""), b"hello", free=False),
    "the old HTTP": Case(ok(b"content-length: 5\r\n", first=b"HTTP/1.0 200 OK"), b"hello", free=False),
    "the old HTTP, kept alive": Case(
        ok(b"content-length: 5\r\nconnection: keep-alive\r\n", first=b"HTTP/1.0 200 OK"), b"hello", free=False
    ),
    "more than was asked for": Case(HELLO + HELLO, b"hello", free=False),
    "something behind it": Case(ok(b"transfer-encoding: chunked\r\n", CHUNKED) + b"\n", b"hello", free=False),
}


@dataclass(frozen=True)
class Broken:
    """What a server sends before it hangs up, what of its body can be read, and the word for the rest."""

    sent: bytes
    word: str
    body: bytes = b""


BROKEN = {
    "nothing": Broken(b"", "closed"),
    "half a head": Broken(HELLO[:30], "closed"),
    "another protocol": Broken(b"SSH-2.0-fault\r\n\r\n", "bad_json"),
    "TLS": Broken(b"\x15\x03\x01\x00\x02\x02\x46", "bad_json"),
    "no number": Broken(ok(b"content-length: 5\r\n", first=b"HTTP/1.1 OK"), "bad_json"),
    "a word that asks to switch": Broken(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "bad_json"),
    "no name of a header": Broken(ok(b": x\r\ncontent-length: 5\r\n"), "bad_json"),
    "two lengths": Broken(ok(b"content-length: 5\r\ncontent-length: 6\r\n"), "bad_json"),
    "a length that is none": Broken(ok(b"content-length: -5\r\n"), "bad_json"),
    "a framing that nobody knows": Broken(ok(b"transfer-encoding: gzip\r\n"), "bad_json"),
    "half of a length": Broken(HELLO[:-2], "cut", b"hel"),
    "half a chunk": Broken(ok(b"transfer-encoding: chunked\r\n", CHUNKED[:6]), "cut", b"hel"),
    "chunks without their end": Broken(ok(b"transfer-encoding: chunked\r\n", CHUNKED[:-5]), "cut", b"hello"),
    "chunks, then none": Broken(ok(b"transfer-encoding: chunked\r\n", CHUNKED[:10] + b"ello\r\n"), "cut", b"hello"),
    "a chunk that is longer than it says": Broken(ok(b"transfer-encoding: chunked\r\n", b"3\r\nhello\r\n"), "cut", b"hel"),
}


@pytest.mark.parametrize("case", WHOLE.values(), ids=WHOLE)
async def test_a_reply_is_read_however_it_is_cut_into_reads(case: Case, cuts: Callable[[bytes], Iterator[list[bytes]]]) -> None:
    for reads in cuts(case.sent) if len(case.sent) < 500 else [[case.sent]]:
        lane = DirectLane(cast(Stream, Played(reads)))

        reply, body = await replied(lane, request())

        assert (reply.status, body, lane.is_free) == (case.status, case.body, case.free)


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
async def test_what_is_no_reply_is_one_word_behind_what_came(
    case: Broken, cuts: Callable[[bytes], Iterator[list[bytes]]]
) -> None:
    for reads in cuts(case.sent):
        lane = DirectLane(cast(Stream, Played(reads)))
        body = b""

        with pytest.raises(TransportError) as caught:
            reply = Reply(await lane.send(request()), lane.body())
            async for data in reply.chunks():
                body += data

        assert (caught.value.word, body) == (case.word, case.body)
        assert not lane.is_free


async def test_a_body_that_is_not_encoded_as_it_says_is_broken() -> None:
    with pytest.raises(TransportError) as caught:
        await replied(DirectLane(cast(Stream, Played([ok(b"content-encoding: gzip\r\ncontent-length: 5\r\n")]))), request())

    assert caught.value.word == "bad_json"


async def test_a_head_that_does_not_end_is_given_up() -> None:
    endless = [b"HTTP/1.1 200 OK\r\n", *[b"x-much: " + b"x" * 10_000 + b"\r\n"] * (MOST_HEAD_BYTES // 10_000 + 1)]
    with pytest.raises(TransportError) as caught:
        await DirectLane(cast(Stream, Played(endless))).send(request())

    assert caught.value.word == "bad_json"


async def test_a_switch_to_another_protocol_that_a_header_has_asked_for_is_no_reply() -> None:
    stream = Played([b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"])
    with pytest.raises(TransportError) as caught:
        await DirectLane(cast(Stream, stream)).send(request(headers={"upgrade": "x"}))

    assert caught.value.word == "bad_json"


async def test_the_beginning_of_a_burst_is_not_kept_for_its_end() -> None:
    lane = DirectLane(cast(Stream, Played([ok(b"transfer-encoding: chunked\r\n", b"5\r\nhello\r\n" * 5000 + b"0\r\n\r\n")])))
    await lane.send(request())
    pieces: list[bytes] = []

    async def read() -> None:
        async for piece in lane.body():
            pieces.append(piece)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    assert [len(piece) for piece in pieces] == [515]

    await reading
    assert b"".join(pieces) == b"hello" * 5000
    assert len(pieces) < 10


async def test_one_reply_says_nothing_about_the_next() -> None:
    lane = DirectLane(cast(Stream, Played([HELLO, b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKED])))
    assert [(await replied(lane, request()))[0].status for _ in range(2)] == [200, 503]


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (
            request(headers={"x-mine": "1"}),
            b"POST /v1/chat?x=1 HTTP/1.1\r\nhost: models.test\r\nx-mine: 1\r\ncontent-length: 2\r\n\r\n{}",
        ),
        (request(body=None), b"POST /v1/chat?x=1 HTTP/1.1\r\nhost: models.test\r\ncontent-length: 0\r\n\r\n"),
        (request("GET", None), b"GET /v1/chat?x=1 HTTP/1.1\r\nhost: models.test\r\n\r\n"),
        (
            request("GET", None, {"host": "other.test", "x-mine": "1"}),
            b"GET /v1/chat?x=1 HTTP/1.1\r\nhost: other.test\r\nx-mine: 1\r\n\r\n",
        ),
    ],
)
async def test_a_request_is_written_in_one_piece(sent: Request, written: bytes) -> None:
    stream = Played([HELLO])
    await DirectLane(cast(Stream, stream)).send(sent)

    assert stream.written == written


@pytest.mark.parametrize("key", ["sk-canary\r\nx-more: 1", "sk-canary-\N{EURO SIGN}", "sk-canary\0"])
async def test_a_header_that_cannot_be_written_sends_nothing_and_is_not_repeated(key: str) -> None:
    stream = Played([HELLO])
    with pytest.raises(TransportError) as caught:
        await DirectLane(cast(Stream, stream)).send(request(headers={"authorization": f"Bearer {key}"}))

    assert (caught.value.word, stream.written) == ("closed", b"")
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_headers_are_read_in_lower_case_joined_and_whatever_their_encoding() -> None:
    sent = ok("X-Utf: \N{EURO SIGN}\r\n".encode() + b"X-Latin: \xe9\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: 5\r\n")
    reply, _ = await replied(DirectLane(cast(Stream, Played([sent]))), request())

    assert reply.headers == {"x-utf": "\N{EURO SIGN}", "x-latin": "é", "x-twice": "1, 2", "content-length": "5"}
