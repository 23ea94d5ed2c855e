"""Where a configuration's fleet meets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmesc.config.model import Config
from llmesc.escalation.errors import ConfigError, MissingPackage
from llmesc.escalation.redis_url import RedisPlace, is_redis_url, parse_redis_url

if TYPE_CHECKING:
    from llmesc.fleet.link import Link


def meeting_place(config: Config) -> RedisPlace:
    """`url` of `[fleet]`, else that of a provider of the fleet, else the state's. Raises `ConfigError`."""
    providers = [provider for provider in config.providers if provider.api == "fleet"]
    urls = [config.fleet.url, *(instance.base_url for provider in providers for instance in provider.instances)]
    state = config.state if is_redis_url(config.state) else None
    url = next((url for url in (*urls, state) if url is not None), None)
    if url is None:
        raise ConfigError(('fleet.url: missing; allowed: the URL of a Redis here, or as `state`, like "redis://host:6379/0"',))
    problem = ""
    try:
        return parse_redis_url(url)
    except ValueError as error:
        problem = str(error)
    raise ConfigError((f"fleet.url: the URL {problem}",))  # from here, where nothing holds the URL


@asynccontextmanager
async def meet(config: Config) -> AsyncIterator[Link]:
    """A link to the fleet, open. Raises `ConfigError`, `MissingPackage` and `StateUnavailable`."""
    place = meeting_place(config)
    try:
        from llmesc.fleet.link import Link
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "redis":
            raise
        raise MissingPackage("the fleet meets at a Redis, and its client is not installed", "redis") from None
    link = Link(place)
    await link.open()
    try:
        yield link
    finally:
        await link.aclose()
