"""`--image`: pictures by their files or addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from llmesc.cli.bad_input import BadInput
from llmesc.cli.prompt import MAX_BYTES, read
from llmesc.escalation.messages import Image
from llmesc.escalation.pictures import image_of


def images_of(named: Sequence[str]) -> Iterator[Image]:
    """The pictures in their order. An address is handed on as it is, and nothing is fetched.

    Raises `BadInput` for a file that is missing or no picture, and for files of more than `MAX_BYTES` together: as base64 they
    are a third longer, and no provider takes more than some 20 MB in one request.
    """
    room = MAX_BYTES
    for name in named:
        scheme, colon, rest = name.partition(":")
        if colon and (scheme == "data" or rest.startswith("//")):
            yield _at(name, scheme)
            continue
        content = read(f"--image {name}", Path(name), "all pictures together", room=room)
        room -= len(content)
        try:
            yield image_of(content)
        except ValueError as error:
            raise BadInput(f"--image {name}: {error}") from None


def _at(address: str, scheme: str) -> Image:
    if scheme not in ("http", "https", "data") or not address.isprintable():
        raise BadInput(f"--image {address}: an address begins with https://, http:// or data:")
    return Image(url=address)
