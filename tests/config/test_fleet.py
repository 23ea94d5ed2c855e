"""`[fleet]` and `api = "fleet"`: where the fleet meets, and its key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.check import warnings
from llmesc.config.describe import describe
from llmesc.config.load import load
from llmesc.engine.assemble import offerings, place_of, without_credentials
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.resolution import CircuitKey, Tier

PROVIDER = '[providers.gpu]\napi = "fleet"\nmodels = ["m"]\n'


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Any]:
    def load_text(text: str) -> Any:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(path, {})

    return load_text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('state = "redis://state:1/0"\n' + PROVIDER, "redis://state:1/0"),
        ('state = "redis://:secret@state:1/0"\n' + PROVIDER, "redis://state:1/0"),
        ('state = "redis://state:1/0"\n[fleet]\nurl = "redis://fleet:2"\n' + PROVIDER, "redis://fleet:2/0"),
        ('[fleet]\nurl = "redis://fleet:2"\n' + PROVIDER + 'base_url = "rediss://own:3/1"\n', "rediss://own:3/1"),
    ],
)
def test_it_meets_at_the_nearest_redis_that_is_named(read: Callable[[str], Any], text: str, place: str) -> None:
    config = read(text)
    [offering] = offerings(config)
    assert (offering.endpoint, offering.tier, offering.private) == (place, Tier.FLEET, True)
    scheme, _, _ = place.partition("//")
    assert (place_of(config, config.providers[0], config.providers[0].instances[0]) or "").startswith(scheme)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PROVIDER, "providers.gpu.base_url: missing"),
        (PROVIDER + 'base_url = "http://gpu1"\n', "base_url: found"),
        ('[fleet]\nurl = "redis://:canary@h"\n' + PROVIDER, "a Redis URL without a password"),
        ('[fleet]\nurl = "redis://h?sentinel=a&sentinel_password=canary"\n' + PROVIDER, "a Redis URL without a password"),
        ('[fleet]\nurl = "redis://h"\n[providers.gpu]\napi = "fleet"\n', "models: missing"),
        ('[fleet]\nurl = "redis://h"\n' + PROVIDER + 'api_key = "canary"\n', "api_key"),
        ('[fleet]\nurl = "redis://h"\nkey = {}\n' + PROVIDER, "fleet.key"),
    ],
)
def test_a_mistake_is_named_and_no_password_repeated(read: Callable[[str], Any], text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        read(text)
    assert problem in str(wrong.value)
    assert "canary" not in str(wrong.value)


def test_its_key_is_shown_as_where_it_is_and_missed_where_it_is_not(read: Callable[[str], Any]) -> None:
    config = read('[fleet]\nurl = "redis://far:1"\nkey = { env = "FLEET_KEY" }\n' + PROVIDER + 'key = { env = "OTHER_KEY" }\n')

    shown = {setting.key: setting.value for setting in describe(config)}
    assert shown["fleet.key"] == "env FLEET_KEY"
    assert shown["providers.gpu.key"] == "env OTHER_KEY"
    assert without_credentials(config, {}) == {CircuitKey("gpu")}
    told = "\n".join(warnings(config, {}))
    assert "fleet.key: the environment variable FLEET_KEY is not set" in told
    assert "prompts leave the machine in clear over redis://far:1/0" in told
