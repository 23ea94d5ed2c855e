"""Where a URL leads, held against httpx, which reads URLs for a living."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.providers.http.request import Request, Target, target_of
from llmesc.providers.transport_error import TransportError

LABELS = st.text("abcXYZ019", min_size=1, max_size=10)
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["127.0.0.1", "[::1]", "[2001:db8::1]", "gpu_1", "a-b.test", "bücher.test", "模型.test", "models.test."]),
)
PORTS = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format), st.sampled_from([":80", ":443"]))
WRITTEN = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_characters="%#?/.\x7f", exclude_categories=["Cc"])
)
SEGMENTS = st.one_of(WRITTEN, st.sampled_from(["v1", "gemini-2.5:stream", "a%2Fb", "qwen3:32b", "@cf"]))
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda segments: "".join(f"/{segment}" for segment in segments))
QUERIES = st.one_of(
    st.just(""), st.sampled_from(["?alt=sse", "?api-version=2024-10-21&x=a%20b"]), WRITTEN.filter(bool).map("?{}".format)
)


@given(st.sampled_from(["http", "https"]), st.sampled_from(["", "me@", "me:secret@"]), HOSTS, PORTS, PATHS, QUERIES)
def test_a_url_leads_where_httpx_says(scheme: str, user: str, host: str, port: str, path: str, query: str) -> None:
    url = f"{scheme}://{user}{host}{port}{path}{query}"
    told = httpx.URL(url)

    assert target_of(url) == Target(
        scheme=told.scheme,
        host=told.raw_host.decode(),
        port=told.port or {"http": 80, "https": 443}[told.scheme],
        authority=told.netloc.decode(),
        path=told.raw_path.decode(),
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000/v1",
        "ftp://models.test/v1",
        "http:///v1",
        "http://:80/v1",
        "http://models.test:x/v1",
        "http://models.test:99999/v1",
        "http://[::1",
        "http://" + "x" * 70,
        "http://a..b/v1",
    ],
)
def test_what_names_nobody_to_call_is_not_found(url: str) -> None:
    with pytest.raises(TransportError) as caught:
        target_of(url)

    assert caught.value.word == "dns"


def test_a_request_shows_nothing_of_what_it_carries() -> None:
    url = "https://me:canary@models.test/v1?key=canary"
    request = Request("POST", url, target_of(url), {"authorization": "Bearer canary"}, b"canary", 5.0)

    assert f"{request!r} {request}" == "<POST to models.test> <POST to models.test>"
