"""Where a proxy stands between, the way on is about the proxy, not about the server behind it."""

from __future__ import annotations

import pytest

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.providers.proxy_advice import proxy_advice

PROXY = "http://user:hunter2@proxy.example:3128"
REFUSED = Failure(kind=FailureKind.CONNECTION, rule="transport.connect_refused", message="refused")


@pytest.mark.parametrize(
    ("endpoint", "environ", "named"),
    [
        ("https://api.example/v1", {"HTTPS_PROXY": PROXY}, "$HTTPS_PROXY"),
        ("https://api.example/v1", {"https_proxy": PROXY, "HTTPS_PROXY": PROXY}, "$https_proxy"),
        ("http://gpu1:8000", {"HTTP_PROXY": PROXY}, "$HTTP_PROXY"),
        ("http://gpu1:8000", {"ALL_PROXY": PROXY}, "$ALL_PROXY"),
        ("http://gpu1:8000", {"HTTP_PROXY": PROXY, "NO_PROXY": "gpu2, 10.0.0.1"}, "$HTTP_PROXY"),
        ("https://api.example/v1", {"HTTP_PROXY": PROXY}, None),
        ("https://api.example/v1", {"HTTPS_PROXY": ""}, None),
        ("http://127.0.0.1:8000", {"HTTP_PROXY": PROXY}, None),
        ("http://localhost:8000", {"HTTP_PROXY": PROXY}, None),
        ("http://gpu1:8000", {"HTTP_PROXY": PROXY, "NO_PROXY": "gpu2, gpu1"}, None),
        ("https://a.lab.example", {"HTTPS_PROXY": PROXY, "no_proxy": ".lab.example"}, None),
        ("https://a.lab.example", {"HTTPS_PROXY": PROXY, "no_proxy": "*"}, None),
        ("", {"ALL_PROXY": PROXY}, None),
    ],
)
def test_the_variable_is_named_that_the_call_goes_by(endpoint: str, environ: dict[str, str], named: str | None) -> None:
    said = proxy_advice(REFUSED, endpoint, environ)

    assert (said is None) == (named is None)
    if said is not None:
        assert f"the proxy that {named} names" in said
        assert "hunter2" not in said


@pytest.mark.parametrize("more", [{"kind": FailureKind.AUTH}, {"status": 502}])
def test_what_a_server_said_is_not_the_proxys_affair(more: dict[str, object]) -> None:
    failure = Failure(**{"kind": FailureKind.CONNECTION, "rule": "r", "message": "m", **more})  # type: ignore[arg-type]

    assert proxy_advice(failure, "https://api.example", {"HTTPS_PROXY": PROXY}) is None
