"""`[dashboard]` of the configuration as settings, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from llmesc.dashboard.app import Settings
from llmesc.dashboard.remapping import problems
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.untrusted import one_line


def settings_of(theme: str | None, keys: Mapping[str, str], origins: Mapping[str, str]) -> Settings:
    """Theme and keys as settings; `origins` tells by dotted path (`dashboard.keys.ask`) where each was said.

    Raises `ConfigError` with every mistake: where, what was found, what is allowed.
    """
    from llmesc.dashboard import theme_names

    found = [(f"keys.{name}", problem) for name, problem in problems(keys)]
    known = theme_names()
    if theme is not None and theme not in known:
        near = get_close_matches(theme, known) or known
        found.insert(0, ("theme", f'found "{one_line(theme, 60)}"; allowed: {", ".join(near)}'))
    if found:
        wrong = [(f"dashboard.{key}", problem) for key, problem in found]
        raise ConfigError(tuple(f"{origins.get(key, 'the configuration')}: {key}: {problem}" for key, problem in wrong))
    return Settings(theme=theme, keys=keys)
