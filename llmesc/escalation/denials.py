"""Which denial is in force for a model: denials name a model on an instance, and each part may be a glob."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import ModelKey

_GLOB = re.compile(r"[*?\[]")

_Matches = Callable[[str], re.Match[str] | None]


class DenialIndex:
    """Denials made ready to be asked for many models. A glob matches as `fnmatch` does, case included."""

    def __init__(self, denials: Iterable[Denial]) -> None:
        self._exact: dict[ModelKey, Denial] = {}
        self._globs: list[tuple[_Matches, _Matches, _Matches, Denial]] = []
        for denial in denials:
            # A name that looks like a glob is also itself: what a failure denied is denied, whatever its name.
            self._exact[denial.key] = _longer(self._exact.get(denial.key), denial)
            if _GLOB.search("".join(denial.key)):
                provider, instance, model = (re.compile(translate(part)).match for part in denial.key)
                self._globs.append((provider, instance, model, denial))

    def of(self, key: ModelKey) -> Denial | None:
        """The denial of `key` that lasts longest, because that one says when the model may be used again."""
        found = self._exact.get(key)
        for provider, instance, model, denial in self._globs:
            if provider(key.provider) and instance(key.instance) and model(key.model):
                found = _longer(found, denial)
        return found


def _longer(one: Denial | None, other: Denial) -> Denial:
    if one is None:
        return other
    if one.until is None or other.until is None:
        return one if one.until is None else other
    return one if one.until >= other.until else other
