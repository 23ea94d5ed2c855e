"""Markdown that grows, as lines of a given width.

`growing` settles whole blocks and never looks at them again; `boundary` and `cuts` say where that is possible, also inside a
block that has no end; `heal` completes what is half-written; `render` makes lines of a piece of source. Nothing here knows the
screen: a line is made of words and of what they are, and the widget that draws it knows what that looks like.
"""
