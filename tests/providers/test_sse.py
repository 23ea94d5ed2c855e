"""Event streams, decoded from bytes however they are cut."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.providers.sse import SseDecoder, SseEvent
from llmesc.providers.transport_error import TransportError

BOM = b"\xef\xbb\xbf"
TAIL = b"\n\n"
"""What the conformance suite's server appends to each message."""


def data(*texts: str) -> list[SseEvent]:
    return [SseEvent("message", text) for text in texts]


# The cases of web-platform-tests/wpt, eventsource/, as bytes and what a reader must see.
CONFORMANCE: dict[str, tuple[bytes, list[SseEvent]]] = {
    "format-bom": (BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3" + TAIL, data("1", "3")),
    "format-bom-2": (BOM + BOM + b"data:1\n\ndata:2\n\ndata:3" + TAIL, data("2", "3")),
    "format-comments": (
        b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 2048 + b"\rdata:3\n:data:fail\r:" + b"x" * 2048 + b"\ndata:4\n" + TAIL,
        data("1\n2\n3\n4"),
    ),
    "format-data-before-final-empty-line": (b"retry:1000\ndata:test1\n\nid:test\ndata:test2", data("test1")),
    "format-field-data": (b"data:\n\ndata\ndata\n\ndata:test" + TAIL, data("", "\n", "test")),
    "format-field-event": (b"event:test\ndata:x\n\ndata:x" + TAIL, [SseEvent("test", "x"), *data("x")]),
    "format-field-event-empty": (b"event: \ndata:data" + TAIL, data("data")),
    "format-field-id": (b"id:1\ndata:1" + TAIL, data("1")),
    "format-field-id-null": (b"id:\0\ndata:1" + TAIL, data("1")),
    "format-field-parsing": (
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n" + TAIL,
        data("\0\n 2\n1\n3\n\n4"),
    ),
    "format-field-retry": (b"retry:03000\ndata:x" + TAIL, data("x")),
    "format-field-retry-bogus": (b"retry:3000\nretry:1000x\ndata:x" + TAIL, data("x")),
    "format-field-unknown": (
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test" + TAIL,
        data("test\n\ntest"),
    ),
    "format-leading-space": (b"data:\ttest\rdata: \ndata:test" + TAIL, data("\ttest\n\ntest")),
    "format-newlines": (b"data:test\r\ndata\ndata:test\r\n\r" + TAIL, data("test\n\ntest")),
    "format-null-character": (b"data:\0\n\n\n\n" + TAIL, data("\0")),
    "format-utf-8": ("data:ok…".encode() + TAIL, data("ok…")),
    "event-data": (
        b"data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nMsg:msg\n\ndata\n\ndata:end" + TAIL,
        data("msg\nmsg", "", "end"),
    ),
    "field-name-event": (b"event:message\ndata:data" + TAIL, data("data")),
}
# What servers of models send besides.
SEEN: dict[str, tuple[bytes, list[SseEvent]]] = {
    "usual": (b'data: {"a": 1}\n\ndata: {"b": 2}\n\ndata: [DONE]\n\n', data('{"a": 1}', '{"b": 2}', "[DONE]")),
    "crlf": (b'data: {"a": 1}\r\n\r\ndata: {"b": 2}\r\n\r\n', data('{"a": 1}', '{"b": 2}')),
    "keep-alives": (b": OPENROUTER PROCESSING\n\n: ping\n\ndata: 1\n\n", data("1")),
    "an error field": (b'error: {"code": 400}\n\n', [SseEvent("error", '{"code": 400}')]),
    "an error event": (b'event: error\ndata: {"code": 400}\n\n', [SseEvent("error", '{"code": 400}')]),
    "separators that are no line ends": (
        'data: "a\u2028b\u0085c\x0bd\x0ce\x1cf"\n\n'.encode(),
        data('"a\u2028b\u0085c\x0bd\x0ce\x1cf"'),
    ),
    "invalid UTF-8": (b"data: a\xff\xf0\x9f\n\ndata: b\n\n", data("a\ufffd\ufffd", "b")),
    "cut off, but whole JSON": (b'data: {"a": 1}\n', data('{"a": 1}')),
    "cut off within a line, but whole JSON": (b'data: {"a": 1}', data('{"a": 1}')),
    "cut off behind the last sign": (b"data: [DONE]\n", data("[DONE]")),
    "cut off within JSON": (b'data: {"a": ', []),
    "cut off within a character": ('data: "…'.encode()[:-1], []),
    "nothing": (b"", []),
    "half a byte order mark": (BOM[:2], []),
}
CASES = {**CONFORMANCE, **SEEN}


def decoded(reads: Iterable[bytes]) -> list[SseEvent]:
    decoder = SseDecoder()
    return [event for read in reads for event in decoder.feed(read)] + decoder.end()


@pytest.mark.parametrize("name", CASES)
def test_a_stream_means_the_same_at_every_split_point(name: str) -> None:
    stream, expected = CASES[name]

    assert decoded([stream]) == expected
    for at in range(len(stream) + 1):
        assert decoded([stream[:at], stream[at:]]) == expected, f"cut at {at}"


@pytest.mark.parametrize("name", CASES)
def test_a_stream_means_the_same_byte_by_byte(name: str) -> None:
    stream, expected = CASES[name]

    assert decoded(stream[at : at + 1] for at in range(len(stream))) == expected


def by_the_standard(stream: bytes) -> Iterator[SseEvent]:
    """The standard's algorithm, word for word and a character at a time, for streams that end with a blank line."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    buffer, kind = "", ""
    for line in text.split("\n")[:-1]:
        if not line:
            if buffer:
                yield SseEvent(kind or "message", buffer.removesuffix("\n"))
            buffer = kind = ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            buffer += value + "\n"
        elif field == "event":
            kind = value


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    ends = st.sampled_from([b"\n", b"\r", b"\r\n"])
    words = st.sampled_from(
        [b"data", b"event", b"id", b":", b": ", b" ", b"x", BOM, "…".encode(), b"\xff", b"\xe2\x80", b"\0", b""]
    )
    lines = draw(st.lists(st.tuples(st.lists(words, max_size=4).map(b"".join), ends), max_size=12))
    return b"".join(line + end for line, end in lines) + draw(st.sampled_from([b"\n\n", b"\r\r", b"\r\n\r\n"]))


@given(streams(), st.data())
def test_any_stream_in_any_reads_is_decoded_as_the_standard_says(stream: bytes, drawn: st.DataObject) -> None:
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reads = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert decoded(reads) == list(by_the_standard(stream))


@given(st.lists(st.text()), st.integers(1, 40))
def test_what_is_sent_as_json_arrives(texts: list[str], size: int) -> None:
    stream = b"".join(b"data: " + json.dumps(text, ensure_ascii=False).encode() + b"\n\n" for text in texts)
    events = decoded(stream[at : at + size] for at in range(0, len(stream), size))

    assert [json.loads(event.data) for event in events] == texts


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_event_over_the_bound_is_an_error_and_one_within_it_is_not(size: int) -> None:
    def feed(stream: bytes) -> list[SseEvent]:
        decoder = SseDecoder(max_event_bytes=100)
        return [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]

    assert feed(b"data: " + b"x" * 90 + b"\n\n") == data("x" * 90)
    with pytest.raises(TransportError, match="too_long"):
        feed(b"data: " + b"x" * 200 + b"\n\n")
    with pytest.raises(TransportError, match="too_long"):
        feed(b"data: x\n" * 30)


def test_many_short_events_in_one_read_are_no_long_one() -> None:
    assert SseDecoder(max_event_bytes=20).feed(b"data: x\n\n" * 100) == data("x") * 100
