"""A drill that is watched: its own feed, and its score in words."""
