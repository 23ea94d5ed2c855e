"""A family of sentences as data: patterns of word classes (a subject, a verb, a unit), limited to the statuses it may fire on.

The tables of `rules_of_*.py` are lists of these. They read the folded text of `ErrorBody`: lower case, straight quotes, no
addresses. Gaps are bounded, so that the work grows with the length of the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from llmesc.escalation.failures import FailureKind, SkipScope
from llmesc.escalation.light_dataclass import dataclass

UNSAID = 0
"""The status of an error inside a 200 that names none, or of a text pasted without one."""
ANY = frozenset({UNSAID, *range(400, 600)})

_WORDS: Mapping[str, str] = {
    "<not>": r"(?:not|n't)",
    "<absent>": r"(?:not (?:be )?found|(?:not|n't) exist|no such|cannot be found)",
    "<bad>": r"(?:not valid|invalid|incorrect|wrong|expired|missing|malformed|bad|unknown|revoked|unrecognized)",
    "<spent>": r"(?:exhausted|depleted|used up|run out|consumed)",
    "<too_long>": r"(?:too (?:long|large|big|many tokens)|exceed\w*|(?:long|larg|great|bigg)er than|more than|over(?:flow\w*)?"
    r"|beyond)",
    "<extent>": r"(?:length|window|size|limit|tokens?)",
    "<input>": r"(?:prompts?|inputs?|context|messages?|conversation|chat history|query|contents?|texts?|token count"
    r"|total (?:number of )?tokens?|number of (?:input )?tokens|requested tokens?)",
    "<output_limit>": r"max[ _](?:output[ _]|new[ _]|completion[ _])?tokens",
    "<model>": r"\bmodels?\b(?:[\s:=`'\"/]+[\w./:@%+-]{1,120}){0,2}?[`'\"]*\s*,?\s*",
    "<model_or_endpoint>": r"(?:model|endpoint|deployment|engine)",
    "<key>": r"(?:api[ _-]?keys?|access[ _-]?keys?|(?:access|auth\w*|bearer|security|jwt|oauth|session|id|api) ?tokens?"
    r"|credentials?|subscription key)",
    "<caller>": r"(?:key|token|team|user|project|account|you)",
    "<organisation>": r"(?:organi[sz]ation|workspace|tenant)",
    "<place>": r"(?:country|countries|region|location|territory|jurisdiction)",
    "<shut>": r"(?:disabled|restricted|deactivated|terminated|blocked|banned|not allowed)",
    "<stopped>": r"(?:blocked|flagged|rejected|refused|filtered)",
    "<asked_or_said>": r"(?:prompt|input|request|output|response|message|content)s?",
    "<harmful>": r"(?:inappropriate|unsafe|harmful|sensitive|prohibited|disallowed|objectionable|nsfw|abusive|toxic)",
    "<feature>": r"(?:tool|function|image|vision|multimodal|audio|video|file|json|schema|stream|system|temperature|think"
    r"|reasoning|parameter|effort|count|prefill|role|log ?prob|developer|chat|embedding|completion|stop|seed|penalty|caching"
    r"|structured|format|instruction|generate)",
    "<field>": r"(?:param(?:eter)?|value|field|argument|property|feature|keyword|format|tool_?choice|response_format|temperature"
    r"|top_[pk]|logprobs|stream_options|reasoning\w*|thinking\w*|effort|role|stop)",
}
"""Word classes that many patterns share, by the name they have in them. `<model>` takes the model's name along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRule:
    """One family of sentences."""

    name: str
    kind: FailureKind
    only_on: frozenset[int]
    says: tuple[str, ...]
    """Patterns; one that is found is enough."""
    unless: tuple[str, ...] = ()
    """Words that make it something else."""
    scope: SkipScope | None = None
    wait_at_most: float | None = None
    """Seconds: fires only where the provider named a wait, and it is no longer than this."""

    def found_in(self, text: str, status: int, wait: float | None) -> str | None:
        """The words of `text` that fit, or None."""
        if status not in self.only_on or (self.wait_at_most is not None and (wait is None or wait > self.wait_at_most)):
            return None
        hit = any_of(self.says).search(text)
        return None if hit is None or (self.unless and any_of(self.unless).search(text)) else hit[0]


@cache
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """All of `patterns` as one, its word classes written out; compiled when a failure first needs it."""
    pattern = "|".join(patterns)
    for name, words in _WORDS.items():
        pattern = pattern.replace(name, words)
    return re.compile(pattern)
