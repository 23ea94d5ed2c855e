"""Consumers of the event stream that keep what happened."""
