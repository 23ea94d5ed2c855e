"""What can be wrong with an answer, one check a file; `escalation.quality` weighs them.

Each check is a pure function of the text that gives its reason, or None where it has nothing to say. Each is linear in the length
of the text, or looks at a bounded part of it. A check that doubts stays silent: an accepted bad answer is seen by a person, a
rejected good one costs a second call.
"""
