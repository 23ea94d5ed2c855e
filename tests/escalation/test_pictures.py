"""Pictures are known by how their bytes begin, whatever their files are called."""

from __future__ import annotations

import pytest

from llmesc.escalation.messages import Image, Text, ask_for
from llmesc.escalation.pictures import image_of, media_type_of

KINDS = [
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
    (b"GIF87a\1\0\1\0", "image/gif"),
    (b"GIF89a\1\0\1\0", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
    (b"RIFF\x24\0\0\0WAVEfmt ", None),
    (b"\0\0\0\x20ftypheic", None),
    (b"%PDF-1.7", None),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
    (b"\x89PNG", None),
    (b"", None),
]


@pytest.mark.parametrize(("content", "kind"), KINDS)
def test_a_kind_is_told_by_its_first_bytes(content: bytes, kind: str | None) -> None:
    assert media_type_of(content) == kind


def test_the_bytes_of_a_picture_join_a_question_before_its_words() -> None:
    picture = image_of(b"GIF89a!")

    request = ask_for("What is it?", system="Be short.", images=[picture, Image(url="https://host.test/a.png")])

    assert picture == Image(base64="R0lGODlhIQ==", media_type="image/gif")
    assert request.messages[-1].parts == (picture, Image(url="https://host.test/a.png"), Text(text="What is it?"))
    assert request.needs == {"images"}


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="neither PNG nor JPEG"):
        image_of(b"hello")
