"""Where circuits, denials and runs live: in memory, in SQLite, behind one protocol."""
