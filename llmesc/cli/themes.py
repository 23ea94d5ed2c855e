"""`--theme`: a theme of the dashboard by its name."""

from __future__ import annotations

from llmesc.cli.bad_input import BadInput


def theme(name: str | None) -> str | None:
    """`name`, where there is such a theme; None stays None. Raises `BadInput` that lists the nearest, or all."""
    if name is None:
        return None
    from difflib import get_close_matches

    from llmesc.dashboard import theme_names

    known = theme_names()
    if name not in known:
        near = get_close_matches(name, known) or known
        raise BadInput(f"--theme: no theme {name!r}; themes are {', '.join(near)}")
    return name
