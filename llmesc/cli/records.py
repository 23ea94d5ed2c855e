"""`llmesc records`: the record as a whole."""

from __future__ import annotations

from llmesc.cli import records_prune, records_verify

HELP = "Whether the record is as it was written; let old requests go."

VERBS = {**records_verify.VERBS, **records_prune.VERBS}
