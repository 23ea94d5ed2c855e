"""One line for the operator about each failure, and where in the provider's console it is put right."""

from __future__ import annotations

import pytest

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.providers.advice import advice


def about(kind: FailureKind, rule: str = "status.0", provider: str = "", *, self_hosted: bool = False) -> str:
    return advice(Failure(kind=kind, rule=rule, message="m"), provider, self_hosted=self_hosted)


@pytest.mark.parametrize("kind", FailureKind)
@pytest.mark.parametrize("provider", ["", "openai", "lab"])
def test_every_kind_has_one_finished_line(kind: FailureKind, provider: str) -> None:
    for self_hosted in (False, True):
        line = about(kind, provider=provider, self_hosted=self_hosted)
        assert line.endswith(".") and "{" not in line and "\n" not in line and len(line) < 200


@pytest.mark.parametrize(
    ("kind", "provider", "place"),
    [
        (FailureKind.ACCOUNT, "openai", "platform.openai.com, Settings › Billing"),
        (FailureKind.AUTH, "anthropic", "platform.claude.com, Settings › API keys"),
        (FailureKind.RATE_LIMIT, "groq", "console.groq.com, Settings › Limits"),
        (FailureKind.PERMISSION, "bedrock", "console.aws.amazon.com, Bedrock › Model access"),
        (FailureKind.ACCOUNT, "my-openai-eu", "platform.openai.com"),
        (FailureKind.ACCOUNT, "azure-openai", "portal.azure.com"),
        (FailureKind.RATE_LIMIT, "google-vertex", "console.cloud.google.com"),
        (FailureKind.AUTH, "work https://api.groq.com", "console.groq.com, API keys"),
        (FailureKind.PERMISSION, "work https://api.x.ai", "console.x.ai"),
        (FailureKind.PERMISSION, "work https://europe-west1-aiplatform.googleapis.com", "Vertex AI › Model Garden"),
    ],
)
def test_a_known_provider_names_the_place(kind: FailureKind, provider: str, place: str) -> None:
    assert place in about(kind, provider=provider)


def test_an_unknown_or_own_provider_names_none() -> None:
    assert "(" not in about(FailureKind.AUTH, provider="lab")
    assert "(" not in about(FailureKind.AUTH, provider="openai", self_hosted=True)


def test_a_rule_that_knows_more_than_its_kind_speaks_first() -> None:
    assert about(FailureKind.CONNECTION, "transport.tls") != about(FailureKind.CONNECTION, "transport.dns")
    assert "max_tokens" in about(FailureKind.CONTEXT_OVERFLOW, "text.output_budget")
    assert "country" in about(FailureKind.PERMISSION, "text.region", "openai")


def test_a_server_of_ours_is_put_right_by_ourselves() -> None:
    assert "load or pull" in about(FailureKind.MODEL_UNAVAILABLE, self_hosted=True)
