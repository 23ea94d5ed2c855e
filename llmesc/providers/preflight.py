"""Whether a wire can carry a request, and what it changes on the way: asked before a candidate is called. Pure.

What can be repaired is repaired by the wire itself when it translates the request; here it is only told, from the same
conditions, so that nothing changes behind anybody's back.

A request may end with an answer that was begun. Some servers go on with it (see `prefill`); to the others a last word of the
user's says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from llmesc.escalation.messages import Image, Part, Request, Thinking
from llmesc.escalation.ports import Fit
from llmesc.escalation.resolution import CircuitKey, Resolution
from llmesc.providers.prefill import prefill
from llmesc.providers.request_parts import is_begun, picture, within_limits
from llmesc.providers.tool_ids import id_rule, with_accepted_ids

_FITS = Fit()
_WITHOUT_SEED = frozenset({"anthropic", "openai-responses"})
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


def preflight(api: str, resolution: Resolution, request: Request, options: Mapping[str, Any] = _NO_OPTIONS) -> Fit:
    """How `request` fits the wire `api` at `resolution`, whose instance has these `options`."""
    if resolution.offering.context_window is not None and (too_long := _too_long(resolution.offering.context_window, request)):
        return Fit(obstacle=too_long, reason="context_too_small")
    if request.is_plain:
        return _FITS
    if api == "openai-responses" and request.responses_body is not None:
        return Fit()
    if obstacle := _obstacle(api, request):
        return Fit(obstacle=obstacle)
    return Fit(repairs=tuple(_repairs(api, resolution, request, options)))


def _too_long(window: int, request: Request) -> str:
    """For a conversation that has grown since the chain was made. The estimate may be a quarter too high."""
    if (tokens := request.estimated_tokens) * 4 // 5 <= window:
        return ""
    return f"about {tokens:,} tokens of prompt by now; a window of {window:,}"


def _obstacle(api: str, request: Request) -> str:
    if request.responses_body is not None and request.responses_body.obstacles:
        return f"only the Responses API takes {', '.join(request.responses_body.obstacles)}"
    images = [part for part in _parts(request) if isinstance(part, Image)]
    if api == "llamacpp" and images:
        return "the embedded engine reads text only"
    if api == "ollama" and any(picture(image) is None for image in images):
        return "takes pictures as bytes only, and one has just an address"
    return ""


def _repairs(api: str, resolution: Resolution, request: Request, options: Mapping[str, Any]) -> Iterator[str]:
    if request.responses_body is not None and (left_out := request.responses_body.left_out):
        yield f"of the request body, {', '.join(left_out)} {'is' if len(left_out) == 1 else 'are'} left out"
    others = {_source(api, part.provider, part.instance) for part in _parts(request) if isinstance(part, Thinking)}
    if others := others - {_source(api, *resolution.circuit_key)}:
        yield f"thinking of {', '.join(sorted(others))} is left out"
    rule = id_rule(api, options)
    if rule is not None and with_accepted_ids(request.messages, rule) != request.messages:
        yield "tool calls get new ids"
    if is_begun(request.messages) and prefill(api, resolution.model, options) == "none":
        yield "in words, it is asked to go on with the answer that was begun"
    if request.wants_json and _in_words(api, resolution, request):
        yield f"{'JSON' if request.schema is None else 'the schema'} is asked for in words, and checked afterwards"
    fitting = within_limits(request, resolution.offering)
    if fitting.max_output_tokens != request.max_output_tokens:
        yield f"the answer may have {fitting.max_output_tokens:,} tokens at most"
    if request.seed is not None and api in _WITHOUT_SEED:
        yield "the seed is left out"
    if api == "anthropic" and request.temperature is not None:
        yield from _temperature(request.temperature, options)


def _temperature(asked: float, options: Mapping[str, Any]) -> Iterator[str]:
    from llmesc.providers.anthropic_request import HOTTEST

    if options.get("thinking", False):
        yield "the temperature is left out, for it is to think"
    elif asked > HOTTEST:
        yield f"the temperature is lowered to {HOTTEST:g}"


def _source(api: str, provider: str, instance: str) -> str:
    """Who has to be called for thinking to be taken back: the provider, or the account that it is sealed for."""
    return str(CircuitKey(provider, instance)) if api == "openai-responses" else provider


def _in_words(api: str, resolution: Resolution, request: Request) -> bool:
    if api == "anthropic":
        from llmesc.providers.anthropic_request import enforces_schema

        return not enforces_schema(request, resolution)
    return api in ("gemini", "ollama") and bool(request.tools)


def _parts(request: Request) -> Iterator[Part]:
    return (part for message in request.messages for part in message.parts)
