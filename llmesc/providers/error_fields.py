"""The facts in a JSON error, found by the names of their fields and not by their place."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import field
from itertools import islice
from typing import Any

from llmesc.escalation.light_dataclass import dataclass

_NODES, _DEPTH, _SENTENCES, _SENTENCE = 1_500, 8, 30, 20_000
_WRAPPED = 3
"""So many lists or responses may stand around an error."""

_SENTENCE_KEYS = (
    *("message", "msg", "errormsg", "errormessage", "error", "detail", "details", "errordescription", "description", "errors"),
    *("statusmsg", "raw", "reason", "title", "failure", "explanation", "errormessages", "responsebody", "body"),
    *("type", "code"),
)
"""In the order in which they are good to read; the last ones only hold a sentence where a provider misuses them."""
_CODE_KEYS = frozenset(
    ("code", "type", "status", "reason", "error", "errorcode", "errortype", "statuscode", "name", "exception", "subcode")
)
_STATUS_KEYS = frozenset(
    ("code", "status", "statuscode", "errorcode", "httpstatus", "httpstatuscode", "httpcode", "rawstatuscode")
)
_QUOTA_KEYS = frozenset(("quotaid", "quotalimit", "quotametric"))
_REQUEST_KEYS = frozenset(("requestid", "xrequestid", "trace", "traceid", "correlationid", "sid"))
_TIME_KEYS = frozenset(
    (
        *("retrydelay", "retryafter", "retryafterseconds", "retryafterms", "retryinseconds", "estimatedtime", "resetsinseconds"),
        *("resetsat", "resetat", "quotaresetdelay", "quotaresettimestamp", "xratelimitreset", "retryat", "resettime"),
    )
)
_NOT_THE_ERROR = frozenset(
    (
        *("input", "prompt", "messages", "ctx", "loc", "previouserrors", "contentfilterresult", "contentfilterresults", "links"),
        *("tools", "schema", "stack", "stacktrace", "traceback", "choices", "candidates", "content", "output", "usage", "delta"),
        *("failedgeneration", "flaggedinput", "helpurl", "requestbody", "requestbodyvalues"),
    )
)
"""The request echoed, the answer itself, links, and what failed earlier: their words must not speak for this failure."""
_ANSWER_KEYS = frozenset(("choices", "candidates", "content", "output", "delta", "embedding", "generations"))


def squash(name: str) -> str:
    """`name` in lower case without separators: `context_length_exceeded` and `ContextLengthExceeded` are one."""
    return "".join(character for character in name[:120].lower() if character.isalnum())


@dataclass(slots=True, kw_only=True)
class Fields:
    """What `collect` found, outermost first."""

    sentences: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    numbers: str = ""
    status: int | None = None
    quotas: list[str] = field(default_factory=list)
    times: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None


def error_root(value: Any, depth: int = 0) -> Any:
    """The part of `value` that says it is an error, or None: an answer, or a shape that only its HTTP status makes an error."""
    if isinstance(value, list) and depth < _WRAPPED:
        return next((root for item in value[:20] if (root := error_root(item, depth + 1)) is not None), None)
    if not isinstance(value, dict):
        return None
    names = _by_squashed(value)
    if any(names.get(key) for key in ("error", "errors", "errorcode", "errormessage")):
        return {key: item for key, item in value.items() if squash(key) not in _ANSWER_KEYS}
    if _has_code_of_failure(names.get("baseresp")) or any(
        name.endswith("exception") and isinstance(item, dict) for name, item in names.items()
    ):
        return value
    for item in (names.get("response"), _failed_choices(names.get("choices"))):
        if isinstance(item, dict | list) and depth < _WRAPPED and (root := error_root(item, depth + 1)) is not None:
            return root
    return value if _is_flat_error(names) else None


def _has_code_of_failure(base_response: Any) -> bool:
    """MiniMax answers 200 and says 0 here where all went well."""
    return isinstance(base_response, dict) and bool(base_response.get("status_code"))


def _failed_choices(choices: Any) -> list[Any]:
    """OpenRouter puts the failure of a stream into the choice it ended."""
    return (
        [choice for choice in choices[:20] if isinstance(choice, dict) and choice.get("error")]
        if isinstance(choices, list)
        else []
    )


def _is_flat_error(names: Mapping[str, Any]) -> bool:
    """A sentence where an answer would have a body. Answers of some wires have a `message`, too, but that is an object."""
    said = any(isinstance(names.get(key), str) for key in ("message", "msg", "detail", "errormsg", "title"))
    return (said and _ANSWER_KEYS.isdisjoint(names)) or isinstance(names.get("detail"), list)


def collect(root: Any) -> Fields:
    """Every fact in `root`, breadth first: what the outermost object says comes first. Bounded in nodes and depth."""
    found = Fields()
    waiting: deque[tuple[Any, int]] = deque([(root, 0)])
    for _ in range(_NODES):
        if not waiting:
            break
        value, depth = waiting.popleft()
        if isinstance(value, str):
            _add_sentence(found, value)
        elif isinstance(value, list) and depth < _DEPTH:
            waiting.extend((item, depth + 1) for item in value[:20])
        elif isinstance(value, dict) and depth < _DEPTH:
            _read_object(found, value, waiting, depth)
    return found


def _read_object(found: Fields, value: dict[Any, Any], waiting: deque[tuple[Any, int]], depth: int) -> None:
    names = _by_squashed(value)
    found.numbers = found.numbers or _whose_numbers(names)
    for key in sorted(names, key=_reading_order):
        item = names[key]
        if key in _NOT_THE_ERROR:
            continue
        if isinstance(item, dict | list):
            if key.endswith("exception"):
                found.codes.append(key)
            waiting.append((item, depth + 1))
        elif isinstance(item, str) or (isinstance(item, int | float) and not isinstance(item, bool)):
            _read_scalar(found, key, item)


def _read_scalar(found: Fields, key: str, item: str | float) -> None:
    if key in _TIME_KEYS:
        found.times.setdefault(key, item)
    if key in _STATUS_KEYS and found.status is None:
        found.status = _http_status(item)
    if key in _REQUEST_KEYS and found.request_id is None:
        found.request_id = str(item)[:100]
    if key in _QUOTA_KEYS:
        found.quotas.append(squash(str(item)))
    is_sentence = isinstance(item, str) and " " in item.strip()
    if key in _SENTENCE_KEYS and isinstance(item, str) and (is_sentence or key not in _CODE_KEYS or key == "error"):
        _add_sentence(found, item, first=key == "raw")  # what the provider behind a gateway said, word for word
    if key in _CODE_KEYS and _is_code(key, item):
        found.codes.append(str(item).strip()[:100])


def _is_code(key: str, item: str | float) -> bool:
    """A code may be two or three words (`Internal Server Error`), a sentence is none; `error` holds one or the other."""
    return not isinstance(item, str) or 0 < len(item.split()) <= (1 if key == "error" else 4)


def _add_sentence(found: Fields, sentence: str, *, first: bool = False) -> None:
    sentence = sentence.strip()[:_SENTENCE]
    if sentence and sentence not in found.sentences and len(found.sentences) < _SENTENCES:
        found.sentences.insert(0 if first else len(found.sentences), sentence)


def _reading_order(key: str) -> int:
    return _SENTENCE_KEYS.index(key) if key in _SENTENCE_KEYS else len(_SENTENCE_KEYS)


def _by_squashed(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {squash(str(key)): item for key, item in islice(value.items(), 200)}


def _http_status(item: Any) -> int | None:
    text = str(item).strip() if isinstance(item, int | str) and not isinstance(item, bool) else ""
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and text[0] in "45" else None


def _whose_numbers(names: Mapping[str, Any]) -> str:
    """Whose numbered codes these are (`numbered_codes`), told by the shape around them."""
    if "statuscode" in names and "statusmsg" in names:
        return "minimax"
    if "errorcode" in names and "errormsg" in names:
        return "qianfan"
    if names.get("success") is False and isinstance(names.get("errors") or names.get("error"), list):
        return "cloudflare"
    code = str(names.get("code", ""))
    if not (code.isascii() and code.isdigit() and len(code) in {4, 5}):
        return ""
    if len(code) == 5:
        return "spark" if "sid" in names else "siliconflow"
    return "mistral" if names.get("object") == "error" or "rawstatuscode" in names else "zhipu"
