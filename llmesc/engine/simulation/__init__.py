"""What if: past runs, played under another policy. `what_if` reads and adds up; all below it is pure.

record ─▶ past runs ─▶ play(policy) ─▶ sums, changes, fidelity
│            │  ▲
└▶ outcomes ─┘  health: circuits, budgets, denials in simulated time
"""
