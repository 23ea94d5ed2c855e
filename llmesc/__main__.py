"""`python -m llmesc`."""

from __future__ import annotations

from llmesc.cli.main import run

run()
