"""llmesc: ask once; a chain of models from the cheapest to the strongest answers, and every switch says why.

    answer = llmesc.ask("What is Raft?")

    async with llmesc.Engine.open() as engine:
        reply = await engine.ask("What is Raft?")
        async with engine.start("What is Raft?") as run:
            async for event in run: ...

Names are loaded when first used, so that `import llmesc` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
"""Said here, and read here by the build: to look up what is installed takes 9 ms, of every request that names its sender."""

if TYPE_CHECKING:
    from llmesc.engine import AskOptions, Engine, Reply, ask, responses_request
    from llmesc.engine.python_tools import toolbox
    from llmesc.escalation.errors import (
        AccountError,
        AttemptReport,
        AuthError,
        BelowQualityBar,
        CallError,
        ConfigError,
        ContentPolicyError,
        ContextOverflow,
        DeadlineExceeded,
        EscalationExhausted,
        LlmescError,
        MissingPackage,
        ModelUnavailable,
        NothingCallable,
        PayloadError,
        PermissionDeniedError,
        PolicyStopped,
        PrivacyError,
        ProviderDown,
        ProviderError,
        RateLimitError,
        RoutingFailedDependency,
        RoutingTooEarly,
        RunCancelled,
        RunError,
        StateError,
        UnknownName,
        UnusableTool,
    )
    from llmesc.escalation.events import Event, RunFinished, TextDelta
    from llmesc.escalation.messages import Image, Message, Request, Text, ask_for
    from llmesc.escalation.pictures import image_of
    from llmesc.escalation.run import Run
    from llmesc.escalation.tools import Toolbox

_HOMES = {
    "llmesc.engine": ("AskOptions", "Engine", "Reply", "ask", "responses_request"),
    "llmesc.escalation.events": ("Event", "RunFinished", "TextDelta"),
    "llmesc.escalation.messages": ("Image", "Message", "Request", "Text", "ask_for"),
    "llmesc.escalation.pictures": ("image_of",),
    "llmesc.escalation.run": ("Run",),
    "llmesc.escalation.tools": ("Toolbox",),
    "llmesc.engine.python_tools": ("toolbox",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccountError",
    "AskOptions",
    "AttemptReport",
    "AuthError",
    "BelowQualityBar",
    "CallError",
    "ConfigError",
    "ContentPolicyError",
    "ContextOverflow",
    "DeadlineExceeded",
    "Engine",
    "EscalationExhausted",
    "Event",
    "Image",
    "LlmescError",
    "Message",
    "MissingPackage",
    "ModelUnavailable",
    "NothingCallable",
    "PayloadError",
    "PermissionDeniedError",
    "PolicyStopped",
    "PrivacyError",
    "ProviderDown",
    "ProviderError",
    "RateLimitError",
    "Reply",
    "Request",
    "RoutingFailedDependency",
    "RoutingTooEarly",
    "Run",
    "RunCancelled",
    "RunError",
    "RunFinished",
    "StateError",
    "Text",
    "TextDelta",
    "Toolbox",
    "UnknownName",
    "UnusableTool",
    "ask",
    "ask_for",
    "image_of",
    "responses_request",
    "toolbox",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'llmesc' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF.get(name, "llmesc.escalation.errors")), name)
