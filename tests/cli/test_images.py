"""`--image`: what a file or an address becomes, and what is refused."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmesc.cli.bad_input import BadInput
from llmesc.cli.images import images_of
from llmesc.cli.prompt import MAX_BYTES
from llmesc.escalation.messages import Image

Llmesc = Callable[..., Any]

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8

SIGHTED = """
[providers.blind]
api = "simulated"
tier = "local"
models = [{ name = "m", capabilities = ["json"], script = { text = "I see nothing." } }]
[providers.unknown]
api = "simulated"
tier = "local"
models = [{ name = "m", script = { text = "A black square." } }]
[providers.sees]
api = "simulated"
tier = "cloud"
models = [{ name = "m", capabilities = ["images"], script = { text = "A white square." } }]
"""


@pytest.fixture
def png(tmp_path: Path) -> Path:
    file = tmp_path / "no-suffix"
    file.write_bytes(PNG)
    return file


def test_files_and_addresses_become_pictures_in_their_order(png: Path) -> None:
    assert list(images_of([str(png), "https://host.test/a.jpg", "data:image/gif;base64,aGk="])) == [
        Image(base64=b64encode(PNG).decode(), media_type="image/png"),
        Image(url="https://host.test/a.jpg"),
        Image(url="data:image/gif;base64,aGk="),
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.png", "--image missing.png: No such file or directory"),
        (".", "--image .: Is a directory"),
        (os.devnull, f"--image {os.devnull}: neither PNG nor JPEG, GIF or WebP"),
        ("file:///etc/passwd", "--image file:///etc/passwd: an address begins with https://, http:// or data:"),
        ("https://host.test/\x1b[2J", "an address begins with"),
    ],
)
def test_what_cannot_be_a_picture_is_refused_with_its_reason(name: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        list(images_of([name]))

    assert told in str(refused.value)


def test_no_more_is_read_than_all_pictures_may_be_large_together(png: Path) -> None:
    with png.open("ab") as file:
        file.truncate(MAX_BYTES // 2 + 1)

    with pytest.raises(BadInput, match="all pictures together is larger than 10 MB"):
        list(images_of([str(png), str(png)]))


def test_only_who_is_known_to_see_is_asked(llmesc: Llmesc, configure: Callable[[str], Path], png: Path) -> None:
    configure(SIGHTED)

    done = llmesc("ask", "What is it?", "--image", str(png))

    assert (done.code, done.out) == (0, "A white square.\n")
    shown = llmesc("ask", "What is it?", "--image", str(png), "--dry-run")
    assert [line.split("\t")[1] for line in shown.out.splitlines() if "reject" in line] == ["blind/m", "unknown/m"]


def test_what_is_wrong_with_a_picture_is_a_matter_of_usage(llmesc: Llmesc, configure: Callable[[str], Path]) -> None:
    configure(SIGHTED)

    done = llmesc("ask", "What is it?", "--image", "missing.png")

    assert (done.code, done.out, done.err) == (2, "", "error: --image missing.png: No such file or directory\n")


def test_a_picture_among_the_files_is_told_its_option(llmesc: Llmesc, configure: Callable[[str], Path], png: Path) -> None:
    configure(SIGHTED)

    done = llmesc("ask", "What is it?", "-f", str(png))

    assert (done.code, done.err) == (2, f"error: {png}: binary, not text\nnext: --image {png}\n")
