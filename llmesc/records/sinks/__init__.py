"""Who gets what is recorded: a file, an HTTP endpoint, an OpenTelemetry collector. Each takes a batch whole, or says why not."""
