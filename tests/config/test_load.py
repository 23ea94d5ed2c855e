from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from llmesc.config.defaults import EMBEDDED_MODEL, TIMEOUTS
from llmesc.config.describe import describe
from llmesc.config.load import load
from llmesc.config.model import Config, PriceParts, QualityCommand, QualityJudge
from llmesc.config.offers import chain_offers
from llmesc.config.secrets import SecretRef
from llmesc.config.services import SERVICES
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.limits import Limits
from llmesc.escalation.resolution import Tier
from llmesc.escalation.retry_budget import RetryPolicy

Load = Callable[..., Config]
Mistakes = Callable[..., list[str]]

MANUAL = """
[escalation]
enabled = true
max_attempts = 3
quality_threshold = 50
skip_open_circuits = true
deadline = "120s"

[circuit]
failure_threshold = 3
window_seconds = 300
cooldown_seconds = 60

[timeouts]
connect = "5s"
first_token = "30s"
stall = "15s"
total = "120s"
min_rate = { characters_per_second = 2, over = "20s" }

[providers.embedded]
api = "llamacpp"
tier = "local"

[providers.lab]
api = "openai"
tier = "vllm"
models = [{ name = "qwen3-32b", context_window = 32768, capabilities = ["tools", "json"] }]
[providers.lab.instances.gpu1]
base_url = "http://gpu1:8000/v1"
[providers.lab.instances.gpu2]
base_url = "http://gpu2:8000/v1"

[providers.claude]
api = "openai"
base_url = "https://api.anthropic.com/v1"
tier = "frontier"
models = ["claude-sonnet-4-6"]
instances.team-a.api_key = { env = "ANTHROPIC_API_KEY" }

[chains]
default = ["embedded/smollm2-135m", "lab/qwen3-32b", "claude/claude-sonnet-4-6"]
"""

LAB = '[providers.lab]\napi = "openai"\ntier = "vllm"\nbase_url = "http://gpu:8000/v1"\nmodels = ["m"]\n'


def test_the_configuration_of_the_manual_is_one(loaded: Load) -> None:
    config = loaded(MANUAL)

    assert [str(offer.key) for offer in chain_offers(config)] == [
        "embedded/smollm2-135m",
        "lab@gpu1/qwen3-32b",
        "lab@gpu2/qwen3-32b",
        "claude@team-a/claude-sonnet-4-6",
    ]
    assert config.limits == Limits()
    assert [provider.private for provider in config.providers] == [True, True, False]
    assert config.providers[2].instances[0].api_key == SecretRef(
        source="env", target="ANTHROPIC_API_KEY", key="providers.claude.instances.team-a.api_key"
    )


def test_an_empty_file_is_a_configuration_with_every_default(loaded: Load) -> None:
    config = loaded("")

    assert config == replace(Config(), state="sqlite:///home/of/llmesc/state/state.db")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("enabled = false", "escalation", False),
        ("max_attempts = 7", "max_attempts", 7),
        ("quality_threshold = 0", "quality_threshold", 0),
        ("skip_open_circuits = false", "skip_open_circuits", False),
        ('deadline = "2m"', "deadline_seconds", 120.0),
        ("deadline = 90", "deadline_seconds", 90.0),
        ("deadline_seconds = 1.5", "deadline_seconds", 1.5),
        ("privacy = true", "privacy", True),
        ('on_content_policy = "stop"', "stop_on_content_policy", True),
        ("wait = false", "wait", False),
        ('wait_or_escalate = "cheaper"', "wait_or_escalate", "cheaper"),
        ('all_open = "try"', "all_open", "try"),
        ("retry_budget = 0", "retries", RetryPolicy(tokens=0)),
        ("retry_refund = 0.5", "retries", RetryPolicy(refund=0.5)),
        ('denial = "1h"', "denial_seconds", 3600.0),
        ("denial_seconds = 60", "denial_seconds", 60.0),
        ('max_cost = "0.10"', "max_cost", Decimal("0.10")),
        ("max_cost = 0.1", "max_cost", Decimal("0.1")),
    ],
)
def test_each_key_of_escalation_sets_its_limit(loaded: Load, text: str, field: str, value: object) -> None:
    assert getattr(loaded(f"[escalation]\n{text}").limits, field) == value


