"""What the operator wrote down, or what can be found without: model, loading, discovery, secrets."""
