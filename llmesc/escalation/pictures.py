"""Pictures by their bytes."""

from __future__ import annotations

from llmesc.escalation.messages import Image


def media_type_of(content: bytes) -> str | None:
    """The kind of picture that `content` begins like, of those that every provider with eyes takes; None: it is none of them."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def image_of(content: bytes) -> Image:
    """The bytes of a PNG, JPEG, GIF or WebP file as a part of a message. Raises ValueError for anything else."""
    from base64 import b64encode

    media_type = media_type_of(content)
    if media_type is None:
        raise ValueError("neither PNG nor JPEG, GIF or WebP")
    return Image(base64=b64encode(content).decode(), media_type=media_type)