def test_allowed_models_headroom_circuit_and_quality_are_read(loaded: Load) -> None:
    config = loaded(
        'window_headroom = 0.25\nstate = "memory:"\n'
        '[escalation]\nallowed_models = ["lab/*"]\n'
        '[circuit]\nwindow = "1m"\nmax_cooldown = "30m"\njitter = 0\n'
        "[quality]\nmin_characters = 20\nmin_mean_logprob = -1\nweights = { too_short = 60, refusal = 0 }\n"
    )

    assert (config.window_headroom, config.state, config.allowed_models) == (0.25, "memory:", ("lab/*",))
    assert (config.circuit.window_seconds, config.circuit.max_cooldown_seconds, config.circuit.jitter) == (60, 1800, 0)
    assert (config.quality.min_characters, config.quality.min_mean_logprob) == (20, -1)
    assert (config.quality.weights["too_short"], config.quality.weights["refusal"], config.quality.weights["empty"]) == (
        60,
        0,
        100,
    )


def test_checks_of_the_operators_own_are_read(loaded: Load, file: Path) -> None:
    config = loaded(
        LAB + "[[quality.commands]]\nname = 'house-style'\nrun = './check.py --not \"bad words\"'\n"
        "[[quality.commands]]\nname = 'length'\nrun = 'wc'\nweight = 0\ntimeout = '2s'\n"
        "[quality.judge]\nmodel = 'lab/m'\nweight = 80\ntimeout_seconds = 9\ninstructions = 'Be strict.'\n"
    )

    assert config.quality_commands == (
        QualityCommand(name="house-style", run=("./check.py", "--not", "bad words"), directory=file.parent),
        QualityCommand(name="length", run=("wc",), weight=0, timeout_seconds=2.0, directory=file.parent),
    )
    assert config.quality_judge == QualityJudge(model="lab/m", weight=80, timeout_seconds=9.0, instructions="Be strict.")
    assert loaded(LAB + "[quality]\njudge = { model = 'lab/m' }").quality_judge == QualityJudge(model="lab/m")


def test_a_long_cooldown_alone_raises_its_own_ceiling(loaded: Load) -> None:
    assert loaded('[circuit]\ncooldown = "1h"').circuit.max_cooldown_seconds == 3600


def test_a_probe_may_last_as_long_as_the_longest_attempt(loaded: Load) -> None:
    assert loaded(LAB).circuit.probe_lease_seconds == 150
    assert loaded(LAB + 'timeouts.total = "10m"').circuit.probe_lease_seconds == 630
    assert loaded(LAB + '[circuit]\nprobe_lease = "5m"').circuit.probe_lease_seconds == 300


def test_timeouts_flow_from_the_tier_over_the_top_and_the_provider_to_the_model(loaded: Load) -> None:
    config = loaded(
        '[timeouts]\nconnect = "1s"\nstall = "7s"\n'
        '[providers.lab]\napi = "openai"\ntier = "frontier"\nbase_url = "http://gpu:8000/v1"\n'
        'models = ["plain", { name = "slow", timeouts = { first_token = "5m", min_rate = { over = "1m" } } }]\n'
        'timeouts = { stall = "8s" }\n'
    )

    provider = config.providers[0]
    plain, slow = provider.instances[0].models
    assert provider.timeouts == replace(TIMEOUTS[Tier.FRONTIER], connect_seconds=1, stall_seconds=8)
    assert plain.timeouts == provider.timeouts
    longer = replace(provider.timeouts, first_token_seconds=300, first_token_is_set=True, min_rate_over_seconds=60)
    assert slow.timeouts == longer


def test_what_an_instance_does_not_say_its_provider_says(loaded: Load) -> None:
    config = loaded(
        '[providers.lab]\napi = "openai"\ntier = "fleet"\nbase_url = "http://all/v1/"\napi_key = { command = "get key" }\n'
        'headers = { X-Team = "a", X-Site = "north" }\nmodels = ["m"]\n'
        "[providers.lab.instances.one]\n"
        '[providers.lab.instances.two]\nbase_url = "http://two/v1"\napi_key = { file = "key" }\n'
        'headers = { X-Team = "b" }\nmodels = ["n"]\n'
    )

    one, two = config.providers[0].instances
    assert (one.base_url, one.api_key and one.api_key.target, one.headers) == (
        "http://all/v1",
        "get key",
        {"X-Team": "a", "X-Site": "north"},
    )
    assert (two.base_url, two.api_key and two.api_key.target, two.headers) == (
        "http://two/v1",
        "key",
        {"X-Team": "b", "X-Site": "north"},
    )
    assert [[model.name for model in instance.models] for instance in (one, two)] == [["m"], ["n"]]


