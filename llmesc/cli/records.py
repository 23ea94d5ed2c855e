"""`llmesc records`: the record as a whole, and who else gets it."""

from __future__ import annotations

from llmesc.cli import records_prune, records_sinks, records_verify

HELP = "Who else gets what is recorded; is it as it was written; let old requests go."

VERBS = {**records_sinks.VERBS, **records_verify.VERBS, **records_prune.VERBS}
