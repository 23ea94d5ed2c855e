"""Examples for the help of commands: what operators type. A group shows all of its own, a verb those that name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_EXAMPLES: Mapping[str, Sequence[str]] = {
    "": (
        'llmesc ask "Why is the sky blue?"',
        "llmesc chain show",
        "llmesc dashboard --demo",
        "llmesc ask --help",
    ),
    "dashboard": ("llmesc dashboard", "llmesc dashboard --demo", "llmesc dashboard --read-only --theme ansi-light"),
    "chain": (
        "llmesc chain show",
        'llmesc chain show --chain code --for "Review this."',
        "llmesc chain simulate --policy cheaper.toml --since 30d",
    ),
    "circuits": (
        "llmesc circuits",
        "llmesc circuits show openai@team-a",
        "llmesc circuits reset openai --denied",
        'llmesc circuits open lab@gpu1 --for 30m --why "driver update"',
        "llmesc circuits close 'claude@*' --for 10m",
    ),
    "models": (
        "llmesc models",
        'llmesc models deny openai/gpt-5-mini --for 2h --why "bad answers"',
        "llmesc models allow 'openai/*'",
    ),
    "budgets": ("llmesc budgets", "llmesc budgets --json"),
    "history": (
        "llmesc history --since 2h --outcome exhausted",
        "llmesc history show 7f3a",
        "llmesc history export 7f3a --html run.html",
        "llmesc history export --since 1d > runs.jsonl",
        "llmesc history import runs.jsonl",
        "llmesc history replay 7f3a",
    ),
    "explain": ("llmesc explain 7f3a",),
    "usage": ("llmesc usage", "llmesc usage --by provider --since 30d", "llmesc usage --by caller --csv > usage.csv"),
    "records": (
        "llmesc records",
        "llmesc records flush audit",
        "llmesc records verify",
        "llmesc records prune --older-than 90d --dry-run",
    ),
    "fleet": (
        "llmesc fleet",
        "llmesc fleet show box",
        "llmesc fleet drain box",
        "llmesc fleet worker --serve lab/qwen3-32b --name box --concurrency 4",
    ),
    "classify": (
        "llmesc classify --status 429 --header retry-after:5",
        "curl -si https://api.openai.com/v1/models | llmesc classify",
    ),
    "init": ("llmesc init", "llmesc --config team.toml init"),
    "config": ("llmesc config", "llmesc config check", "llmesc --config team.toml config check"),
    "doctor": ("llmesc doctor", "llmesc doctor --json"),
    "help": ("llmesc help exit-codes", "llmesc help environment"),
}


def examples(command: str, verb: str = "", *, is_default: bool = False) -> str | None:
    """What stands below the help of `command`, or of its `verb`; the bare command is an example of the verb that it means."""
    lines = [
        line
        for line in _EXAMPLES.get(command, ())
        if not verb or f"llmesc {command} {verb}" in line or (is_default and _is_bare(line, command))
    ]
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines))) if lines else None


def _is_bare(line: str, command: str) -> bool:
    bare = f"llmesc {command}"
    return line == bare or line.startswith(f"{bare} --")