def test_a_model_says_all_that_is_known_of_it(loaded: Load) -> None:
    config = loaded(
        '[providers.lab]\napi = "openai"\ntier = "cloud"\nbase_url = "https://h/v1"\nprivate = true\n[[providers.lab.models]]\n'
        'name = "org/m:free"\noffering_id = "o-1"\ncontext_window = 1000\nmax_output_tokens = 100\ncapabilities = []\n'
        'price = { input_per_million = "0.15", output_per_million = 0.6, cached_input_per_million = 0 }\n'
        'metadata = { owner = "ops" }\n'
    )

    model = config.providers[0].instances[0].models[0]
    assert model.price == PriceParts(
        input_per_million=Decimal("0.15"), output_per_million=Decimal("0.6"), cached_input_per_million=Decimal(0)
    )
    assert (model.name, model.offering_id, model.context_window, model.max_output_tokens) == ("org/m:free", "o-1", 1000, 100)
    assert (model.capabilities, model.metadata) == (frozenset(), {"owner": "ops"})
    assert config.providers[0].private


def test_what_is_kept_is_said_for_all_and_for_a_provider(loaded: Load) -> None:
    config = loaded('[records]\ncapture = "encrypted"\nkey = { env = "K" }\n' + LAB + 'capture = "metadata"\n')

    assert (config.records.capture, config.records.key and config.records.key.shown) == ("encrypted", "env K")
    assert [provider.capture for provider in config.providers] == ["metadata"]
    settings = {setting.key: setting.value for setting in describe(config)}
    assert (settings["records.capture"], settings["records.key"]) == ("encrypted", "env K")
    assert settings["providers.lab.capture"] == "metadata"


def test_the_embedded_provider_needs_only_its_api(loaded: Load) -> None:
    provider = loaded('[providers.here]\napi = "llamacpp"').providers[0]

    assert provider.tier is Tier.LOCAL
    assert provider.instances[0].models == (EMBEDDED_MODEL,)
    assert provider.instances[0].options == {"context_window": 8192}


def test_a_window_that_is_served_is_the_window_that_is_promised(loaded: Load, file: Path) -> None:
    instance = loaded(
        '[providers.here]\napi = "llamacpp"\ncontext_window = 2048\nthreads = 2\nmodels = [{ name = "own", file = "m.gguf" }]'
    )
    instance = instance.providers[0].instances[0]

    assert instance.options == {"context_window": 2048, "threads": 2}
    assert (instance.models[0].context_window, instance.models[0].options) == (2048, {"file": str(file.parent / "m.gguf")})


def test_a_script_stands_on_a_simulated_model_or_its_provider(loaded: Load) -> None:
    provider = loaded(
        '[providers.demo]\napi = "simulated"\nscript = "hi"\nmodels = ["a", { name = "b", script = ["503"] }]'
    ).providers[0]

    assert (provider.tier, provider.instances[0].options) == (Tier.LOCAL, {"script": "hi"})
    assert [model.options for model in provider.instances[0].models] == [{}, {"script": ["503"]}]


def test_a_well_known_service_is_known_by_its_name(loaded: Load) -> None:
    provider = loaded('[providers.groq]\nmodels = ["m"]').providers[0]

    assert (provider.api, provider.tier) == ("openai", Tier.CLOUD)
    assert provider.instances[0].base_url == "https://api.groq.com/openai/v1"
    assert provider.instances[0].api_key == SecretRef(source="env", target="GROQ_API_KEY", key="providers.groq.api_key")


@pytest.mark.parametrize("name", SERVICES)
def test_a_preset_fills_what_a_provider_of_any_name_leaves_out(loaded: Load, name: str) -> None:
    service = SERVICES[name]
    own = "" if service.base_url else 'base_url = "https://own.example/v1"\n'
    (provider,) = loaded(f'[providers.mine]\npreset = "{name}"\n{own}models = ["m"]').providers

    (instance,) = provider.instances
    assert (provider.name, provider.api, provider.tier) == ("mine", service.api, service.tier)
    assert (instance.base_url, instance.options) == (service.base_url or "https://own.example/v1", service.options)
    variable = instance.api_key.target if instance.api_key else None
    assert variable == (service.key_variables[0] if service.key_variables else None)


