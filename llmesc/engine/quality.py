"""The judge of an engine: the pure checks, a schema validator where one is needed, and the caller's own checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmesc.escalation.quality import Check, Draft, Finding, QualitySettings, Verdict, judge

MOST_MISTAKES = 20
"""Of a value by its schema: enough to see what is wrong, and little work where all of it is."""


def judging(settings: QualitySettings, checks: Sequence[Check], warn: Callable[[str], None]) -> Callable[[Draft], Verdict]:
    """The judge for one run. A check of the caller's that raises is told to `warn` and holds nothing against the answer."""
    guarded = tuple(_guarded(check, warn) for check in checks)
    return lambda draft: judge(draft, settings, validate=schema_mistakes, extra=guarded)


def schema_mistakes(schema: Mapping[str, Any], value: Any) -> Sequence[str]:
    """What is wrong with `value`, one line for each mistake: where, and what. An unusable schema is a mistake, too."""
    from itertools import islice

    import jsonschema
    from jsonschema.validators import validator_for

    try:
        validator = validator_for(schema)(schema)
        return [f"{error.json_path}: {error.message[:200]}" for error in islice(validator.iter_errors(value), MOST_MISTAKES)]
    except jsonschema.exceptions.SchemaError as error:
        return [f"the schema itself is wrong at {error.json_path}: {error.message[:200]}"]


def _guarded(check: Check, warn: Callable[[str], None]) -> Check:
    def guarded(draft: Draft) -> Sequence[Finding]:
        try:
            return list(check(draft))
        except Exception as error:  # noqa: BLE001 - the caller's code; a good answer is not lost to a bug in it
            warn(f"the check {getattr(check, '__name__', check)!r} failed: {type(error).__name__}: {error}")
            return ()

    return guarded
