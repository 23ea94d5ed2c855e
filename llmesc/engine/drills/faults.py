"""What a drill can do to a candidate: every fault by name, as people write it, and how a server plays it.

`NAME` or `NAME:OPTION=NUMBER`, e.g. `503`, `cut:after=40`, `rate-limit:retry-after=5`. Hyphens and underscores are the same.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from difflib import get_close_matches
from typing import Literal, NamedTuple

from llmesc.escalation.light_dataclass import dataclass
from llmesc.providers.faults import Behaviour, Exchange, answer, behaviour, status
from llmesc.providers.faults.behaviours import ANSWER

REFUSED = "refused"
"""The one fault that no server can play: nobody listens."""

Known = Literal["sent", "start", "first_token", "stall", "rate"]
"""When the fault can be known: when all that comes of the answer was sent; as soon as the call begins; when the limit for the
first token, for silence or for the rate is over.
"""

Note = Callable[[], None]
"""Called at the moment that `Known` counts from."""

Play = Callable[[Exchange, Mapping[str, float], Note], Awaitable[None]]


class Recipe(NamedTuple):
    """One kind of fault."""

    words: str
    play: Play
    known: Known = "sent"
    options: Mapping[str, float] = {}
    """Names and what they are where nothing is said; below 0: nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as it was asked for."""

    name: str
    options: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name + "".join(f":{name}={value:g}" for name, value in self.options.items())

    @property
    def known(self) -> Known:
        """When it can be known."""
        return _recipe(self.name).known

    def behaviour(self, note: Note) -> Behaviour:
        """What a server does about a request; `note` is called when `known` begins to count."""
        recipe = _recipe(self.name)

        async def behave(x: Exchange) -> None:
            try:
                await recipe.play(x, {**recipe.options, **self.options}, note)
            finally:
                if recipe.known == "sent":
                    note()

        return behave


_OPTION = re.compile(r":([a-z_-]+)=([^:=]*)$")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def split_options(text: str, *, at_candidate: bool = False) -> tuple[str, dict[str, float]]:
    """`text` without the options at its end, and those. What stands before them may hold colons, as names of models do; where it
    is a fault `at_candidate` it has an equals sign of its own: `lab/qwen3:latest=503`. Raises ValueError for what is no number.
    """
    options: dict[str, float] = {}
    while (found := _OPTION.search(text)) and not (at_candidate and "=" not in text[: found.start()]):
        if not _NUMBER.fullmatch(found[2]):
            raise ValueError(f"found {found[1]}={found[2]}; allowed: a number from 0, like {found[1]}=5")
        options[found[1].replace("-", "_")] = float(found[2])
        text = text[: found.start()]
    return text, dict(reversed(options.items()))


def parse_fault(text: str) -> Fault:
    """The fault that `text` writes. Raises ValueError that lists what there is."""
    name, options = split_options(text.strip())
    return checked(Fault(name.replace("-", "_"), options))


def checked(fault: Fault) -> Fault:
    """`fault`, if there is one of that name and with those options. Raises ValueError that lists what there is."""
    try:
        recipe = _recipe(fault.name)
    except KeyError:
        near = get_close_matches(fault.name, FAULTS, 1)
        hint = f"; nearest: {near[0]}" if near else ""
        raise ValueError(f"no fault {fault.name!r}{hint}; there are {', '.join(FAULTS)}, and any HTTP status from 400") from None
    for option in fault.options:
        if option not in recipe.options:
            allowed = ", ".join(recipe.options) or "none"
            raise ValueError(f"the fault {fault.name} has no option {option!r}; allowed: {allowed}")
    if fault.options.get("rate") == 0:
        raise ValueError("found rate=0; allowed: a number above 0, or the fault hang")
    return fault


# -- how they are played ------------------------------------------------------------------------------------------------


def _as_the_server_does(name: str) -> Play:
    async def play(x: Exchange, _options: Mapping[str, float], note: Note) -> None:
        note()
        found = behaviour(name)
        assert found is not None, f"the fault server knows {name}"
        await found(x)

    return play


def _answers(text: str) -> Play:
    async def play(x: Exchange, _options: Mapping[str, float], _note: Note) -> None:
        await answer(text)(x)

    return play


async def _rate_limit(x: Exchange, options: Mapping[str, float], _note: Note) -> None:
    seconds = options["retry_after"]
    await status(429, error_code="rate_limit_exceeded", headers={"retry-after": f"{seconds:g}"} if seconds >= 0 else None)(x)


async def _begin(x: Exchange, characters: float) -> None:
    """So much of an answer, in words; without a stream half of its bytes."""
    text = ANSWER[: int(characters)]
    if x.request.stream:
        await x.open_stream()
        await x.chunks(x.wire.role(), *(x.wire.token(word) for word in re.findall(r"\s*\S+\s*$|\s*\S+", text)))
        return
    whole = x.wire.whole(ANSWER, "stop", 1)
    await x.head(200, {"content-type": "application/json", "content-length": str(len(whole))})
    await x.send(whole[: len(whole) // 2])


async def _cut(x: Exchange, options: Mapping[str, float], _note: Note) -> None:
    await _begin(x, options["after"])
    x.close()


async def _stall(x: Exchange, options: Mapping[str, float], note: Note) -> None:
    await _begin(x, options["after"])
    note()
    await x.pause(None)


async def _drip(x: Exchange, options: Mapping[str, float], note: Note) -> None:
    words, pause = re.findall(r"\s*\S+", ANSWER), 1 / options["rate"]
    if not x.request.stream:
        note()
        await x.pause(pause * len(words))
        await x.respond(200, x.wire.whole(ANSWER, "stop", len(words)))
        return
    await x.open_stream()
    await x.chunks(x.wire.role(), x.wire.token(words[0]))
    note()
    for word in words[1:]:
        await x.pause(pause)
        await x.chunks(x.wire.token(word))
    await x.chunks(x.wire.finish(), x.wire.done())
    await x.end_stream()


async def _slow(x: Exchange, options: Mapping[str, float], note: Note) -> None:
    note()
    await answer(delay_seconds=options["delay"])(x)


async def _nobody(_x: Exchange, _options: Mapping[str, float], _note: Note) -> None:
    raise AssertionError("who is refused never gets this far")


_GARBAGE = "lorem lorem lorem " * 40
_REFUSAL = "I'm sorry, but I can't help with that."

FAULTS: Mapping[str, Recipe] = {
    "auth": Recipe("the key is rejected (401)", _as_the_server_does("auth")),
    "no_credit": Recipe("no credit (402)", _as_the_server_does("no_credit")),
    "permission": Recipe("no access to this model (403)", _as_the_server_does("permission")),
    "no_model": Recipe("no such model (404)", _as_the_server_does("no_model")),
    "bad_request": Recipe("malformed request (400)", _as_the_server_does("bad_request")),
    "overflow": Recipe("prompt larger than the window (400)", _as_the_server_does("overflow")),
    "policy": Recipe("the provider's filter refuses (400)", _as_the_server_does("policy")),
    "rate_limit": Recipe("rate limit (429)", _rate_limit, options={"retry_after": -1.0}),
    "server_error": Recipe("server error (500)", _as_the_server_does("server_error")),
    "overloaded": Recipe("overloaded (503)", _as_the_server_does("overloaded")),
    REFUSED: Recipe("connection refused", _nobody, "start"),
    "reset": Recipe("connection reset", _as_the_server_does("reset")),
    "html": Recipe("200 with a page of HTML", _as_the_server_does("html")),
    "bad_json": Recipe("broken JSON", _as_the_server_does("bad_json")),
    "error_first": Recipe("200 whose only event is an error", _as_the_server_does("error_first")),
    "error_in_stream": Recipe("error inside the stream", _as_the_server_does("error_in_stream")),
    "cut": Recipe("cut off in mid-answer", _cut, options={"after": 40.0}),
    "no_finish": Recipe("ends without the protocol's end", _as_the_server_does("no_finish")),
    "bad_json_midway": Recipe("broken JSON in mid-stream", _as_the_server_does("bad_json_midway")),
    "hang": Recipe("no answer at all", _as_the_server_does("hang"), "first_token"),
    "role_then_hang": Recipe("a role chunk, then nothing", _as_the_server_does("role_then_hang"), "first_token"),
    "keep_alives": Recipe("keep-alives only", _as_the_server_does("keep_alives"), "first_token"),
    "stall": Recipe("silence in mid-answer", _stall, "stall", {"after": 40.0}),
    "drip": Recipe("so many tokens a second", _drip, "rate", {"rate": 1.0}),
    "slow": Recipe("a first token after so many seconds", _slow, "first_token", {"delay": 60.0}),
    "empty": Recipe("an empty answer", _answers("")),
    "length": Recipe("cut at the token limit", _as_the_server_does("length")),
    "refusal": Recipe("the model refuses", _answers(_REFUSAL)),
    "garbage": Recipe("the model repeats itself", _answers(_GARBAGE)),
}
"""Every fault that has a name, in the order in which `llmesc drill --help` lists them."""


def _recipe(name: str) -> Recipe:
    """Raises KeyError."""
    if name not in FAULTS and re.fullmatch(r"[45][0-9][0-9]", name):
        return Recipe(f"status {name}", _as_the_server_does(name))
    return FAULTS[name]
