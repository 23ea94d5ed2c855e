"""From what TOML holds to typed values. Each raises ValueError where it does not fit; its text, if any, is a hint to append."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from llmesc.config.secrets import SecretRef
from llmesc.config.wording import nearest, shown
from llmesc.escalation.durations import parse_duration
from llmesc.escalation.secret import Secret
from llmesc.escalation.sizes import parse_size

SECRET_SOURCES = ("env", "command", "file", "keyring")

_LARGEST = 1e15
"""Whole numbers above it are not exact as floats; nothing here needs them."""


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def command(value: Any) -> tuple[str, ...]:
    """A program and its arguments, split as a shell would split them."""
    import shlex

    try:
        parts = shlex.split(text(value))
    except ValueError as error:
        raise ValueError(f" ({error})" if isinstance(value, str) and value.strip() else "") from None
    if not parts or not parts[0]:
        raise ValueError
    return tuple(parts)


def elements(value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise ValueError
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """A table."""
    if not isinstance(value, Mapping):
        raise ValueError
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError
    return value


def number(value: Any, least: float, most: float | None) -> float:
    """A finite number in a range; true is none."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not least <= value <= (_LARGEST if most is None else most)
    ):
        raise ValueError
    return float(value)


def whole(value: Any, least: int, most: int | None) -> int:
    """A whole number in a range; 3.0 is none."""
    if not isinstance(value, int):
        raise ValueError
    return int(number(value, least, most))


def seconds(value: Any) -> float:
    """A duration above zero: a text or a number of seconds."""
    try:
        found = parse_duration(value if isinstance(value, str) else f"{number(value, 0, None):f}")
    except ValueError:
        raise ValueError from None  # what is allowed is said by who asked
    if found <= 0:
        raise ValueError
    return found


def size(value: Any, least: int) -> int:
    """Bytes, from `least` on: a text or a whole number."""
    try:
        found = parse_size(value if isinstance(value, str) else str(whole(value, 1, None)))
    except ValueError:
        raise ValueError from None
    if not least <= found <= _LARGEST:
        raise ValueError
    return found


def seconds_or(value: Any, words: Collection[str]) -> float | str:
    """A duration above zero, or one of a few words in its place."""
    return value if isinstance(value, str) and value in words else seconds(value)


def money(value: Any) -> Decimal:
    """An amount from 0, finite."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError from None
    if not amount.is_finite() or amount < 0:
        raise ValueError
    return amount


def one_of(value: Any, allowed: Collection[str]) -> str:
    """One of a few names."""
    if isinstance(value, str) and value in allowed:
        return value
    raise ValueError(nearest(value, allowed) if isinstance(value, str) else "")


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts that are not empty."""
    for item in elements(value):
        if not isinstance(item, str) or not item.strip():
            raise ValueError(f" holding {shown(item)}")
    return tuple(value)


def some_of(value: Any, allowed: Collection[str]) -> frozenset[str]:
    """A list of some of a few names."""
    for item in texts(value):
        if item not in allowed:
            raise ValueError(f" holding {shown(item)}{nearest(item, allowed)}")
    return frozenset(value)


def base_url(value: Any) -> str:
    """As `url`, without a slash at its end."""
    return url(value).rstrip("/")


def url(value: Any) -> str:
    """An HTTP URL without credentials, which would show wherever the URL does."""
    from urllib.parse import urlsplit

    written = text(value)
    try:
        parts = urlsplit(written)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError from None
    if not usable or "@" in parts.netloc or not written.isprintable() or " " in written:
        raise ValueError
    return written


def redis_url(value: Any) -> str:
    """A Redis URL without a password, which would show wherever the URL does. The ValueError repeats none."""
    from llmesc.escalation.redis_url import parse_redis_url

    url, problem = text(value), ""
    try:
        place = parse_redis_url(url)
        if not place.password and not place.sentinel_password:
            return url
    except ValueError as error:
        problem = f": {error}"
    raise ValueError(problem)


def secret_ref(value: Any, key: str) -> SecretRef:
    """Where a secret is to be found. The ValueError says what was found without repeating any of it."""
    if isinstance(value, str) and value.startswith("$"):
        raise ValueError('a shell variable, which nothing expands (write { env = "NAME" })')
    if isinstance(value, str) and value.strip():
        return SecretRef(source="inline", target="", inline=Secret(value.strip()), key=key)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError("something else")
    ((source, target),) = value.items()
    if source not in SECRET_SOURCES:
        raise ValueError(f"another source{nearest(source, SECRET_SOURCES)}")
    if not isinstance(target, str) or not target.strip():
        raise ValueError(f"a source {source} that names nothing")
    if source == "env" and not (target.isascii() and target.isidentifier()):
        raise ValueError("a source env that is no name of a variable (the secret itself does not belong there)")
    return SecretRef(source=source, target=target.strip(), key=key)
