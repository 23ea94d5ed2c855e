"""From the configuration's sinks to those that deliver: the translation between two floors that do not know each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmesc.config.model import Config, SinkConfig
from llmesc.config.secrets import SecretRef, resolve
from llmesc.engine.daemon_thread import in_daemon_thread
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.events import Event
from llmesc.escalation.secret import Secret
from llmesc.escalation.times import Clock

if TYPE_CHECKING:
    from llmesc.records.sinks.base import Sink

_CONVENTIONAL = {
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
}
"""Services that OpenTelemetry's conventions know by another name than the preset's; all others are called what they are."""


def sink_of(
    sink: SinkConfig,
    config: Config,
    *,
    environ: Mapping[str, str],
    base_dir: Path,
    clock: Clock,
    read_run: Callable[[str], Awaitable[Sequence[Event]]],
) -> Sink:
    """Ready to be prepared; nothing is opened, loaded or asked yet."""

    async def credentials() -> tuple[Secret | None, Mapping[str, str]]:
        from llmesc.records.sinks.base import NotDelivered

        def found() -> tuple[Secret | None, Mapping[str, str]]:
            secret = None if sink.secret is None else resolve(sink.secret, environ, base_dir)
            headers = {
                name: resolve(value, environ, base_dir).reveal() if isinstance(value, SecretRef) else value
                for name, value in sink.headers.items()
            }
            return secret, headers

        try:
            return await in_daemon_thread(found)
        except ConfigError as error:
            raise NotDelivered(str(error)) from None

    async def headers() -> Mapping[str, str]:
        return (await credentials())[1]

    if sink.kind == "jsonl":
        from llmesc.records.sinks.jsonl import JsonlSink

        assert sink.path is not None, "the configuration is checked"
        return JsonlSink(sink.path, rotate_bytes=sink.rotate_bytes, keep_files=sink.keep_files, in_thread=in_daemon_thread)
    assert sink.url is not None, "the configuration is checked"
    if sink.kind == "webhook":
        from llmesc.records.sinks.webhook import WebhookSink

        return WebhookSink(sink.url, batch=sink.batch, timeout_seconds=sink.timeout_seconds, credentials=credentials, clock=clock)
    from llmesc.records.sinks.otel import OtelSink

    names = {provider.name: provider.service or provider.name for provider in config.providers}

    def provider_name(provider: str) -> str:
        service = names.get(provider, provider)
        return _CONVENTIONAL.get(service, service)

    return OtelSink(
        sink.url,
        service=sink.service,
        content=sink.content,
        timeout_seconds=sink.timeout_seconds,
        headers=headers,
        provider_name=provider_name,
        read_run=read_run,
        in_thread=in_daemon_thread,
    )
