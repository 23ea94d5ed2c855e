"""What llmesc costs beside its peers: `python -m tests.benchmarks.beside`."""