def test_what_a_preset_filled_in_says_so_where_it_comes_from(loaded: Load) -> None:
    origins = loaded('[providers.mistral]\nmodels = ["m"]\n[providers.p]\npreset = "groq"\ntier = "vllm"\nmodels = ["m"]').origins

    for key in ("api", "tier", "base_url", "api_key", "stream_options"):
        assert origins[f"providers.mistral.{key}"] == "preset mistral"
    assert origins["providers.p.api"] == "preset groq"
    assert origins["providers.p.tier"].endswith(":5")


def test_what_is_said_outranks_the_preset(loaded: Load) -> None:
    (provider,) = loaded(
        '[providers.p]\npreset = "mistral"\ntier = "frontier"\nbase_url = "https://proxy/v1"\n'
        'stream_options = true\nmodels = ["m"]'
    ).providers

    assert provider.tier is Tier.FRONTIER
    assert provider.instances[0].base_url == "https://proxy/v1"
    assert provider.instances[0].options == {"stream_options": True, "tool_id_length": 9, "prefill": "prefix"}
    assert provider.instances[0].api_key is None, "the key of a service goes to its own place alone"


def test_each_deployment_at_azure_is_an_instance_with_the_key_in_azures_header(loaded: Load) -> None:
    (provider,) = loaded(
        '[providers.work]\npreset = "azure"\nmodels = ["gpt"]\n'
        '[providers.work.instances.eu]\nbase_url = "https://eu.example/openai/deployments/gpt?api-version=2024-10-21"\n'
        '[providers.work.instances.us]\nbase_url = "https://us.example/openai/v1"\napi_key = { env = "US_KEY" }\n'
    ).providers

    eu, us = provider.instances
    assert [it.api_key.target for it in (eu, us) if it.api_key] == ["AZURE_OPENAI_API_KEY", "US_KEY"]
    assert eu.options == us.options == {"key_header": "api-key"}
    assert eu.base_url == "https://eu.example/openai/deployments/gpt?api-version=2024-10-21"


@pytest.mark.parametrize("api", ["anthropic", "gemini", "ollama"])
def test_a_wire_that_one_service_made_is_there_where_nothing_is_said(loaded: Load, api: str) -> None:
    (provider,) = loaded(f'[providers.mine]\napi = "{api}"\nmodels = ["m"]').providers

    assert (provider.api, provider.tier) == (api, SERVICES[api].tier)
    assert provider.instances[0].base_url == SERVICES[api].base_url


def test_both_apis_of_openai_are_at_its_address(loaded: Load) -> None:
    (provider,) = loaded('[providers.openai]\napi = "openai-responses"\nmodels = ["m"]').providers

    assert (provider.api, provider.instances[0].base_url) == ("openai-responses", "https://api.openai.com/v1")


def test_the_key_of_a_service_never_goes_to_another_place_unasked(loaded: Load) -> None:
    config = loaded(
        '[providers.openai]\nmodels = ["m"]\n[providers.openai.instances.own]\nbase_url = "http://proxy/v1"\n[providers.openai.instances.theirs]\n'
        '[providers.groq]\napi = "openai"\ntier = "cloud"\nbase_url = "http://proxy/v1"\nmodels = ["m"]\n'
    )

    (own, theirs), (groq,) = (provider.instances for provider in config.providers)
    assert (own.api_key, groq.api_key) == (None, None)
    assert theirs.api_key
    assert theirs.api_key.target == "OPENAI_API_KEY"


def test_the_environment_outranks_the_file_where_the_state_is(loaded: Load) -> None:
    config = loaded('state = "sqlite:///elsewhere.db"', LLMESC_STATE="memory:")

    assert (config.state, config.origins["state"]) == ("memory:", "environment variable LLMESC_STATE")


def test_each_value_knows_its_line(loaded: Load, file: Path) -> None:
    origins = loaded(MANUAL).origins

    assert origins["escalation.max_attempts"] == f"{file}:4"
    assert origins["circuit.cooldown"] == f"{file}:12"
    assert origins["providers.lab.models.qwen3-32b"] == f"{file}:28"
    assert "escalation.wait" not in origins


