"""Recorded runs as one HTML page that needs nothing else: no network, no script. Pure; every text in it is escaped."""
