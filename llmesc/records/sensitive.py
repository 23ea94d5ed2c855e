"""What is taken out of a text: keys and passwords, e-mail addresses, phone, card and account numbers, national ids.

Known forms and check digits, no guesses by entropy: a digest or a commit id in an answer is no secret. Cards, accounts and
national ids are checked by `python-stdnum` (0.04 s to load, no dependency). `phonenumbers` knows phone numbers better, and
takes 23 MB on disk; numbers as they are usually written are found without it. `gitleaks` and `detect-secrets` have more forms
of keys; these are those of services that models talk about, and whatever stands behind a word like `password`.

No match holds a line break, and none goes over the end of a plain word: see `redactor`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import NamedTuple

_WORDS = (
    r"(?:api[-_ ]?key|access[-_ ]?key|account[-_ ]?key|private[-_ ]?key|secret|token|password|passwd|passphrase|pwd"
    r"|authorization|credentials?)"
)
_HEAD = rf"(?i:(?<![a-z]){_WORDS}(?:[-_][a-z]{{1,16}})?[\"']?[ \t]*(?::|=>?)[ \t]*(?:(?:bearer|basic)[ \t]+)?)"
"""`"api_key": `, `password=`, `Authorization: Bearer `: what stands behind it is a secret, whatever it looks like."""
OPENS_A_VALUE = re.compile(_HEAD + r"(?:\"[^\"\n]*|'[^'\n]*|[^\s\"']*)\Z")
"""A text that ends in the middle of such a secret."""
HEADS = frozenset(
    ("api", "access", "account", "private", "key", "secret", "token", "password", "passwd", "passphrase", "pwd")
) | {
    "authorization",
    "credential",
    "credentials",
    "bearer",
    "basic",
}
"""Words that what follows may belong to."""


class Pattern(NamedTuple):
    """One kind of thing."""

    label: str
    regex: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    """Whether what looks like it is one."""


_KNOWN_KEYS = (
    r"(?<![A-Za-z0-9])(?:(?:sk|pk|rk|gsk|xai|hf|r8|pplx|csk|fw|nvapi|npm|pypi|glpat|dop_v1|shpat)[-_][A-Za-z0-9_\-]{12,}"
    r"|AIza[0-9A-Za-z_\-]{20,}|ya29\.[0-9A-Za-z_\-]{10,}|A[KS]IA[0-9A-Z]{12,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9\-]{10,}|SG\.[\w\-]{16,}\.[\w\-]{16,}|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.?[A-Za-z0-9_\-]*)"
)


def patterns() -> Iterator[Pattern]:
    """Each kind, those that may hold others first."""
    yield Pattern("secret", re.compile(rf"(?P<head>{_HEAD})(?:\"[^\"\n]+\"?|'[^'\n]+'?|[^\s\"']{{4,}})"))
    yield Pattern("secret", re.compile(r"(?P<head>(?i:\b(?:bearer|basic))[ \t]+)[A-Za-z0-9+/=._~\-]{16,}"))
    yield Pattern("secret", re.compile(r"(?P<head>://[^\s/:@\"']{0,64}:)[^\s/@\"']{1,128}(?=@)"))
    yield Pattern("secret", re.compile(_KNOWN_KEYS))
    yield Pattern("e-mail", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"))
    yield Pattern("account", re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)"), _valid("iban"))
    yield Pattern("card", re.compile(r"(?<![\w.])[2-6](?:[ -]?\d){12,18}(?!\w)"), _valid("luhn"))
    for module, shape in _NATIONAL_IDS:
        yield Pattern("id", re.compile(rf"(?<![\w.])(?:{shape})(?!\w)"), _valid(module) if module else None)
    yield Pattern("phone", re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[ ()./\-]{0,2}\d){6,14}(?!\w)"))
    yield Pattern("phone", re.compile(r"(?<![\w-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"))
    yield Pattern("phone", re.compile(r"(?<![\w.-])0\d{1,4}[ /-]\d{3,8}(?:[ -]\d{2,6}){0,3}(?![\w-])"))


_NATIONAL_IDS = (
    ("us.ssn", r"\d{3}-\d{2}-\d{4}"),
    ("", r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]"),  # United Kingdom: no check digit
    ("it.codicefiscale", r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"),
    ("es.dni", r"\d{8}-?[A-Z]"),
    ("es.nie", r"[XYZ]-?\d{7}-?[A-Z]"),
    ("fr.nir", r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}"),
    ("de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}"),
    ("pl.pesel", r"\d{11}"),
    ("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    ("in_.aadhaar", r"\d{4} \d{4} \d{4}"),
    ("cn.ric", r"\d{17}[\dX]"),
    ("kr.rrn", r"\d{6}-\d{7}"),
    ("se.personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}"),
    ("fi.hetu", r"\d{6}[-+A]\d{3}[0-9A-Z]"),
)
"""Those whose shape or check digit tells them from other numbers; `stdnum`'s module, and the shape."""


def _valid(module: str) -> Callable[[str], bool]:
    def check(found: str) -> bool:
        return bool(_checker(module)(found.replace(" ", "").replace("-", "") if module in ("luhn", "iban") else found))

    return check


@cache
def _checker(module: str) -> Callable[[str], bool]:
    is_valid: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return is_valid
