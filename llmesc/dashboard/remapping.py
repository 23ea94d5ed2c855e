"""Keys of the operator's own: what `[dashboard.keys]` may say, and what is wrong with what it says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

from llmesc.dashboard.actions.all import COMMANDS
from llmesc.dashboard.keys import LIST_KEYS, spoken
from llmesc.escalation.untrusted import one_line

MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})

RESERVED: Mapping[str, str] = {
    "ctrl+p": "opens the palette",
    "ctrl+c": "copies what is marked",
    "tab": "goes to the next pane",
    "shift+tab": "goes to the pane before",
}
"""Keys that no command may have: without them nobody finds the way."""

_EVERYWHERE = "everywhere"
_NAMED = {*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()}


def default_keys() -> dict[str, str]:
    """By id, of every command and of every list: the keys it has where nothing is said."""
    return {command.id: command.key for command in COMMANDS} | {binding.id: binding.key for binding in LIST_KEYS if binding.id}


def problems(keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the keys by id: the id, and what was found and is allowed."""
    known = default_keys()
    for name, said in keys.items():
        if name not in known:
            near = get_close_matches(name, known, cutoff=0.5) or sorted(known)
            yield name, f"no such command; nearest: {', '.join(near)}"
            continue
        for key in _each(said):
            if not _is_key(key):
                yield name, f'found "{one_line(key, 40)}"; allowed: a character or a name like f5, ctrl+r or question_mark'
            elif key in RESERVED:
                yield name, f"found {key}, which {RESERVED[key]}; allowed: any other key"
    yield from _clashes({**known, **{name: said for name, said in keys.items() if name in known}}, keys)


def _each(keys: str) -> list[str]:
    """`?, f1` as Textual names them, one by one; what is empty stays so."""
    return [next(iter(Binding.make_bindings([Binding(key, "")]))).key if key.strip() else "" for key in keys.split(",")]


def _clashes(in_force: Mapping[str, str], said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A key that two commands of one place have: whichever came first would silently win."""
    place = {command.id: command.pane or _EVERYWHERE for command in COMMANDS}
    taken: dict[str, list[str]] = {}
    for name, keys in in_force.items():
        for key in _each(keys):
            taken.setdefault(key, []).append(name)
    for key, names in taken.items():
        for name in names:
            if name not in said:
                continue
            where = place.get(name, _EVERYWHERE)
            others = [
                other
                for other in names
                if other != name and (where == _EVERYWHERE or place.get(other, _EVERYWHERE) in (where, _EVERYWHERE))
            ]
            if others:
                yield name, f"{spoken(key)} has {others[0]} already; give that another key, too"


def _is_key(key: str) -> bool:
    """As Textual names keys: `r`, `ctrl+r`, `f5`, `question_mark`."""
    *modifiers, last = key.split("+") if key != "+" else ("+",)
    if not set(modifiers) <= MODIFIERS or len(set(modifiers)) != len(modifiers):
        return False
    return len(last) == 1 or last in _NAMED or key_to_character(last) is not None
