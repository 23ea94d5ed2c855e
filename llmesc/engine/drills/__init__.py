"""Drills: faults played at named candidates of a chain, and a score of what came of them, before a real outage does it."""

from llmesc.engine.drills.catalogue import ROWS, Row, RowDrilled, judged, play_rows, row_scenario
from llmesc.engine.drills.drill import Drilled, OnEvent, OpenDrill, candidates, configured, drill, open_drill
from llmesc.engine.drills.example import example_chain
from llmesc.engine.drills.faults import FAULTS, Fault, parse_fault
from llmesc.engine.drills.rehearsal import Rehearsal
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
    "OpenDrill",
    "Rehearsal",
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
    "judged",
    "open_drill",
    "parse_fault",
    "play_rows",
    "read_scenario",
    "row_scenario",
]
