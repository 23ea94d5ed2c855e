"""What the scripts of many processes begin with: the kit of this room, by the path of `conftest.py`, and the names they use."""

BEGINNING = """
import asyncio, importlib.util, json, os, sys, time
from pathlib import Path

spec = importlib.util.spec_from_file_location("kit_of_the_room", sys.argv[1])
room = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = room
spec.loader.exec_module(room)
from decimal import Decimal
from llmesc.escalation.budget import Account, Claim, Over
from llmesc.escalation.circuits import Admission, CircuitPolicy
from llmesc.escalation.retry_budget import RetryPolicy
COUNTED, PROBED = room.CircuitKey("lab", "counted"), room.CircuitKey("lab", "probed")
"""
