"""`[[records.sinks]]`: what may stand there, what is shown of it, and what is hardly meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llmesc.config.check import warnings
from llmesc.config.describe import describe
from llmesc.config.model import Config

Load = Callable[..., Config]
Mistakes = Callable[..., list[str]]

ALL = """
[records]
exit_wait = "250ms"
[[records.sinks]]
name = "audit"
kind = "jsonl"
path = "audit/events.jsonl"
rotate_size = "1MB"
keep_files = 3
[[records.sinks]]
name = "hook"
kind = "webhook"
url = "https://example.com/hook/?v=1"
secret = { env = "HOOK_SECRET" }
headers = { "X-Team" = "ops", "Authorization" = { env = "HOOK_TOKEN" } }
timeout = "3s"
max_age = "2d"
max_size = 50_000
[[records.sinks]]
name = "traces"
kind = "otel"
url = "http://localhost:4318/"
content = true
"""


def test_three_kinds_each_with_what_it_needs(loaded: Load, file: Path) -> None:
    audit, hook, traces = loaded(ALL).records.sinks

    assert (audit.kind, audit.path, audit.rotate_bytes, audit.keep_files) == (
        "jsonl",
        file.parent / "audit/events.jsonl",
        1_000_000,
        3,
    )
    assert (hook.url, hook.timeout_seconds) == ("https://example.com/hook/?v=1", 3.0)
    assert hook.secret is not None
    assert (hook.secret.shown, hook.headers["X-Team"]) == ("env HOOK_SECRET", "ops")
    assert (hook.max_age_seconds, hook.max_size_bytes) == (172_800.0, 50_000)
    assert (traces.url, traces.content, traces.service) == ("http://localhost:4318", True, "llmesc")
    assert loaded(ALL).records.exit_wait_seconds == 0.25


def test_everything_is_shown_with_its_place_and_no_secret(loaded: Load) -> None:
    text = ALL.replace('{ env = "HOOK_SECRET" }', '"sesame-open-42"')
    shown = {setting.key: setting for setting in describe(loaded(text))}

    assert shown["records.sinks[1].secret"].value == "inline ***"
    assert shown["records.sinks[1].headers.Authorization"].value == "env HOOK_TOKEN"
    assert shown["records.sinks[1].url"].origin.endswith(":13")
    assert shown["records.sinks[0].max_age"].value == "7d"
    assert "sesame" not in str(list(shown.values()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sinks = 3", "records.sinks: found 3; allowed: a list of tables like"),
        ('[[records.sinks]]\nkind = "jsonl"\npath = "x"', "records.sinks[0].name: missing"),
        ('[[records.sinks]]\nname = "a"', "records.sinks[0].kind: missing"),
        ('[[records.sinks]]\nname = "a"\nkind = "json"', 'found "json"; nearest: jsonl; allowed: one of jsonl, webhook, otel'),
        ('[[records.sinks]]\nname = "a b"\nkind = "jsonl"\npath = "x"', 'name: found "a b"; allowed: up to 40 letters'),
        ('[[records.sinks]]\nname = "a"\nkind = "jsonl"', "records.sinks[0].path: missing; allowed: where the file is to lie"),
        ('[[records.sinks]]\nname = "a"\nkind = "webhook"', "records.sinks[0].url: missing"),
        ('[[records.sinks]]\nname = "a"\nkind = "otel"\nurl = "http://x"\npath = "y"', "records.sinks[0].path: no such key"),
        (
            '[[records.sinks]]\nname = "a"\nkind = "webhook"\nurl = "http://me:pw@x"',
            "allowed: an http:// or https:// URL without user and password",
        ),
        (
            '[[records.sinks]]\nname = "a"\nkind = "jsonl"\npath = "x"\nmax_size = "3 apples"',
            'max_size: found "3 apples"; allowed: a size from 10,000 bytes on',
        ),
        (
            '[[records.sinks]]\nname = "a"\nkind = "jsonl"\npath = "x"\nrotate_size = 10',
            "rotate_size: found 10; allowed: a size from",
        ),
        (
            '[[records.sinks]]\nname = "a"\nkind = "jsonl"\npath = "x"\n' * 2,
            'records.sinks[1].name: found "a" a second time',
        ),
    ],
)
def test_a_mistake_says_what_is_allowed(mistakes: Mistakes, text: str, said: str) -> None:
    text = f"[records]\n{text}" if text.startswith("sinks") else text
    assert any(said in problem for problem in mistakes(text)), mistakes(text)


def test_what_is_hardly_meant_is_said(loaded: Load) -> None:
    text = ALL.replace('secret = { env = "HOOK_SECRET" }\n', "").replace("https://example", "http://example")
    said = warnings(loaded(text.replace("[records]", '[records]\ncapture = "metadata"')), {})

    for words in (
        "records.sinks[1].url: a secret header leaves the machine in clear",
        "records.sinks[1].secret: missing, so nobody can tell who sent it",
        "records.sinks[2].content: nothing goes along while records.capture is metadata",
        "records.sinks[1].headers.Authorization: the environment variable HOOK_TOKEN is not set",
    ):
        assert any(words in warning for warning in said), said
    assert not any("records" in warning for warning in warnings(loaded(ALL), {"HOOK_SECRET": "a", "HOOK_TOKEN": "b"}))