# -- mistakes -----------------------------------------------------------------------------------------------------


TEN = """\
stat = "memory:"
[escalation]
max_atempts = 3
quality_threshold = 101
deadline = "soon"
[providers.lab]
api = "opnai"
tier = "clowd"
base_url = "gpu1:8000"
models = ["qwen3-32b", 7]
[chains]
default = ["lab/qwen3", "lob/qwen3-32b"]
"""


def test_ten_mistakes_in_one_file_are_ten_problems_in_the_order_of_the_file(mistakes: Mistakes) -> None:
    found = mistakes(TEN)

    assert [re.split(": (?:found|no such)", problem)[0] for problem in found] == [
        "1: stat",
        "3: escalation.max_atempts",
        "4: escalation.quality_threshold",
        "5: escalation.deadline",
        "7: providers.lab.api",
        "8: providers.lab.tier",
        "9: providers.lab.base_url",
        "10: providers.lab.models[1]",
        "12: chains.default[0]",
        "12: chains.default[1]",
    ]


CASES = [
    # an unknown key, with its nearest
    ("stat = 1", "1: stat: no such key; nearest: state; allowed: budgets, chains, circuit, dashboard, escalation, "),
    ("[escalation]\nmax_atempts = 3", "2: escalation.max_atempts: no such key; nearest: max_attempts; allowed: "),
    (LAB + "[providers.lab.instances.a]\ntimeouts = {}", "7: providers.lab.instances.a.timeouts: no such key; allowed: "),
    ("[timeouts]\nmin_rate = { charcters_per_second = 1 }", "nearest: characters_per_second"),
    ("[quality.weights]\nrefusals = 3", "2: quality.weights.refusals: no such key; nearest: refusal"),
    (LAB + "context_window = 3", "6: providers.lab.context_window: no such key"),
    # values of the wrong kind or size
    ("[escalation]\nmax_attempts = 0", "2: escalation.max_attempts: found 0; allowed: a whole number from 1"),
    ("[escalation]\nmax_attempts = true", "found true; allowed: a whole number from 1"),
    ("[escalation]\nmax_attempts = 3.5", "found 3.5; allowed: a whole number from 1"),
    ('[escalation]\nmax_attempts = "three"', 'found "three"; allowed: a whole number from 1'),
    ("[escalation]\nquality_threshold = 101", "found 101; allowed: a whole number from 0 to 100"),
    ("[escalation]\nwait = 1", "found 1; allowed: true or false"),
    ('[escalation]\ndeadline = "soon"', 'found "soon"; allowed: a duration above zero: "500ms", "5s", '),
    ("[escalation]\ndeadline = 0", "found 0; allowed: a duration above zero"),
    ("[escalation]\ndeadline = -5", "found -5; allowed: a duration above zero"),
    ("[escalation]\ndeadline = inf", "found inf; allowed: a duration above zero"),
    ('[escalation]\nmax_cost = "cheap"', 'found "cheap"; allowed: US dollars from 0'),
    ("[escalation]\nmax_cost = nan", "found nan; allowed: US dollars from 0"),
    ('[escalation]\non_content_policy = "stp"', 'found "stp"; nearest: stop; allowed: one of next, stop'),
    ('[escalation]\nwait_or_escalate = "pay"', 'found "pay"; allowed: one of wait, escalate, cheaper'),
    ("[escalation]\nall_open = true", "found true; allowed: one of fail, try"),
    ("[escalation]\nretry_budget = 1001", "found 1001; allowed: a number from 0 to 1000"),
    ("[escalation]\nretry_refund = 0", "found 0; allowed: a number from 0.001 to 1000"),
    ('[escalation]\nallowed_models = ["a", 3]', "found a list holding 3; allowed: a list of texts"),
    ("[circuit]\njitter = 2", "found 2; allowed: a number from 0 to 1"),
    (
        '[circuit]\ncooldown = "1h"\nmax_cooldown = "1m"',
        "3: circuit.max_cooldown: found less than cooldown; allowed: from 3600 seconds",
    ),
    ('[circuit]\ncooldown = "1h"\ncooldown_seconds = 3', "3: circuit.cooldown_seconds: says again what cooldown says"),
    ("window_headroom = 1", "found 1; allowed: a number from 0 to 0.9"),
    ("escalation = 3", "1: escalation: found 3; allowed: a table"),
    ("[escalation]\nmax_attempts = 2024-01-01", "found a date or time; allowed: a whole number"),
    (f"[escalation]\nmax_attempts = 0x{'f' * 4500}", "found a huge number; allowed: a whole number from 1"),
    (
        'state = "postgres://u:hunter2@h/x"',
        '1: state: found "postgres://***@h/x"; allowed: "sqlite:///absolute/path.db", "redis://host:6379/0", "rediss://…" or '
        '"memory:"',
    ),
    # checks of the operator's own
    ("[quality]\ncommands = 3", '2: quality.commands: found 3; allowed: a list of tables like { name = "house-style", run = '),
    ("[quality]\ncommands = ['./check.py']", '2: quality.commands[0]: found "./check.py"; allowed: a table like { name = '),
    ("[[quality.commands]]\nrun = 'x'", "1: quality.commands[0].name: missing; allowed: a table like { name = "),
    ("[[quality.commands]]\nname = 'x'", "1: quality.commands[0].run: missing; allowed: a table like { name = "),
    (
        "[[quality.commands]]\nname = 'a b'\nrun = 'x'",
        '2: quality.commands[0].name: found "a b"; allowed: up to 40 letters, digits, _ and -',
    ),
    (
        "[[quality.commands]]\nname = 'refusal'\nrun = 'x'",
        '2: quality.commands[0].name: found "refusal"; allowed: a name that is not taken, as empty, invalid_json, judge, ',
    ),
    (
        "[[quality.commands]]\nname = 'x'\nrun = 'x'\n[[quality.commands]]\nname = 'x'\nrun = 'y'",
        '5: quality.commands[1].name: found "x"; allowed: a name that is not taken, as ',
    ),
    (
        "[[quality.commands]]\nname = 'x'\nrun = 'x \"y'",
        '3: quality.commands[0].run: found "x "y" (No closing quotation); allowed: a program with its arguments',
    ),
    ("[[quality.commands]]\nname = 'x'\nrun = \"''\"", "found \"''\"; allowed: a program with its arguments"),
    ("[[quality.commands]]\nname = 'x'\nrun = ['x']", "found a list; allowed: a program with its arguments"),
    ("[[quality.commands]]\nname = 'x'\nrun = 'x'\nwieght = 3", "4: quality.commands[0].wieght: no such key; nearest: weight"),
    ("[[quality.commands]]\nname = 'x'\nrun = 'x'\nweight = 101", "found 101; allowed: a whole number from 0 to 100"),
    ("[quality.judge]\nweight = 3", "1: quality.judge.model: missing; allowed: provider/model or provider@instance/model"),
    (LAB + "[quality.judge]\nmodel = 'lab'", '7: quality.judge.model: found "lab": no reference; allowed: provider/model or'),
    (LAB + "[quality.judge]\nmodel = 'lab/n'", '7: quality.judge.model: found "lab/n": no model at lab "n"; allowed: m'),
    (LAB + "[quality.judge]\nmodel = 'lob/m'", 'found "lob/m": no provider "lob"; nearest: lab; allowed: lab'),
    ("[quality]\njudge = 'lab/m'", '2: quality.judge: found "lab/m"; allowed: a table'),
    # budgets
    ("budgets = 3", '1: budgets: found 3; allowed: a list of tables like { per = "provider", name = "openai", daily = '),
    ("[[budgets]]\ndaily = 3", "1: budgets[0].per: missing; allowed: one of chain, provider, caller, all"),
    ("[[budgets]]\nper = 'user'\ndaily = 3", '2: budgets[0].per: found "user"; allowed: one of chain, provider, caller, all'),
    ("[[budgets]]\nper = 'all'", "1: budgets[0]: neither daily nor monthly is said; allowed: US dollars, like daily = "),
    ("[[budgets]]\nper = 'all'\ndaily = 'much'", '3: budgets[0].daily: found "much"; allowed: US dollars from 0'),
    ("[[budgets]]\nper = 'all'\ndaily = 1\nname = 'x'", "4: budgets[0].name: a budget for all calls has no name; leave it out"),
    ("[[budgets]]\nper = 'all'\nweekly = 1\ndaily = 1", "3: budgets[0].weekly: no such key"),
    ("[[budgets]]\nper = 'all'\ndaily = 1\nunpriced = 'skip'", 'found "skip"; allowed: one of allow, refuse'),
    (
        LAB + "[[budgets]]\nper = 'provider'\nname = 'lob'\ndaily = 1",
        '8: budgets[0].name: found "lob": no such provider; nearest: lab;',
    ),
    (
        "[[budgets]]\nper = 'chain'\nname = 'defualt'\ndaily = 1",
        'found "defualt": no such chain; nearest: default; allowed: default',
    ),
    (
        "[[budgets]]\nper = 'caller'\nname = 'ci'\ndaily = 1\n[[budgets]]\nper = 'caller'\nname = 'ci'\nmonthly = 1",
        '5: budgets[1]: a second budget for caller "ci"; keep one of them, it may have daily and monthly',
    ),
    (
        "[[budgets]]\nper = 'all'\ndaily = 1\n[[budgets]]\nper = 'all'\nmonthly = 1",
        '4: budgets[1]: a second budget for per = "all" without a name; keep one of them',
    ),
    # providers
    ("[providers.lab]", "1: providers.lab.api: missing; allowed: openai, openai-responses, anthropic, "),
    ('[providers.lab]\napi = "opnai"', 'found "opnai"; nearest: openai; allowed: one of openai, openai-responses, '),
    ('[providers.lab]\napi = "openai"', "1: providers.lab.tier: missing; allowed: local, fleet, vllm, cloud, frontier"),
    ('[providers.lab]\napi = "openai"', "1: providers.lab.base_url: missing; allowed: the URL up to /v1"),
    ('[providers.lab]\napi = "openai"', "1: providers.lab.models: missing; allowed: a list of names, or of tables"),
    ('[providers.lab]\ntier = "clowd"', 'found "clowd"; nearest: cloud; allowed: one of local, '),
    ('[providers."a/b"]', '1: providers."a/b": found the name "a/b"; allowed: a name without @ / * ? [ ] and white space'),
    (LAB + "instances.'a@b'.base_url = 'http://x/v1'", 'found the name "a@b"'),
    ('[providers.demo]\napi = "simulated"\nbase_url = "http://x"', "3: providers.demo.base_url: no such key"),
    (
        LAB.replace("http://gpu:8000/v1", "gpu:8000"),
        'found "gpu:8000"; allowed: an http:// or https:// URL without user and password',
    ),
    (LAB.replace("http://", "http://u:hunter2@"), 'found "http://***@gpu:8000/v1"; allowed: an http://'),
    (LAB.replace("http://gpu", "http://["), 'base_url: found "http://[:8000/v1"'),
    (LAB.replace('["m"]', '["m", 3]'), "5: providers.lab.models[1]: found 3; allowed: a name, or a table with a name"),
    (LAB.replace('["m"]', '["m", "m"]'), 'providers.lab.models[1]: found "m" a second time'),
    (LAB.replace('["m"]', '[\n"m",\n{ nme = "x" }]'), "7: providers.lab.models[1].name: missing"),
    (
        LAB.replace('["m"]', '[{ name = "m", capabilities = ["tool"] }]'),
        'found a list holding "tool"; nearest: tools; allowed: a list of ',
    ),
    (LAB + 'headers = { "X Y" = "a" }', 'headers."X Y": found a header name that HTTP does not allow'),
    (LAB + 'headers = { X-A = "a\\nb" }', "headers.X-A: found what no header can carry"),
    ('[records]\nkeep = "soon"', '2: records.keep: found "soon"; allowed: a duration above zero'),
    ("[records]\nkeep = 0", "2: records.keep: found 0; allowed: a duration above zero"),
    ('[records]\nmax_size = "2 XB"', '2: records.max_size: found "2 XB"; allowed: a size from 1 byte on: "500MB", "2GB"'),
    ("[records]\nmax_size = true", "2: records.max_size: found true; allowed: a size from 1 byte on"),
    ('[records]\ncapture = "ful"', '2: records.capture: found "ful"; nearest: full; allowed: one of full, redacted, '),
    ('[records]\ncapture = "encrypted"', "records.key: missing; allowed: { env = … }"),
    (LAB + 'capture = "some"', 'capture: found "some"; allowed: one of full, redacted, encrypted, metadata'),
    # presets
    ('[providers.p]\npreset = "grok"', '2: providers.p.preset: found "grok"; nearest: groq; allowed: one of '),
    (
        '[providers.p]\npreset = "groq"\napi = "ollama"',
        '3: providers.p.api: found "ollama"; allowed with the preset groq: openai',
    ),
    ('[providers.p]\npreset = "azure"\nmodels = ["m"]', "1: providers.p.base_url: missing; allowed: the URL up to /v1"),
    ('[providers.p]\napi = "gemini"\nbase_url = "http://x"\nmodels = ["m"]', "1: providers.p.tier: missing; allowed: local, "),
    ('[providers.p]\npreset = "groq"\nthinking = true', "3: providers.p.thinking: no such key"),
    ('[providers.p]\napi = "ollama"\nstream_options = false', "3: providers.p.stream_options: no such key"),
    (LAB + 'key_header = "a b"', '6: providers.lab.key_header: found "a b"; allowed: the name of an HTTP header'),
    (LAB + '[providers.lab.instances.a]\npreset = "groq"', "7: providers.lab.instances.a.preset: no such key"),
    # chains
    ("[chains]\ndefault = []", "2: chains.default: found no reference; allowed: a list of provider/model"),
    (
        LAB + '[chains]\nc = [\n"lab/m",\n"x"]',
        '9: chains.c[1]: found "x": no reference; allowed: provider/model or provider@instance/model',
    ),
    (LAB + '[chains]\nc = ["lob/m"]', 'chains.c[0]: found "lob/m": no provider "lob"; nearest: lab; allowed: lab'),
    (LAB + '[chains]\nc = ["lab/mm"]', 'found "lab/mm": no model at lab "mm"; nearest: m; allowed: m'),
    (LAB + '[chains]\nc = ["lab@x/m"]', 'found "lab@x/m": no instance of lab "x"; allowed: default'),
    # not TOML
    ("a = \n", "1: not TOML: Invalid value (column 5)"),
    ("[escalation]\nwait = true\nwait = false", "3: not TOML: Cannot overwrite a value"),
    (f"a = {'9' * 5000}", "not TOML: Exceeds the limit"),
    (f"a = {'[' * 50_000}", "nested too deeply"),
]


