"""Certificates that a test makes for itself."""

from __future__ import annotations

import subprocess
from pathlib import Path


def self_signed(folder: Path, *more_names: str) -> tuple[Path, Path]:
    """One that localhost signed for itself, by `more_names` too, good for two days, and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    alternatives = ",".join(("DNS:localhost", "IP:127.0.0.1", *(f"DNS:{name}" for name in more_names)))
    names = ["-addext", f"subjectAltName={alternatives}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *request.split(), *names], check=True, capture_output=True)
    return certificate, key
