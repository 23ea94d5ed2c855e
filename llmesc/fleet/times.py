"""How long things take in the fleet, in seconds."""

from __future__ import annotations

BEAT_SECONDS = 1.0
"""How often a worker says that it lives."""

LEASE_SECONDS = 5.0
"""A worker that said nothing for so long has lost what it had: some beats may come late, for a busy host is no dead one."""

WATCH_SECONDS = 1.0
"""How long an answer may be silent before its reader looks whether anybody is still at it."""

TRIES = 3
"""Workers that may begin a request: one that kills whoever runs it does not take the whole fleet down."""

UNREAD_PARTS = 64
"""Parts of an answer that may lie unread before its worker waits: some seconds of a fast model."""

LEAVE_SECONDS = 1.0
"""What saying that one leaves may hold up whoever does."""

ANSWER_SECONDS = 5.0
"""What asking the Redis itself may take."""
