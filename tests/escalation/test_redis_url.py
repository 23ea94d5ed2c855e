"""What a Redis URL says, what is wrong with it, and that its password is never repeated."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.redis_url import RedisPlace, is_redis_url, parse_redis_url, redacted
from llmesc.escalation.secret import Secret


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://", {}),
        ("redis://host", {"addresses": (("host", 6379),)}),
        ("redis://host:1234/5", {"addresses": (("host", 1234),), "database": 5}),
        ("rediss://host", {"addresses": (("host", 6379),), "tls": True}),
        ("redis://[::1]:7/0", {"addresses": (("::1", 7),)}),
        ("redis://:p%40ss@host", {"addresses": (("host", 6379),), "password": Secret("p@ss")}),
        ("redis://:a@b@host", {"addresses": (("host", 6379),), "password": Secret("a@b")}),
        ("redis://ann:p:w@host", {"addresses": (("host", 6379),), "user": "ann", "password": Secret("p:w")}),
        ("redis://ann@host", {"addresses": (("host", 6379),), "user": "ann"}),
        ("redis:///2?socket=/run/redis.sock", {"socket": "/run/redis.sock", "database": 2}),
        ("redis://a,b:2/1?sentinel=main", {"addresses": (("a", 26379), ("b", 2)), "sentinel": "main", "database": 1}),
        ("redis://a:1,b:2?cluster=true", {"addresses": (("a", 1), ("b", 2)), "cluster": True}),
        (
            "redis://h?sentinel=m&sentinel_user=u&sentinel_password=p",
            {
                "addresses": (("h", 26379),),
                "sentinel": "m",
                "sentinel_user": "u",
                "sentinel_password": Secret("p"),
            },
        ),
        (
            "redis://?timeout=200ms&keep=7d&keep_runs=5&prefix=team.a",
            {
                "timeout_seconds": 0.2,
                "keep_seconds": 604_800.0,
                "keep_is_said": True,
                "keep_runs": 5,
                "prefix": "team.a",
            },
        ),
        (
            "rediss://?ca=/c&cert=/d&key=/e&password_env=P",
            {
                "tls": True,
                "ca": "/c",
                "cert": "/d",
                "key": "/e",
                "password_env": "P",
            },
        ),
    ],
)
def test_what_is_said_is_read(url: str, said: dict[str, Any]) -> None:
    assert parse_redis_url(url) == RedisPlace(**said)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis:host", "is no Redis URL; write for example redis://host:6379/0"),
        ("postgres://:hunter2@x", "is no Redis URL"),
        ("redis://:hunter2@[x", "a host or a port that is none"),
        ("redis://:hunter2", "a host or a port that is none"),
        ("redis://:hunter2@host:0", "a host or a port that is none"),
        ("redis://:hunter2@host:port", "a host or a port that is none"),
        ("redis://:hunter2@a,,b", "a host or a port that is none"),
        ("redis://:hunter2@host/path", "no number of a database; for a unix socket write ?socket="),
        ("redis://:hunter2@host/run/redis.sock", "no number of a database"),
        ("redis://:hunter2@host?clusters=true", "has an option 'clusters'; allowed: socket, sentinel"),
        ("redis://:hunter2@host?cluster=yes", "neither true nor false"),
        ("redis://:hunter2@host?cluster=true&sentinel=x", "one or the other"),
        ("redis://:hunter2@?socket=/x&sentinel=x", "sentinel and cluster have addresses"),
        ("redis://:hunter2@host?cert=/x", "needs cert and key together"),
        ("redis://:hunter2@host?prefix=", "has an empty prefix"),
        ("redis://:hunter2@host?prefix={x}", "has a prefix of other characters"),
        ("redis://:hunter2@host?timeout=fast", "is no duration"),
        ("redis://:hunter2@host?timeout=0s", "a timeout of nothing"),
        ("redis://:hunter2@host?keep_runs=0", "keep_runs that is no number of runs"),
    ],
)
def test_what_is_wrong_is_told_without_the_password(url: str, words: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_redis_url(url)

    assert words in str(raised.value)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:1/0", "redis://host:1/0"),
        ("redis://:hunter2@host/0", "redis://:***@host/0"),
        ("rediss://ann:hun/ter@2@host/0", "rediss://ann:***@host/0"),
        ("redis://h?sentinel=m&sentinel_password=hunter2&prefix=x", "redis://h?sentinel=m&sentinel_password=***&prefix=x"),
        ("sqlite:////a@b.db", "sqlite:////a@b.db"),
        ("redis://h?sentinel=m&sentinel_password=hun@ter2", "redis://h?sentinel=m&sentinel_password=***"),
        ("memory:", "memory:"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert redacted(url) == shown


_LETTERS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@given(user=_LETTERS, password=_LETTERS.map(lambda text: f"hunter2{text}hunter2"), rest=_LETTERS)
def test_whatever_surrounds_it_the_password_is_not_shown(user: str, password: str, rest: str) -> None:
    url = f"redis://{user}:{password}@{rest}"

    assert "hunter2" not in redacted(url)
    try:
        place = parse_redis_url(url)
    except ValueError as error:
        assert "hunter2" not in str(error)
    else:
        assert "hunter2" not in f"{place} {place!r}"


def test_which_urls_are_meant_as_redis() -> None:
    assert [is_redis_url(url) for url in ("redis://x", "rediss://", "redis:x", "memory:", "sqlite:///x")] == [
        True,
        True,
        False,
        False,
        False,
    ]
