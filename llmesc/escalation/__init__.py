"""The escalation core: what to call next, what a failure means, when to stop.

Floor 1 of the house. It imports nothing else of llmesc and no third-party package; time, randomness and ids
come in as parameters. Decisions are pure functions (`chain`, `walk`, `circuits`, `quality`); only `executor` acts.
"""
