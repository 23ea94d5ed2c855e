"""How things read: the words, the glyphs and the lines of a run, the same in the command line and on the dashboard."""
