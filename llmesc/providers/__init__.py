"""The wires: one API a file, over one HTTP client; what a failure is; the embedded and the simulated model."""
