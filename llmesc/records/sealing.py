"""Texts that only whoever has the key can read: AES-256-GCM by the library `cryptography`, which an extra brings."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os

from llmesc.escalation.errors import ConfigError
from llmesc.escalation.secret import Secret

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"


class Vault:
    """One key. A seal names its key, so that another one is told from a broken seal, and is bound to its place."""

    def __init__(self, key: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise ConfigError(
                ("capture = \"encrypted\" needs the library cryptography; pip install 'llmesc[encrypt]'",)
            ) from None
        self._cipher = AESGCM(key)
        self._name = hashlib.sha256(b"llmesc key name" + key).hexdigest()[:8]

    @classmethod
    def of(cls, secret: Secret) -> Vault:
        """The vault of a key as it is configured: 32 bytes in base64 or hexadecimal digits. Raises `ConfigError`."""
        key = _bytes(secret.reveal())
        if key is None:
            found = "records.key: found no 32 bytes in base64 or hexadecimal digits; next: openssl rand -base64 32"
            raise ConfigError((found,))
        return cls(key)

    def seal(self, plain: bytes, place: str) -> str:
        """`plain`, for this key and for this place alone."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, plain, place.encode())
        return f"{_VERSION}.{self._name}.{base64.b64encode(sealed).decode()}"

    def open(self, seal: str, place: str) -> bytes | None:
        """What was sealed there; None where it is another key's, was changed, or comes from another place."""
        from cryptography.exceptions import InvalidTag

        version, _, rest = seal.partition(".")
        name, _, encoded = rest.partition(".")
        if version != _VERSION or name != self._name:
            return None
        try:
            sealed = base64.b64decode(encoded, validate=True)
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (binascii.Error, InvalidTag, ValueError):
            return None


def _bytes(text: str) -> bytes | None:
    for read in (bytes.fromhex, base64.b64decode, base64.urlsafe_b64decode):
        try:
            key = read(text)
        except ValueError:
            continue
        if len(key) == KEY_BYTES:
            return key
    return None
