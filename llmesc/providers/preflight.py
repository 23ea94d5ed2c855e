"""Whether a wire can carry a request, and what it changes on the way: asked before a candidate is called. Pure.

What can be repaired is repaired by the wire itself when it translates the request; here it is only told, from the same
conditions, so that nothing changes behind anybody's back.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmesc.escalation.messages import Image, Part, Request, Thinking
from llmesc.escalation.ports import Fit
from llmesc.escalation.resolution import Resolution
from llmesc.providers.request_parts import picture
from llmesc.providers.tool_ids import with_accepted_ids

_STRICT_IDS = frozenset({"anthropic", "openai-responses"})
"""Wires that refuse ids of another provider's making, and so give tool calls new ones."""


def preflight(api: str, resolution: Resolution, request: Request) -> Fit:
    """How `request` fits the wire `api` at `resolution`."""
    if obstacle := _obstacle(api, request):
        return Fit(obstacle=obstacle)
    return Fit(repairs=tuple(_repairs(api, resolution, request)))


def _obstacle(api: str, request: Request) -> str:
    if api == "ollama" and any(isinstance(part, Image) and picture(part) is None for part in _parts(request)):
        return "takes pictures as bytes only, and one has just an address"
    return ""


def _repairs(api: str, resolution: Resolution, request: Request) -> Iterator[str]:
    others = {part.provider for part in _parts(request) if isinstance(part, Thinking)} - {resolution.provider}
    if others:
        yield f"thinking of {', '.join(sorted(others))} is left out"
    if api in _STRICT_IDS and with_accepted_ids(request.messages) != request.messages:
        yield "tool calls get new ids"
    if request.schema is not None and _in_words(api, resolution, request):
        yield "the schema is asked for in words, and checked afterwards"


def _in_words(api: str, resolution: Resolution, request: Request) -> bool:
    if api == "anthropic":
        from llmesc.providers.anthropic_request import enforces_schema

        return not enforces_schema(request, resolution)
    return api == "gemini" and bool(request.tools)


def _parts(request: Request) -> Iterator[Part]:
    return (part for message in request.messages for part in message.parts)
