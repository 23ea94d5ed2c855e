"""One widget a file: each takes a slice of the board, draws it, and posts messages. None reads a clock, a file or the store."""
