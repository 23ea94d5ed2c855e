from __future__ import annotations

from collections.abc import Callable

import pytest

from llmesc.config.check import warnings
from llmesc.config.model import Config

Load = Callable[..., Config]

PAIR = """
[escalation]
max_attempts = 2
[providers.small]
api = "openai"
tier = "vllm"
base_url = "http://gpu/v1"
models = [{ name = "m", context_window = 32000 }]
[providers.large]
api = "openai"
tier = "cloud"
base_url = "https://h/v1"
api_key = { env = "KEY" }
models = [{ name = "m", context_window = 64000 }]
"""


def test_a_sound_configuration_gives_no_warning(loaded: Load) -> None:
    assert warnings(loaded(PAIR), {"KEY": "x"}) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "providers: none is configured, so no request can be answered; `llmesc init` writes"),
        (PAIR, "providers.large.api_key: the environment variable KEY is not set; export KEY=…"),
        (
            PAIR.replace('{ env = "KEY" }', '"hunter2"'),
            'providers.large.api_key: the secret stands in the file; better { env = "NAME" }',
        ),
        (
            PAIR + 'headers = { Authorization = "hunter2" }',
            "providers.large.headers.Authorization: the secret stands in the file",
        ),
        (PAIR.replace("https://h", "http://h"), "large: the key leaves the machine in clear over http://"),
        (
            PAIR.replace("max_attempts = 2", "max_attempts = 3"),
            "chains.default: has 2 candidates, and max_attempts is 3; add some, or lower",
        ),
        (PAIR.replace("64000", "16000"), "chains.default: no candidate has a larger window than the first (32000 tokens)"),
        (
            PAIR + '[timeouts]\nfirst_token = "2m"',
            "chains.default: small/m may be silent for 2m, the whole deadline, so nobody else",
        ),
        (
            PAIR.replace("max_attempts = 2", 'max_attempts = 2\nhedge_after = "30s"'),
            "chains.default: small/m may be silent for 30s, so it is never hedged; lower escalation.hedge_after",
        ),
        (
            f"state = 'memory:'\n[[budgets]]\nper = 'all'\ndaily = 5\n{PAIR}",
            "budgets: the state is in memory, so each process has its own and forgets it; name a file or a Redis",
        ),
        (
            PAIR + "[[budgets]]\nper = 'all'\ndaily = 5\nmonthly = 4",
            "budgets[0]: daily is more than monthly, so it never says no; lower it or leave it out",
        ),
        (PAIR + '[chains]\nshort = ["small/m"]', "chains.short: has 1 candidate, and max_attempts is 2"),
        (PAIR + '[chains]\nshort = ["small/m", "small/m"]', "chains.short: small/m stands there 2 times, and is asked once"),
    ],
    ids=lambda value: value[:40] if "[" not in value else "",
)
def test_a_doubt_says_what_to_do_and_shows_no_secret(loaded: Load, text: str, told: str) -> None:
    found = warnings(loaded(text), {})

    assert any(told in warning for warning in found), found
    assert "hunter2" not in "".join(found)
