"""When a provider says to come back, in seconds, and where it said so.

It may be said in a header (seconds, milliseconds, an HTTP date), in a field of the body, or in a sentence; often in several at
once, and not always the same. The order here is by how exact and how deliberate each is. Nothing here raises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from llmesc.escalation.times import Timestamp, from_rfc3339
from llmesc.providers.error_body import ErrorBody

_LONGEST_SECONDS = 366 * 86_400.0
_UNIT_SECONDS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds", "毫秒"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "天"), 86_400.0),
}
_UNITS = "|".join(sorted(_UNIT_SECONDS, key=len, reverse=True))
_PIECE = rf"\d{{1,9}}(?:\.\d{{1,12}})?\s?(?:{_UNITS})(?![a-z])"

_DELAY_FIELDS = (
    "retrydelay",
    "retryafterms",
    "retryafterseconds",
    "retryafter",
    "retryinseconds",
    "resetsinseconds",
    "quotaresetdelay",
)
_MOMENT_FIELDS = ("xratelimitreset", "resetsat", "resetat", "quotaresettimestamp", "retryat", "resettime")

Found = tuple[float, str]
"""Seconds from now, and where they were read."""


def read_retry_after(headers: Mapping[str, str], body: ErrorBody, now: Timestamp | None, *, limited: bool) -> Found | None:
    """The wait that `headers` (names in lower case) or `body` ask for, or None.

    `limited`: the status says that a limit was hit; only then do the headers that count down a limit mean this failure.
    A moment becomes a wait by the server's own clock (its `date` header), else by `now`; without both it is of no use.
    """
    reference = _http_date(headers.get("date", "")) or now
    for seconds, source in _candidates(headers, body, reference, limited=limited):
        if seconds is not None and math.isfinite(seconds) and 0 <= seconds <= _LONGEST_SECONDS:
            return round(seconds, 6), source
    return None


def _candidates(
    headers: Mapping[str, str], body: ErrorBody, reference: float | None, *, limited: bool
) -> Iterator[tuple[float | None, str]]:
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds:
        yield milliseconds / 1000, "header:retry-after-ms"
    stated = headers.get("retry-after", "").strip()
    header = parse_duration(stated)
    if header is None:
        header = _until(_http_date(stated) or _moment(stated), reference)
    if header != 0:
        yield header, "header:retry-after"
    yield from _from_fields(body.times, reference)
    for inner in body.inner:
        yield from _from_fields(inner.times, reference)
    if limited:
        yield _exhausted_bucket(headers, reference)
    for part in (body, *body.inner):
        yield _in_text(part.text, reference), "text"
    for part in (body, *body.inner):
        yield _duration_of(part.times.get("estimatedtime")), "body:estimated_time"
    # "At once" is believed only where nothing else was said: servers send 0 beside a real wait.
    if header == 0 or milliseconds == 0:
        yield 0.0, "header:retry-after"


def parse_duration(text: str) -> float | None:
    """Seconds of `20`, `2.5`, `7m12s`, `329.999ms`, `1h 5 minutes`, `12.17:07:56`; None where it is no duration."""
    text = text.strip().lower()[:60]
    plain = _number(text)
    if plain is not None:
        return plain
    if _duration().fullmatch(text):
        return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _pieces().findall(text))
    clock = _clock().fullmatch(text)
    if clock:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return days * 86_400 + hours * 3600 + minutes * 60 + seconds
    return None


@cache
def _duration() -> re.Pattern[str]:
    return re.compile(rf"{_PIECE}(?:[\s,]{{0,2}}(?:and )?{_PIECE}){{0,4}}")


@cache
def _pieces() -> re.Pattern[str]:
    return re.compile(rf"(\d{{1,9}}(?:\.\d{{1,12}})?)\s?({_UNITS})(?![a-z])")


@cache
def _clock() -> re.Pattern[str]:
    return re.compile(r"(?:(\d{1,4})\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,9})?)")


@cache
def _sentences() -> re.Pattern[str]:
    cue = r"\b(?:try(?:ing)? (?:it )?again|retry(?:ing)?|wait|available|resets?|replenished|renews?|cool ?down)\b[^\d]{0,40}?"
    return re.compile(
        rf"{cue}(?P<wait>\d{{1,4}}\.\d\d:\d\d:\d\d|(?<=in )\d\d?:\d\d:\d\d|{_duration().pattern})"
        rf"|(?:请|需)?(?:在|等待?|于)?\s?(?P<later>\d{{1,6}}\s?(?:秒钟?|分钟|小时|天))(?:之|以)?后"
        rf"|\b(?:in|dans|en|em) (?P<other>\d{{1,6}}(?:\.\d{{1,6}})?\s?(?:sekunden|secondes|segundos|s))\b"
    )


@cache
def _moments() -> re.Pattern[str]:
    return re.compile(
        r"(?:again|access|resets?|until|available|after|before|renews?)\b[^\d]{0,24}"
        r"(\d{4}-\d\d-\d\d)(?: at |[ t])(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s?(z|utc|gmt|[+-]\d\d:?\d\d)?"
    )


def _in_text(text: str, reference: float | None) -> float | None:
    hit = _sentences().search(text)
    if hit and hit["wait"]:
        return parse_duration(hit["wait"].replace(" and ", " "))
    if hit and hit["later"]:
        return parse_duration(hit["later"])
    if hit:
        return _number(hit["other"].split("s")[0])
    moment = _moments().search(text)
    if moment is None:
        return None
    day, clock, zone = moment.groups()
    return _until(_moment(f"{day}T{clock}{zone if zone and zone[0] in '+-' else 'Z'}"), reference)


def _from_fields(times: Mapping[str, Any], reference: float | None) -> Iterator[tuple[float | None, str]]:
    for name in _DELAY_FIELDS:
        value = _duration_of(times.get(name))
        if value:
            yield value / 1000 if name.endswith("ms") else value, "body:RetryInfo" if name == "retrydelay" else f"body:{name}"
    for name in _MOMENT_FIELDS:
        if name in times:
            yield _until(_moment(str(times[name])), reference), f"body:{name}"


def _exhausted_bucket(headers: Mapping[str, str], reference: float | None) -> tuple[float | None, str]:
    """Of the rate-limit headers: the reset of the bucket of which nothing is left; the last to refill, if several."""
    resets = {name: value for name, value in headers.items() if "ratelimit" in name and "reset" in name}
    empty = [
        (wait, f"header:{name}")
        for name, value in resets.items()
        if (wait := _reset(value, reference)) and _nothing_left(name, headers, alone=len(resets) == 1)
    ]
    return max(empty, default=(None, ""), key=lambda found: found[0] or 0.0)


def _nothing_left(reset_name: str, headers: Mapping[str, str], *, alone: bool) -> bool:
    remaining = headers.get(reset_name.replace("reset", "remaining"))
    left = None if remaining is None else _number(remaining)
    return alone if left is None else left <= 0


def _reset(value: str, reference: float | None) -> float | None:
    seconds = parse_duration(value)
    if seconds is None or seconds > 1e9:
        return _until(_moment(value), reference)
    return seconds


def _duration_of(value: Any) -> float | None:
    return None if value is None or isinstance(value, bool) else parse_duration(str(value))


def _until(moment: float | None, reference: float | None) -> float | None:
    return None if moment is None or reference is None else max(0.0, moment - reference)


def _moment(text: str) -> float | None:
    """A point in time: seconds or milliseconds since the epoch, or ISO 8601."""
    number = _number(text)
    if number is not None:
        return number / 1000 if number > 1e11 else number if number > 1e9 else None
    try:
        return from_rfc3339(text.strip()[:40])
    except (ValueError, OverflowError, OSError):
        return None


def _http_date(text: str) -> float | None:
    if "," not in text:
        return None
    from email.utils import parsedate_to_datetime  # 5 ms that only dates need

    try:
        return parsedate_to_datetime(text.strip()[:60]).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _number(text: str) -> float | None:
    text = text.strip()
    if not text or len(text) > 30 or not text.isascii() or not all(character in "0123456789.+-eE" for character in text):
        return None
    try:
        return float(text)
    except ValueError:
        return None
