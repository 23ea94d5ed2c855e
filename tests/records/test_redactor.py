"""What is taken out of text, what stays, and that it does not matter how the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.records.redactor import LONGEST, Redactor, redacted

PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq3\nQmFzZTY0IGxpbmVz+/==\n-----END RSA PRIVATE KEY-----"

TAKEN_OUT = [
    ("sk-proj-abcdefghijklmnop1234", "secret"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "secret"),
    ("AKIAIOSFODNN7EXAMPLE", "secret"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "secret"),
    ("xoxb-123456789012-abcdefghijkl", "secret"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4", "secret"),
    ("password: hunter22", "hunter22"),
    ('"api_key": "a b, c; d"', "a b, c; d"),
    ("api key = Zx9,Yw8;Vu7", "Zx9,Yw8;Vu7"),
    ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
    ("bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ("postgres://app:s3cr3t!@db.internal/x", "s3cr3t!"),
    ("Passwort? password='größe und Ähre'", "größe und Ähre"),
    (PRIVATE_KEY, "MIIEowIBAAKCAQEA7bq3"),
    (PRIVATE_KEY.replace("\n", "\\n"), "QmFzZTY0IGxpbmVz"),
    ("jane.doe+tag@mail.example.co.uk", "jane.doe"),
    ("4111 1111 1111 1111", "1111 1111"),
    ("5500-0000-0000-0004", "0000-0000"),
    ("378282246310005", "378282246310005"),
    ("DE89 3704 0044 0532 0130 00", "0532"),
    ("GB29NWBK60161331926819", "NWBK"),
    ("123-45-6789", "6789"),
    ("AB 12 34 56 C", "12 34"),
    ("54362315K", "54362315"),
    ("RSSMRA85T10A562S", "RSSMRA85"),
    ("390.533.447-05", "533.447"),
    ("+49 (170) 123-4567", "123-4567"),
    ("+442079460958", "442079460958"),
    ("(555) 123-4567", "123-4567"),
    ("030 12345678", "12345678"),
]

STAYS = [
    "The quick brown fox jumps over the lazy dog.",
    "Raft elects a leader; followers keep a log, and a term counts up.",
    "On 2026-11-25 at 16:45:02 it took 1,204 tokens and $0.0031.",
    "commit bc9f8742c1d2e3f4a5b6c7d8e9f00112233445566",
    "lab@gpu1/qwen3-32b answered; claude@team-a did not",
    "version 10.12.14, port 8000, 192.168.10.254",
    "4111 1111 1111 1112 is no card",
    "The token limit is 200,000 and the secret is out.",
    "Hello WORLD, this IS fine (really).",
    "これはテストです。パスワードではありません。",
    "x = a[i] + b[j]; y = {k: v for k, v in z}",
    "",
    " \n\t \n",
]


@pytest.mark.parametrize(("text", "gone"), TAKEN_OUT, ids=[gone[:12] for _, gone in TAKEN_OUT])
def test_it_is_taken_out_wherever_it_stands(text: str, gone: str) -> None:
    hidden = text if gone == "secret" else gone
    for before, after in [("", ""), ("It is ", " I think."), ("see (", ")"), ('{"a": 1, "b": "', '"}'), ("Zeile\n", "\nZeile")]:
        made = redacted(before + text + after)

        assert hidden not in made, made
        assert "[" in made


@pytest.mark.parametrize("text", STAYS)
def test_what_is_nobodys_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_stands_around_stays() -> None:
    assert redacted("Write to jane@example.com, or call +49 170 1234567 today.") == "Write to [e-mail], or call [phone] today."
    assert redacted('{"user": "jane", "password": "x{y,z"}') == '{"user": "jane", "password": [secret]}'


@pytest.mark.parametrize("blob", ["Zz9" * 400, "MIIE" * 30])
def test_a_key_is_noticed_behind_what_is_taken_out_whole_and_through_long_lines(blob: str) -> None:
    made = redacted(f"{blob}-----BEGIN PRIVATE KEY-----\n{blob}\nSecond/line+\n-----END PRIVATE KEY-----\nThat was it.")

    assert "Second/line" not in made
    assert made.endswith("\nThat was it.")


def test_what_has_no_seam_is_taken_out_whole() -> None:
    blob = "QUJD" * 300

    assert redacted(f"Here it is: {blob} and more") == "Here it is: [unclear] more"


def test_a_long_text_takes_no_long_time_and_no_memory_where_it_has_no_seams() -> None:
    redactor = Redactor()
    for _ in range(200):
        redactor.feed("A1b2" * 500)

    assert redactor.end() == ""
    assert redacted("word " * 20_000) == "word " * 20_000


fragments = st.sampled_from(
    [text for text, _ in TAKEN_OUT]
    + STAYS
    + [" ", "\n", ", ", "(", "Key ", "password", ": ", "=", '"', "'", "BEARER ", "a", "Ü", "。", "Q9" * (LONGEST // 2)]
)
texts = st.lists(fragments, max_size=6).map("".join) | st.text(
    alphabet=st.sampled_from("aZ09 \n,.:=\"'@-+()/{}[]üß。pkey"), max_size=80
)


@given(texts, st.lists(st.integers(0, 4000), max_size=8))
def test_it_does_not_matter_where_the_text_is_cut(text: str, cuts: list[int]) -> None:
    redactor, made, start = Redactor(), "", 0
    for cut in sorted(cut % (len(text) + 1) for cut in cuts):
        made += redactor.feed(text[start:cut])
        start = cut
    made += redactor.feed(text[start:]) + redactor.end()

    assert made == redacted(text)


@given(st.sampled_from(TAKEN_OUT), st.integers(0, 200), st.integers(0, 200))
def test_a_cut_in_the_middle_leaks_nothing_even_where_what_is_held_must_go(
    case: tuple[str, str], first: int, second: int
) -> None:
    secret, gone = case
    text = f"It is {secret} indeed, they say."
    one, two = sorted(len("It is ") + cut % len(secret) for cut in (first, second))
    redactor = Redactor()

    made = redactor.feed(text[:one]) + redactor.cut() + redactor.feed(text[one:two]) + redactor.feed(text[two:]) + redactor.end()

    assert (secret if gone == "secret" else gone) not in made
    assert made.endswith("they say.")


@given(st.lists(st.sampled_from(["sk-", "abcdefgh", "12345678", "@", "example.com", " ", "4111", "1111"]), max_size=30))
def test_what_is_held_back_is_bounded(pieces: list[str]) -> None:
    redactor = Redactor()
    for piece in pieces * 20:
        redactor.feed(piece)

        assert len(redactor._pending) <= LONGEST
