"""Drills: faults played at named candidates of a chain, and a score of what came of them, before a real outage does it."""

from llmesc.engine.drills.catalogue import ROWS, Row, RowDrilled, play_rows
from llmesc.engine.drills.drill import Drilled, OnEvent, candidates, configured, drill
from llmesc.engine.drills.example import example_chain
from llmesc.engine.drills.faults import FAULTS, Fault, parse_fault
from llmesc.engine.drills.scenario import Expected, Injection, Scenario, injection
from llmesc.engine.drills.scenario_file import read_scenario
from llmesc.engine.drills.score import Score, Totals

__all__ = [
    "FAULTS",
    "ROWS",
    "Drilled",
    "Expected",
    "Fault",
    "Injection",
    "OnEvent",
    "Row",
    "RowDrilled",
    "Scenario",
    "Score",
    "Totals",
    "candidates",
    "configured",
    "drill",
    "example_chain",
    "injection",
    "parse_fault",
    "play_rows",
    "read_scenario",
]
