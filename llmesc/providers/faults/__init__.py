"""A server of our own that answers well, badly or not at all: for tests, drills and demonstrations, on loopback.

    async with FaultServer({"big": "rate_limit", "flaky": ["503", "ok"]}) as server:
        ...  # a provider with base_url = server.base_url
        assert server.count("big") == 1

A model's name picks its behaviour: from the script, or because it is itself the name of a fault. `python -m
llmesc.providers.faults` runs it by hand. `FAULTS` lists the names.
"""

from llmesc.providers.faults.behaviours import FAULTS, Behaviour, answer, behaviour, status, tool_calls
from llmesc.providers.faults.exchange import Exchange, Recorded
from llmesc.providers.faults.server import FaultServer
from llmesc.providers.faults.wire import Wanted

__all__ = ["FAULTS", "Behaviour", "Exchange", "FaultServer", "Recorded", "Wanted", "answer", "behaviour", "status", "tool_calls"]
