"""Discovery against real servers on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from llmesc.config.defaults import EMBEDDED_MODEL
from llmesc.config.discover import LOCAL_SERVERS, LocalServer, discover
from llmesc.config.find import find_config
from llmesc.config.model import Config
from llmesc.config.offers import chain_offers
from llmesc.config.services import SERVICES
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.resolution import Tier

HOME = {"LLMESC_HOME": "/home/of/llmesc"}


def http(body: str | bytes, status: str = "200 OK", extra: str = "") -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\n{extra}\r\n".encode() + raw


def listing(*models: object) -> bytes:
    return http(json.dumps({"object": "list", "data": [{"id": name} if isinstance(name, str) else name for name in models]}))


@contextmanager
def server(answer: bytes | None, requests: list[bytes] | None = None) -> Iterator[str]:
    """A server on a free port that gives every caller `answer` and closes, or, for None, never says a word."""
    with ExitStack() as open_connections, socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if answer is None:
                    open_connections.enter_context(connection)
                    continue
                with connection:
                    asked = connection.recv(65_536)
                    if requests is not None:
                        requests.append(asked)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def start() -> Iterator[Callable[..., str]]:
    with ExitStack() as stack:
        yield lambda answer, requests=None: stack.enter_context(server(answer, requests))


def found(*servers: LocalServer, environ: dict[str, str] | None = None, engine: str = "no_such_engine") -> Config:
    return discover(HOME | (environ or {}), servers=servers, engine=engine)


def names(config: Config) -> list[str]:
    return [str(offer.key) for offer in chain_offers(config)]


def test_a_bare_machine_offers_nothing_and_that_is_a_configuration() -> None:
    config = found()

    assert (config.providers, config.discovered, config.state) == ((), True, "sqlite:///home/of/llmesc/state/state.db")


def test_all_that_is_found_is_asked_in_tier_order(start: Callable[..., str]) -> None:
    ollama = start(listing("qwen3:8b", "gemma3:4b", "nomic-embed-text"))
    vllm = start(listing({"id": "org/big", "max_model_len": 16384}))

    config = found(
        LocalServer("vllm", vllm, Tier.VLLM),
        LocalServer("ollama", ollama, Tier.LOCAL),
        environ={"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"},
        engine="json",
    )

    assert names(config) == [
        "embedded/smollm2-135m",
        "ollama/gemma3:4b",
        "ollama/qwen3:8b",
        "vllm/org/big",
        "openai/gpt-5.4-mini",
        "anthropic/claude-sonnet-4-6",
    ]
    assert config.providers[0].instances[0].models == (EMBEDDED_MODEL,)
    assert [offer.model.context_window for offer in chain_offers(config)] == [8192, None, None, 16384, 400_000, 200_000]
    assert [provider.private for provider in config.providers] == [True, True, True, False, False]
    assert config.origins == {
        "providers.embedded": "discovered: json is installed",
        "providers.vllm": f"discovered: {vllm} answers",
        "providers.ollama": f"discovered: {ollama} answers",
        "providers.openai": "discovered: environment variable OPENAI_API_KEY",
        "providers.anthropic": "discovered: environment variable ANTHROPIC_API_KEY",
    }
    assert config.circuit.probe_lease_seconds > max(provider.timeouts.total_seconds for provider in config.providers)


def test_a_server_is_asked_once_and_plainly(start: Callable[..., str]) -> None:
    requests: list[bytes] = []
    url = start(listing("m"), requests)

    found(LocalServer("ollama", url, Tier.LOCAL))

    assert [request.split(b"\r\n")[0] for request in requests] == [b"GET /v1/models HTTP/1.0"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        http("<html>a web server</html>"),
        http("[]"),
        http('{"data": {"id": "m"}}'),
        http('{"data": [3, {"id": 7}, {"id": ""}, {"id": "a\\u0007b"}]}'),
        http('{"data": [{"id": "m"}'),
        http("[" * 100_000),
        http(b"\xff\xfe"),
        http('{"data": [{"id": "m"}]}', status="401 Unauthorized"),
        http('{"data": [{"id": "m"}]}', status="404 Not Found"),
        None,
    ],
    ids=["closes", "ssh", "html", "list", "object", "odd names", "cut", "deep", "bytes", "401", "404", "silent"],
)
def test_what_is_no_model_server_is_not_offered(start: Callable[..., str], answer: bytes | None) -> None:
    good = start(listing("m"))

    config = found(LocalServer("odd", start(answer), Tier.LOCAL), LocalServer("good", good, Tier.LOCAL))

    assert names(config) == ["good/m"]


def test_a_port_where_nobody_listens_is_not_offered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert found(LocalServer("gone", f"http://127.0.0.1:{port}/v1", Tier.LOCAL)).providers == ()


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service.usual])
def test_each_service_is_found_by_its_key(name: str) -> None:
    service = SERVICES[name]
    for variable in service.key_variables:
        config = found(environ={variable: "hunter2"})

        (provider,) = config.providers
        (instance,) = provider.instances
        assert (provider.name, provider.api, provider.tier) == (name, service.api, service.tier)
        assert (instance.base_url, instance.options) == (service.base_url, service.options)
        assert instance.api_key
        assert (instance.api_key.source, instance.api_key.target) == ("env", variable)
        assert "hunter2" not in repr(config)


@pytest.mark.parametrize("variable", ["HF_TOKEN", "NVIDIA_API_KEY", "AZURE_OPENAI_API_KEY"])
def test_a_key_that_says_nothing_about_which_model_is_wanted_offers_none(variable: str) -> None:
    assert found(environ={variable: "hunter2"}).providers == ()


def test_ollama_is_asked_in_its_own_words_and_offered_on_its_own_wire(start: Callable[..., str]) -> None:
    requests: list[bytes] = []
    models = [{"name": "qwen3:8b", "model": "qwen3:8b"}, {"name": "nomic-embed-text:latest"}, {"name": 7}]
    url = start(http(json.dumps({"models": models})), requests).removesuffix("/v1")

    (provider,) = found(LocalServer("ollama", url, Tier.LOCAL, "ollama")).providers

    assert requests[0].startswith(b"GET /api/tags HTTP/1.0")
    assert (provider.api, provider.instances[0].base_url) == ("ollama", url)
    assert [model.name for model in provider.instances[0].models] == ["qwen3:8b"]


def test_ollama_that_openai_was_pointed_at_is_not_offered_twice(start: Callable[..., str]) -> None:
    own = start(http(json.dumps({"data": [{"id": "m"}], "models": [{"name": "m"}]})))
    ollama = LocalServer("ollama", own.removesuffix("/v1"), Tier.LOCAL, "ollama")

    assert names(found(ollama, environ={"OPENAI_BASE_URL": own})) == ["openai/m"]


def test_a_key_that_is_empty_is_no_key() -> None:
    assert found(environ={"OPENAI_API_KEY": " "}).providers == ()


def test_another_place_for_openai_is_honoured() -> None:
    (provider,) = found(environ={"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://proxy.example/v1/"}).providers

    assert provider.instances[0].base_url == "https://proxy.example/v1"
    assert provider.tier is Tier.CLOUD


def test_a_key_does_not_go_to_openai_when_the_other_place_is_no_url() -> None:
    assert found(environ={"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "proxy.example"}).providers == ()


def test_openai_on_this_machine_is_local_and_offers_what_it_lists_with_or_without_a_key(start: Callable[..., str]) -> None:
    url = start(listing("own"))
    usual = LocalServer("ollama", url, Tier.LOCAL)

    (bare,) = found(usual, environ={"OPENAI_BASE_URL": url}).providers
    (keyed,) = found(usual, environ={"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "k"}).providers

    assert [(p.name, p.tier, p.private, p.instances[0].models[0].name) for p in (bare, keyed)] == [
        ("openai", Tier.LOCAL, True, "own")
    ] * 2
    assert (bare.instances[0].api_key is None, keyed.instances[0].api_key is None) == (True, False)


def test_the_usual_ports_of_local_servers_are_known() -> None:
    assert [(server.name, server.base_url) for server in LOCAL_SERVERS] == [
        ("ollama", "http://127.0.0.1:11434"),
        ("lmstudio", "http://127.0.0.1:1234/v1"),
        ("llama-server", "http://127.0.0.1:8080/v1"),
        ("vllm", "http://127.0.0.1:8000/v1"),
    ]


def test_a_file_is_read_where_there_is_one_and_must_be_there_when_it_was_named(tmp_path: Path) -> None:
    environ = {"LLMESC_HOME": str(tmp_path)}
    named = environ | {"LLMESC_CONFIG": str(tmp_path / "other.toml")}

    assert find_config(None, environ).discovered
    for flag, variables in [(tmp_path / "other.toml", environ), (None, named)]:
        with pytest.raises(ConfigError, match=r"other\.toml: No such file"):
            find_config(flag, variables)
    (tmp_path / "config.toml").write_text('state = "memory:"')
    assert find_config(None, environ).state == "memory:"


def test_a_dangling_link_in_the_place_of_the_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "gone.toml")

    with pytest.raises(ConfigError, match="No such file"):
        find_config(None, {"LLMESC_HOME": str(tmp_path)})
