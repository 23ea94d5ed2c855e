from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from llmesc.config.check import warnings
from llmesc.config.discover import discover
from llmesc.config.load import load
from llmesc.config.model import Config
from llmesc.config.offers import chain_offers
from llmesc.config.services import SERVICES
from llmesc.config.write import init_text

HOME = {"LLMESC_HOME": "/home/of/llmesc"}


def everything() -> tuple[Config, dict[str, str]]:
    environ = HOME | {service.key_variables[0]: "hunter2-hunter2" for service in SERVICES.values() if service.usual}
    return discover(environ, servers=(), engine="json"), environ


def test_what_was_discovered_is_what_is_read_back(file: Path) -> None:
    config, environ = everything()

    file.write_text(init_text(config))

    again = load(file, environ)
    assert again.providers == config.providers
    assert (again.limits, again.circuit, again.quality, again.state) == (
        config.limits,
        config.circuit,
        config.quality,
        config.state,
    )
    assert [offer.key for offer in chain_offers(again)] == [offer.key for offer in chain_offers(config)]
    assert warnings(again, environ) == warnings(config, environ)


def test_keys_are_written_as_the_names_of_their_variables(file: Path) -> None:
    text = init_text(everything()[0])

    assert "hunter2" not in text
    assert 'api_key = { env = "OPENAI_API_KEY" }' in text
    assert "# discovered: environment variable OPENAI_API_KEY\n[providers.openai]" in text


def test_what_a_server_calls_its_models_is_quoted_as_it_must_be(file: Path) -> None:
    names = ['a"b\\c', "org/m:free", "'x' = 1 # y", "mod\u00e8le"]
    config, environ = everything()
    first, *rest = config.providers
    instance = replace(first.instances[0], models=tuple(replace(first.instances[0].models[0], name=name) for name in names))

    file.write_text(init_text(replace(config, providers=(replace(first, instances=(instance,)), *rest))))

    assert [model.name for model in load(file, environ).providers[0].instances[0].models] == names


def test_where_nothing_was_found_the_text_shows_how_to_begin(loaded: Callable[..., Config]) -> None:
    text = init_text(discover(HOME, servers=(), engine="no_such_engine"))

    assert "# Nothing was found on this machine." in text
    assert loaded(text).providers == ()
    example = text[text.index("# [providers.openai]") :].replace("\n# ", "\n").removeprefix("# ").replace("\n#\n", "\n")
    assert [provider.name for provider in loaded(example).providers] == ["openai", "lab"]
