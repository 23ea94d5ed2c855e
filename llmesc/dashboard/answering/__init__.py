"""The answer pane without its widget: what the blocks of a run are, and their lines."""