@pytest.mark.parametrize(("text", "problem"), CASES, ids=[case[1][:60] for case in CASES])
def test_a_mistake_names_its_place_what_was_found_and_what_is_allowed(mistakes: Mistakes, text: str, problem: str) -> None:
    assert any(problem in found for found in mistakes(text)), mistakes(text)


@pytest.mark.parametrize(
    "written",
    [
        '"$KEY"',
        '{ env = "hunter2-hunter2" }',
        "{ evn = 'hunter2' }",
        "{ env = 3 }",
        "{ env = 'A', file = 'hunter2' }",
        "['hunter2']",
        "7",
        "''",
    ],
)
def test_a_mistake_in_a_secret_is_told_without_repeating_it(mistakes: Mistakes, written: str) -> None:
    (found,) = mistakes(LAB + f"api_key = {written}")

    assert "6: providers.lab.api_key: found " in found
    assert "hunter2" not in found


def test_no_frame_of_the_error_holds_the_text_of_the_file(file: Path) -> None:
    file.write_text(LAB + 'api_key = "hunter2"\nmistake = 1')

    with pytest.raises(ConfigError) as error:
        load(file, {})

    trace = error.value.__traceback__
    frames = []
    while trace:
        if "llmesc" in trace.tb_frame.f_code.co_filename and "tests" not in trace.tb_frame.f_code.co_filename:
            frames.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    assert frames
    assert not any("hunter2" in frame for frame in frames)
    assert error.value.__context__ is None


def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    for path, reason in [
        (tmp_path / "none.toml", "No such file or directory; `llmesc init` writes"),
        (tmp_path, "Is a directory"),
    ]:
        with pytest.raises(ConfigError, match=reason):
            load(path, {})


def test_a_file_that_is_not_utf8_is_refused_and_a_byte_order_mark_is_not(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfstate = 'memory:'")
    assert load(file, {"LLMESC_HOME": "/x"}).state == "memory:"

    file.write_bytes(b"state = '\xff'")
    with pytest.raises(ConfigError, match="byte 9 is not UTF-8"):
        load(file, {})
