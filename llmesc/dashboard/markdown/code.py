"""Code in blocks, coloured where its language is one of the usual ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from llmesc.dashboard.markdown.spans import Line, Look, Role, Span
from llmesc.dashboard.markdown.visible import cleaned
from llmesc.dashboard.markdown.wrap import folded, width_of

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LANGUAGES = {
    **dict.fromkeys(("bash", "sh", "shell", "zsh", "console"), "bash"),
    **dict.fromkeys(("py", "python", "python3"), "python"),
    **dict.fromkeys(("js", "javascript", "jsx", "mjs"), "javascript"),
    **dict.fromkeys(("ts", "typescript", "tsx"), "typescript"),
    **dict.fromkeys(("yml", "yaml"), "yaml"),
    **dict.fromkeys(("cpp", "c++", "cc", "hpp"), "cpp"),
    **dict.fromkeys(("cs", "csharp", "c#"), "csharp"),
    **dict.fromkeys(("rs", "rust"), "rust"),
    **dict.fromkeys(("go", "golang"), "go"),
    **dict.fromkeys(("rb", "ruby"), "ruby"),
    **dict.fromkeys(("kt", "kotlin"), "kotlin"),
    **dict.fromkeys(("docker", "dockerfile"), "docker"),
    **dict.fromkeys(("html", "xml"), "html"),
    **{name: name for name in ("json", "toml", "ini", "sql", "java", "c", "css", "diff", "lua", "swift", "php", "nginx")},
}
"""What a fence may name, and Pygments' name for it. A closed list: the model chooses, and each lexer is code that is loaded."""

_ROLES: tuple[tuple[str, Role], ...] = (
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Name.Function", "name"),
    ("Token.Name.Class", "name"),
    ("Token.Name.Tag", "name"),
    ("Token.Name.Attribute", "name"),
    ("Token.Name.Decorator", "name"),
    ("Token.Literal.String", "string"),
    ("Token.Literal.Number", "number"),
    ("Token.Comment", "comment"),
    ("Token.Generic.Inserted", "string"),
    ("Token.Generic.Deleted", "number"),
    ("Token.Generic.Heading", "comment"),
    ("Token.Generic.Subheading", "comment"),
)

BAR = Span("│ ", Look("marker"))
"""Before each line of code: it is told apart without its colours, too."""

NARROWEST = 8
"""Columns; fewer have no room for a bar."""


def code_lines(content: str, info: str, width: int) -> list[Line]:
    """The lines of a block of code under its bar, each filled to `width`."""
    bar = (BAR,) if width >= NARROWEST else ()
    room = max(width - 2 * len(bar), 2)
    coloured = _coloured(cleaned(content).expandtabs(4), info)
    return [(*bar, *line, Span(" " * (room - width_of(line)), Look("code"))) for line in folded(coloured, room)]


def _coloured(content: str, info: str) -> list[Span]:
    language = LANGUAGES.get(info.strip().partition(" ")[0].lower())
    if language is None:
        return [Span(content, Look("code"))]
    # Some lexers know a comment by the end of its line, so that the last line needs one, too.
    found = [Span(text, Look(_role(str(kind)))) for kind, text in _lexer(language).get_tokens(content + "\n")]
    while found and not found[-1].text:
        found.pop()
    return [*found[:-1], Span(found[-1].text.removesuffix("\n"), found[-1].look)] if found else []


@cache
def _lexer(language: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name

    # As it is: no newline stripped and none added.
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


@cache
def _role(kind: str) -> Role:
    return next((role for prefix, role in _ROLES if kind.startswith(prefix)), "code")
