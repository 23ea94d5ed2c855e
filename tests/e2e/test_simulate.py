"""What if, over a record that real processes made: requests against real servers, then played under other policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_record_is_played_again_and_otherwise(shell: Any, sick: Any, well: Any, chain: Any, tmp_path: Path) -> None:
    shell.config = chain(sick, well)
    sick.server.script["m"] = "503"
    asked = [shell.run("ask", f"Question {number}") for number in range(2)]
    assert [done.code for done in asked] == [0, 0]
    del sick.server.script["m"]
    assert shell.run("ask", "one more").code == 0
    policy = tmp_path / "new.toml"

    policy.write_text('[chains]\ndefault = ["b/m", "a/m"]\n')
    turned = shell.run("chain", "simulate", "--policy", str(policy), "--since", "1h", "--json")

    assert turned.code == 0, turned.err
    told = turned.json()
    assert (told["schema"], told["requests"], told["seed"]) == (1, 3, 0)
    assert told["fidelity"] == {"requests": 3, "same_outcome": 3, "same_candidate": 3, "same_calls": 3, "share": 1.0}
    assert [told[side]["calls"] for side in ("recorded", "present", "policy")] == [5, 5, 3]
    assert told["policy"]["candidates"][0]["ref"] == "b/m"
    assert told["policy"]["rests_on"] == {"recorded": 2, "assumed": 1, "unknown": 0}
    assert told["changes"] == [
        {"key": "chains.default", "before": "a/m, b/m", "after": "b/m, a/m", "played": True, "why_not": None}
    ]
    assert told["changed"][0]["change"] == "answered_by_another"
    (run_id,) = told["changed"][0]["run_ids"]
    assert shell.run("history", "show", run_id).code == 0

    again = shell.run("chain", "simulate", "--policy", str(policy), "--since", "1h", "--json").json()
    assert {**again, "since": "", "until": ""} == {**told, "since": "", "until": ""}

    policy.write_text("[escalation]\nmax_attempts = 1\n[quality.weights]\nrefusal = 0\n")
    alone = shell.run("chain", "simulate", "--policy", str(policy), "--since", "1h", "--json").json()
    assert alone["policy"]["answered"] == 1
    assert alone["changed"] == [{"change": "no_longer_answered", "requests": 2, "run_ids": alone["changed"][0]["run_ids"]}]
    assert [change["key"] for change in alone["changes"] if not change["played"]] == ["quality"]
    rows = dict(
        line.split("\t", 1) for line in shell.run("chain", "simulate", "--policy", str(policy), "--since", "1h").out.splitlines()
    )
    assert rows["exhausted"] == "0\t0\t2\t2"
    assert rows["calls"] == "5\t5\t3\t-2"
