"""What fills the terminal: the main screen, and what stands over it for a moment."""
