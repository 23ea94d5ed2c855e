"""`llmesc records`: the record as a whole, and who else gets it."""

from __future__ import annotations

from llmesc.cli import records_prune, records_sinks, records_verify

HELP = "Who else gets the record; is it unchanged; let old requests go."

VERBS = {**records_sinks.VERBS, **records_verify.VERBS, **records_prune.VERBS}
