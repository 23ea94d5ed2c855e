"""llmesc: ask once; a chain of models answers, and every switch says why."""
