"""Codes that are numbers, by whose they are: 1300 is a rate limit at one provider and a policy at another."""

from __future__ import annotations

from collections.abc import Mapping

from llmesc.escalation.failures import FailureKind

_K = FailureKind


def _codes(numbers: str) -> frozenset[str]:
    return frozenset(numbers.split())


NUMBERED: Mapping[str, Mapping[FailureKind, frozenset[str]]] = {
    "zhipu": {
        _K.AUTH: _codes("1000 1001 1002 1003 1004"),
        _K.ACCOUNT: _codes("1110 1111 1112 1113 1121 1304 1308 1309 1310"),
        _K.MODEL_UNAVAILABLE: _codes("1211 1221 1222"),
        _K.PERMISSION: _codes("1220 1311 1313"),
        _K.CONTENT_POLICY: _codes("1301"),
        _K.RATE_LIMIT: _codes("1302 1303 1305"),
        _K.OVERLOADED: _codes("1312"),
        _K.CONTEXT_OVERFLOW: _codes("1261"),
        _K.PAYLOAD: _codes("1210 1212 1213 1214 1215"),
        _K.SERVER_ERROR: _codes("1120 1230 1234"),
    },
    "minimax": {
        _K.TIMEOUT: _codes("1001"),
        _K.RATE_LIMIT: _codes("1002 1039 1041"),
        _K.AUTH: _codes("1004 2049"),
        _K.ACCOUNT: _codes("1008 2056"),
        _K.CONTENT_POLICY: _codes("1026 1027"),
        _K.SERVER_ERROR: _codes("1000 1013 1024 1033"),
        _K.PAYLOAD: _codes("1042 2013"),
    },
    "mistral": {
        _K.CONTEXT_OVERFLOW: _codes("3051"),
        _K.OVERLOADED: _codes("3505"),
        _K.MODEL_UNAVAILABLE: _codes("1500"),
        _K.RATE_LIMIT: _codes("1300"),
    },
    "siliconflow": {
        _K.ACCOUNT: _codes("30001 30011"),
        _K.MODEL_UNAVAILABLE: _codes("20012 30003"),
        _K.OVERLOADED: _codes("50505"),
        _K.RATE_LIMIT: _codes("50602 50603 50604"),
    },
    "qianfan": {
        _K.ACCOUNT: _codes("4 17 19"),
        _K.RATE_LIMIT: _codes("18 336501 336502 336503 336504 336505"),
        _K.AUTH: _codes("14 100 110 111 336001"),
        _K.PERMISSION: _codes("6"),
        _K.CONTEXT_OVERFLOW: _codes("336007 336103"),
        _K.OVERLOADED: _codes("2 336100"),
        _K.CONTENT_POLICY: _codes("336104"),
    },
    "cloudflare": {
        _K.ACCOUNT: _codes("3036"),
        _K.OVERLOADED: _codes("3040"),
        _K.AUTH: _codes("10000 10001 9106 9109 2009"),
        _K.MODEL_UNAVAILABLE: _codes("5007 5018"),
        _K.CONTENT_POLICY: _codes("2016 2017"),
        _K.RATE_LIMIT: _codes("2003"),
    },
    "spark": {
        _K.CONTENT_POLICY: _codes("10013 10014 10019"),
        _K.CONTEXT_OVERFLOW: _codes("10907"),
        _K.ACCOUNT: _codes("11200 11201"),
        _K.RATE_LIMIT: _codes("11202 11203 10006 10007"),
        _K.OVERLOADED: _codes("10008 10010 10110"),
    },
}
"""Numbers by whose shape they came in (`ErrorBody.numbers`); those for `GENERAL_NUMBERS` only where the sentences say nothing."""

GENERAL_NUMBERS = frozenset({_K.PAYLOAD, _K.SERVER_ERROR})
"""Kinds that such numbers cover so broadly (`2013 invalid params` is an overflow as often) that any sentence knows better."""
