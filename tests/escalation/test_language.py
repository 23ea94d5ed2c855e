"""The language an answer is asked for in: tags, what the model is told, and when another one is beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.checks.language import speaks_otherwise
from llmesc.escalation.errors import UnknownName
from llmesc.escalation.gate import judge_beginning
from llmesc.escalation.language import NAMES, asked_in, code_of
from llmesc.escalation.messages import Message, Request, ResponsesBody, Text, ask_for
from llmesc.escalation.quality import Draft, QualitySettings, judge

ENGLISH = "raft keeps a log in agreement on all the servers of a cluster, and elects a leader for it."
GERMAN = "raft hält auf allen rechnern eines verbunds dasselbe protokoll und wählt dafür einen anführer."


def by_words(text: str) -> Mapping[str, float]:
    """Knows two languages by the words above: ten for each of them."""
    words = text.split()
    return {code: 10.0 * sum(word in known.split() for word in words) for code, known in (("en", ENGLISH), ("de", GERMAN))} | {
        "nn": -5.0,
        "no": -50.0,
    }


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de", "de"), ("DE", "de"), ("de-AT", "de"), ("pt_BR", "pt"), ("zh-Hant-TW", "zh"), ("nb", "no"), ("xx", None), ("", None)],
)
def test_a_tag_names_a_language_by_its_first_part(tag: str, code: str | None) -> None:
    assert code_of(tag) == code


@given(st.text(max_size=12))
def test_any_tag_is_known_or_not(tag: str) -> None:
    assert code_of(tag) is None or code_of(tag) in NAMES


def test_the_model_is_told_in_the_system_message() -> None:
    request = asked_in(ask_for("Was ist Raft?"), "de")

    assert request.language == "de"
    assert [(message.role, message.text) for message in request.messages] == [
        ("system", "Answer in German."),
        ("user", "Was ist Raft?"),
    ]


def test_what_the_system_message_says_already_stays() -> None:
    request = asked_in(ask_for("?", system="Be brief."), "pt-BR")

    assert request.messages[0].text == "Be brief.\n\nAnswer in Portuguese (pt-BR)."
    assert len(request.messages) == 2


def test_a_body_of_one_wire_goes_as_it_is_and_is_only_held_to_it() -> None:
    body = Request(messages=(Message(role="user", parts=(Text(text="?"),)),), responses_body=ResponsesBody(content={}))

    request = asked_in(body, "de")

    assert (request.messages, request.language) == (body.messages, "de")


@pytest.mark.parametrize(("tag", "nearest"), [("german", ("de",)), ("dutch", ("nl",)), ("xq", ())])
def test_a_language_that_nobody_knows_is_refused_with_the_nearest(tag: str, nearest: tuple[str, ...]) -> None:
    with pytest.raises(UnknownName) as raised:
        asked_in(ask_for("?"), tag)

    assert raised.value.nearest[: len(nearest)] == nearest


def test_another_language_is_named() -> None:
    assert speaks_otherwise(ENGLISH, "de", by_words) == "it is in English, not in German"
    assert speaks_otherwise(GERMAN, "en-GB", by_words) == "it is in German, not in English"
    assert speaks_otherwise(GERMAN, "de", by_words) is None


def test_a_language_that_is_only_likelier_is_no_reason() -> None:
    assert speaks_otherwise(GERMAN, "de", lambda _: {"nl": 9.0, "de": 0.0}) is None


@pytest.mark.parametrize("best", ["zxx", "nn", "no"])
def test_no_language_and_a_relative_are_no_reason(best: str) -> None:
    assert speaks_otherwise(GERMAN, "no", lambda _: {"no": 0.0, "en": 10.0} | {best: 500.0}) is None


def test_who_does_not_know_the_language_that_is_wanted_says_nothing() -> None:
    assert speaks_otherwise(ENGLISH, "cy", by_words) is None
    assert speaks_otherwise(ENGLISH, "xx", by_words) is None


def test_an_answer_that_quotes_at_length_is_in_the_language_it_explains_in() -> None:
    assert speaks_otherwise(f"{ENGLISH}\n{ENGLISH}\n\n{GERMAN}", "de", by_words) is None
    assert speaks_otherwise(f"{ENGLISH}\n" * 5 + GERMAN, "de", by_words) is not None, "a closing line is not a good part"


def test_the_check_weighs_in_the_beginning_and_in_the_whole_and_can_be_switched_off() -> None:
    draft, settings = Draft(text=ENGLISH, language="de"), QualitySettings()

    for verdict in (judge(draft, settings, identify=by_words), judge_beginning(draft, settings, by_words)):
        assert (verdict.score, verdict.reasons) == (40, ("language -60: it is in English, not in German",))
    off = QualitySettings(weights={"language": 0})
    assert judge(draft, off, identify=by_words).score == judge_beginning(draft, off, by_words).score == 100
    for unasked in (Draft(text=ENGLISH), Draft(text='{"a": "raft keeps a log"}', expect="json", language="de")):
        assert judge(unasked, settings, identify=by_words).score == judge_beginning(unasked, settings, by_words).score == 100
