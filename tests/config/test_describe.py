from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from llmesc.config.describe import Setting, describe
from llmesc.config.model import Config
from llmesc.escalation.errors import ConfigError

TEXT = """
[escalation]
deadline = "90s"
[circuit]
cooldown_seconds = 30
[timeouts]
stall = "5s"
[providers.lab]
api = "openai"
tier = "vllm"
base_url = "http://all/v1"
headers = { Authorization = "hunter2", X-Team = "a" }
[[providers.lab.models]]
name = "m:1"
context_window = 1000
price = { input_per_million = "0.15", output_per_million = 1 }
timeouts = { total = "9m" }
[providers.lab.instances.one]
api_key = "hunter2"
[providers.lab.instances.two]
base_url = "http://two/v1"
api_key = { command = "echo hunter2" }
[chains]
default = ["lab/m:1"]
[[quality.commands]]
name = "style"
run = "./check.py --token=hunter2"
[quality.judge]
model = "lab/m:1"
timeout = "1m"
[[budgets]]
per = "provider"
name = "lab"
daily = 5.00
"""


def test_each_setting_is_shown_with_where_it_came_from(loaded: Callable[..., Config], file: Path) -> None:
    settings = describe(loaded(TEXT, LLMESC_STATE="memory:"))

    origins = {key: (value, origin.replace(str(file), "file")) for key, value, origin in settings}
    expected = {
        "state": ("memory:", "environment variable LLMESC_STATE"),
        "escalation.deadline": ("90s", "file:3"),
        "escalation.wait": (True, "default"),
        "escalation.wait_or_escalate": ("escalate", "default"),
        "escalation.all_open": ("fail", "default"),
        "escalation.retry_budget": (100.0, "default"),
        "escalation.max_cost": (None, "default"),
        "circuit.cooldown": ("30s", "file:5"),
        "circuit.probe_lease": ("570s", "default"),
        "quality.weights.refusal": (60, "default"),
        "quality.commands[0].name": ("style", "file:26"),
        "quality.commands[0].run": ("./check.py --token=***", "file:27"),
        "quality.commands[0].weight": (60, "default"),
        "quality.judge.model": ("lab/m:1", "file:29"),
        "quality.judge.timeout": ("1m", "file:30"),
        "quality.judge.instructions": (None, "default"),
        "budgets[0].per": ("provider", "file:32"),
        "budgets[0].name": ("lab", "file:33"),
        "budgets[0].daily": ("5.0", "file:34"),
        "budgets[0].unpriced": ("allow", "default"),
        "chains.default": (["lab/m:1"], "file:24"),
        "providers.lab.tier": ("vllm", "file:10"),
        "providers.lab.private": (True, "default"),
        "providers.lab.timeouts.stall": ("5s", "file:7"),
        "providers.lab.timeouts.connect": ("3s", "default of tier vllm"),
        "providers.lab.instances.one.base_url": ("http://all/v1", "file:11"),
        "providers.lab.instances.one.api_key": ("inline ***", "file:19"),
        "providers.lab.instances.one.headers.Authorization": ("inline ***", "file:12"),
        "providers.lab.instances.one.headers.X-Team": ("a", "file:12"),
        "providers.lab.instances.two.base_url": ("http://two/v1", "file:21"),
        "providers.lab.instances.two.api_key": ("command echo …", "file:22"),
        'providers.lab.instances.two.models."m:1".name': ("m:1", "file:13"),
        'providers.lab.instances.two.models."m:1".price.input_per_million': ("0.15", "file:13"),
        'providers.lab.instances.two.models."m:1".timeouts.total': ("9m", "file:13"),
    }
    assert {key: origins.get(key) for key in expected} == expected
    assert len(origins) == len(settings)


def test_no_secret_is_in_what_is_shown_and_all_of_it_is_json(loaded: Callable[..., Config]) -> None:
    settings = describe(loaded(TEXT))

    assert "hunter2" not in json.dumps(settings)


def test_a_configuration_that_nobody_wrote_is_described_too() -> None:
    assert Setting("escalation.max_attempts", 3, "default") in describe(Config())


@pytest.mark.parametrize("section", ["escalation", "circuit", "quality", "dashboard"])
def test_whatever_a_section_may_say_is_shown(loaded: Callable[..., Config], section: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(f"[{section}]\nno_such_key = 1\n")
    allowed = str(raised.value).rpartition("allowed: ")[2].split(", ")

    # Tables and lists are shown by what stands in them; nothing does here.
    shown = {setting.key for setting in describe(Config())}
    in_tables = {"weights", "commands", "judge", "keys"}
    assert {f"{section}.{key}" for key in allowed if key not in in_tables} <= shown
