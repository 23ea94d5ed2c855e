"""What a `redis://` URL says, and how it is shown: without its password. Pure; nobody is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from llmesc.escalation.durations import parse_duration
from llmesc.escalation.light_dataclass import dataclass
from llmesc.escalation.secret import Secret

SCHEMES = ("redis", "rediss")

EXAMPLES = "redis://host:6379/0, rediss://user:password@host/0, redis:///0?socket=/run/redis.sock, redis://host?cluster=true"

_DEFAULT_PORT = 6379
_SENTINEL_PORT = 26379
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_KNOWN = (
    "socket",
    "sentinel",
    "sentinel_user",
    "sentinel_password",
    "cluster",
    "prefix",
    "timeout",
    "keep",
    "keep_runs",
    "ca",
    "cert",
    "key",
    "password_env",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPlace:
    """Where a Redis is and how it is to be used."""

    addresses: tuple[tuple[str, int], ...] = (("localhost", _DEFAULT_PORT),)
    """Of the server; of the sentinels, where `sentinel` is set; of some nodes of a cluster."""
    socket: str | None = None
    """The path of a unix socket, instead of an address."""
    tls: bool = False
    user: str | None = None
    password: Secret | None = None
    password_env: str | None = None
    """The environment variable that holds the password, where the URL does not."""
    database: int = 0
    sentinel: str | None = None
    """The name of the primary that the sentinels watch."""
    sentinel_user: str | None = None
    sentinel_password: Secret | None = None
    cluster: bool = False
    prefix: str = "llmesc"
    """What every key begins with, in braces: all of one state lie in one slot of a cluster, so that they change together."""
    timeout_seconds: float = 0.05
    """How long a call waits for an answer before it goes on without."""
    keep_seconds: float = 30 * 86_400.0
    """Runs that began earlier are forgotten."""
    keep_is_said: bool = False
    """Whether the URL says so."""
    keep_runs: int = 100_000
    """The newest are kept."""
    ca: str | None = None
    """A file of certificates to trust, instead of the system's."""
    cert: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        """For people: where it is, no password."""
        scheme = "rediss" if self.tls else "redis"
        if self.socket:
            return f"{scheme}:///{self.database}?socket={self.socket}"
        where = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.addresses)
        kind = f" (sentinel {self.sentinel})" if self.sentinel else " (cluster)" if self.cluster else ""
        database = "" if self.cluster else f"/{self.database}"
        return f"{scheme}://{where}{database}{kind}"


def is_redis_url(url: str) -> bool:
    """Whether `url` means a Redis, well written or not."""
    return url.partition("://")[0] in SCHEMES


def redacted(url: str) -> str:
    """A state URL as people may see it, also one that is badly written: whatever may be a password is `***`."""
    if url.partition(":")[0] not in SCHEMES:
        return url
    scheme, _, rest = url.partition("://")
    credentials, at, rest = _credentials_and_rest(rest)
    user, colon, _ = credentials.partition(":")
    shown = f"{user}{colon}{'***' if colon else ''}{at}{rest}"
    return f"{scheme}://" + re.sub(r"(?i)((?:^|[?&])[^=&?]*password=)[^&]*", r"\1***", shown)


def parse_redis_url(url: str) -> RedisPlace:
    """The place that `url` names. Raises ValueError that says what is wrong and repeats no password."""
    try:
        return _parse(url)
    except ValueError as error:
        problem = str(error)
    raise ValueError(problem)  # from here, where no variable and no cause holds the URL


def _parse(url: str) -> RedisPlace:
    scheme, separator, rest = url.partition("://")
    if scheme not in SCHEMES or not separator:
        raise ValueError(f"is no Redis URL; write for example {EXAMPLES}")
    credentials, _, rest = _credentials_and_rest(rest)
    where, _, query = rest.partition("?")
    hosts, _, path = where.partition("/")
    said = _options(query)
    user, _, password = credentials.partition(":")
    return RedisPlace(
        addresses=_addresses(hosts, _SENTINEL_PORT if "sentinel" in said else _DEFAULT_PORT),
        tls=scheme == "rediss",
        user=unquote(user) or None,
        password=Secret(unquote(password)) if password else None,
        database=_database(path),
        **_typed(said),
    )


def _credentials_and_rest(rest: str) -> tuple[str, str, str]:
    """What stands before the last `@`, for passwords hold all kinds of characters; in what follows, `@` is written `%40`."""
    credentials, at, after = rest.rpartition("@")
    return credentials, at, after


def _options(query: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _KNOWN:
            raise ValueError(f"has an option {name[:40]!r}; allowed: {', '.join(_KNOWN)}")
        if not value:
            raise ValueError(f"has an empty {name}")
        said[name] = value
    if said.get("cluster", "true") not in ("true", "false"):
        raise ValueError("has a cluster that is neither true nor false")
    if "sentinel" in said and said.get("cluster") == "true":
        raise ValueError("names a sentinel and a cluster; it is one or the other")
    if "socket" in said and ("sentinel" in said or said.get("cluster") == "true"):
        raise ValueError("names a socket; sentinel and cluster have addresses")
    if ("cert" in said) != ("key" in said):
        raise ValueError("needs cert and key together")
    return said


def _typed(said: Mapping[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = {
        name: said[name]
        for name in ("socket", "sentinel", "sentinel_user", "prefix", "ca", "cert", "key", "password_env")
        if name in said
    }
    if "prefix" in said and not _PREFIX.fullmatch(said["prefix"]):
        raise ValueError("has a prefix of other characters than letters, digits and _ . -, or of more than 64")
    if "sentinel_password" in said:
        typed["sentinel_password"] = Secret(said["sentinel_password"])
    if "cluster" in said:
        typed["cluster"] = said["cluster"] == "true"
    for name, field in (("timeout", "timeout_seconds"), ("keep", "keep_seconds")):
        if name in said:
            seconds = parse_duration(said[name])
            if seconds <= 0:
                raise ValueError(f"has a {name} of nothing")
            typed[field] = seconds
    typed["keep_is_said"] = "keep" in said
    if "keep_runs" in said:
        if not said["keep_runs"].isdecimal() or int(said["keep_runs"]) < 1:
            raise ValueError("has a keep_runs that is no number of runs")
        typed["keep_runs"] = int(said["keep_runs"])
    return typed


def _addresses(hosts: str, default_port: int) -> tuple[tuple[str, int], ...]:
    return tuple(_each_address(hosts, default_port)) if hosts else (("localhost", default_port),)


def _each_address(hosts: str, default_port: int) -> Iterator[tuple[str, int]]:
    for written in hosts.split(","):
        found = re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:@/]+)(?::([0-9]{1,5}))?", written)
        if found is None or int(found[2] or 1) not in range(1, 65_536):
            raise ValueError("has a host or a port that is none; write host:port, several with commas between")
        yield unquote(found[1].strip("[]")), int(found[2] or default_port)


def _database(path: str) -> int:
    number = path.strip("/")
    if number and not (number.isdecimal() and int(number) < 2**31):
        raise ValueError("has a path that is no number of a database; for a unix socket write ?socket=/path")
    return int(number or 0)
