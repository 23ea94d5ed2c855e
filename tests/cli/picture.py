"""The picture of the README: what a terminal shows when a chain fails, judges, switches and answers.

    python -m tests.cli.picture

draws `snapshots/ask.svg` anew from a simulated chain. Seconds and dates are replaced, so that it says the same each time.
"""

from __future__ import annotations

import html
import io
import os
import re
import tempfile
from pathlib import Path

from llmesc.cli.main import main
from llmesc.cli.streams import Streams

PICTURE = Path(__file__).parents[2] / "snapshots" / "ask.svg"

CHAIN = """
[providers.small]
api = "simulated"
tier = "local"
models = [{ name = "tiny", script = [{ text = "I'm sorry, but I can't help with that." }] }]
[providers.lab]
api = "simulated"
tier = "vllm"
models = [{ name = "qwen3-32b", script = [{ fail = "503" }] }]
[providers.claude]
api = "simulated"
tier = "frontier"
models = [{ name = "sonnet", script = [{ text = "Raft keeps a replicated log in step: a leader, elected by a majority, appends \
entries, and an entry counts once most of the machines hold it." }] }]
[chains]
default = ["small/tiny", "lab/qwen3-32b", "claude/sonnet"]
"""

COMMANDS = (["ask", "What is Raft?"], ["chain", "show"], ["circuits", "list"])
WIDTH = 112


def terminal() -> str:
    """What a terminal holds after the commands, escape sequences for colour included."""
    screen = io.StringIO()
    streams = Streams(
        stdin=io.BytesIO(),
        stdout=screen,
        stderr=screen,
        stdin_is_terminal=True,
        stdout_is_terminal=True,
        stderr_is_terminal=True,
        stdout_colour=True,
        stderr_colour=True,
        moves_cursor=False,
        width=WIDTH,
    )
    with tempfile.TemporaryDirectory() as folder:
        before, os.environ["LLMESC_HOME"] = os.environ.get("LLMESC_HOME"), folder
        try:
            (Path(folder) / "config.toml").write_text(CHAIN)
            for command in COMMANDS:
                typed = " ".join(f'"{word}"' if " " in word else word for word in command)
                screen.write(f"\x1b[1m$ llmesc {typed}\x1b[0m\n")
                main(command, streams=streams)
                screen.write("\n")
        finally:
            if before is None:
                del os.environ["LLMESC_HOME"]
            else:
                os.environ["LLMESC_HOME"] = before
    return re.sub(r" *\b(\d+\.\d s|\d+ ms)\b", " 0.4 s", screen.getvalue())


def words(svg: str) -> list[str]:
    """The words that a picture shows, in order."""
    return " ".join(html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)).replace("\xa0", " ").split()


def draw() -> str:
    """The picture."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(terminal().rstrip("\n")))
    picture = console.export_svg(title="llmesc", unique_id="llmesc")
    # A picture that fetches nothing: any monospaced font will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


if __name__ == "__main__":
    PICTURE.write_text(draw())
