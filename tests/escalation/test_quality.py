"""The verdicts on answers: the hand-made set, each rule at its edge, and texts made to break the checks."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmesc.escalation.quality import DEFAULT_WEIGHTS, CheckName, Draft, Finding, QualitySettings, Verdict, judge

THRESHOLD = 50
SETTINGS = QualitySettings()

ANSWERS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "answers.toml").read_text("utf-8"))["answer"]


def draft_of(answer: dict[str, Any]) -> Draft:
    fields = {name: value for name, value in answer.items() if name not in ("name", "good", "check", "times")}
    return Draft(**{**fields, "text": answer["text"] * answer.get("times", 1)})


def judged_right(answer: dict[str, Any]) -> bool:
    """Whether the verdict is the one written down, and taken for the reason written down."""
    verdict = judge(draft_of(answer), SETTINGS)
    if answer.get("good"):
        return verdict.passes(THRESHOLD)
    return not verdict.passes(THRESHOLD) and any(reason.startswith(f"{answer['check']} -") for reason in verdict.reasons)


def checks(draft: Draft, **settings: Any) -> list[str]:
    return [reason.partition(" ")[0] for reason in judge(draft, QualitySettings(**settings)).reasons]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["name"])
def test_a_hand_made_answer_gets_the_verdict_of_a_careful_person(answer: dict[str, Any]) -> None:
    assert judged_right(answer), judge(draft_of(answer), SETTINGS)


def test_the_whole_hand_made_set_is_judged_right() -> None:
    good, bad = [[answer for answer in ANSWERS if bool(answer.get("good")) is verdict] for verdict in (True, False)]
    right_good, right_bad = sum(map(judged_right, good)), sum(map(judged_right, bad))
    print(f"judged right: {right_good} of {len(good)} good answers, {right_bad} of {len(bad)} bad ones")

    assert min(len(good), len(bad)) >= 30
    assert (right_good, right_bad) == (len(good), len(bad))


# -- weights, threshold, findings -------------------------------------------------------------------------------------------


def test_a_good_answer_has_the_full_score_and_no_reasons() -> None:
    assert judge(Draft(text="Paris"), SETTINGS) == Verdict(score=100, reasons=())


def test_a_reason_names_the_check_the_points_and_the_evidence() -> None:
    verdict = judge(Draft(text="I can't help with that."), SETTINGS)

    assert verdict == Verdict(score=40, reasons=("refusal -60: it declines: “i can't help with that”",))


@pytest.mark.parametrize(("score", "passes"), [(50, True), (49, False), (100, True), (0, False)])
def test_an_answer_passes_at_the_threshold(score: int, passes: bool) -> None:
    assert Verdict(score=score).passes(THRESHOLD) is passes


ONE_OF_EACH: dict[CheckName, Draft] = {
    "empty": Draft(text=""),
    "refusal": Draft(text="I can't help with that."),
    "repetition": Draft(text="The sky is blue. " * 10),
    "truncated": Draft(text="The answer is", finish_reason="length"),
    "invalid_json": Draft(text="no", expect="json"),
    "schema": Draft(text="{}", schema={"required": ["city"]}),
    "too_short": Draft(text="42"),
    "log_probability": Draft(text="A long enough answer, but the model itself hardly believed it.", mean_logprob=-4.0),
}


def has_what_is_required(schema: Any, value: Any) -> list[str]:
    return [f"{name!r} is required" for name in schema["required"] if name not in value]


@pytest.mark.parametrize("check", ONE_OF_EACH)
def test_each_check_takes_its_weight_and_a_weight_of_0_switches_it_off(check: CheckName) -> None:
    draft = ONE_OF_EACH[check]

    on = judge(draft, QualitySettings(weights={check: 30}), validate=has_what_is_required)
    off = judge(draft, QualitySettings(weights={**dict.fromkeys(DEFAULT_WEIGHTS, 10), check: 0}), validate=has_what_is_required)

    assert (on.score, len(on.reasons)) == (70, 1)
    assert on.reasons[0].startswith(f"{check} -30: ")
    assert not any(reason.startswith(check) for reason in off.reasons)


def test_short_answers_and_improbable_ones_pass_unless_asked_for() -> None:
    assert checks(ONE_OF_EACH["too_short"]) == checks(ONE_OF_EACH["log_probability"]) == []


def test_what_just_reaches_a_bound_is_within_it() -> None:
    settings = QualitySettings(weights={"too_short": 50, "log_probability": 50}, min_characters=4, min_mean_logprob=-2.0)

    assert judge(Draft(text=" four ", mean_logprob=-2.0), settings).score == 100
    assert judge(Draft(text=" fou ", mean_logprob=-2.1), settings).score == 0


def test_the_score_never_falls_below_0() -> None:
    draft = Draft(text="The sky is blue. " * 10, finish_reason="length", expect="json")

    verdict = judge(draft, SETTINGS)

    assert verdict.score == 0
    assert [reason.partition(" ")[0] for reason in verdict.reasons] == ["invalid_json", "repetition", "truncated"]


def test_the_callers_own_checks_count_too() -> None:
    def shouts(draft: Draft) -> Iterable[Finding]:
        return [Finding("shouting", 20, "all capitals")] if draft.text.isupper() else []

    def thanks(draft: Draft) -> Iterable[Finding]:
        yield Finding("manners", -5, "says thanks")

    draft = Draft(text="PARIS")
    verdict = judge(draft, SETTINGS, findings=[*shouts(draft), *thanks(draft)])

    assert verdict == Verdict(score=85, reasons=("shouting -20: all capitals", "manners +5: says thanks"))


# -- JSON and schema -------------------------------------------------------------------------------------------------------


def test_json_in_a_fence_passes_with_a_small_deduction() -> None:
    verdict = judge(Draft(text='```json\n{"a": 1}\n```', expect="json"), SETTINGS)

    assert verdict == Verdict(score=95, reasons=("invalid_json -5: the JSON stands in a code fence",))


def test_a_schema_implies_json() -> None:
    assert checks(Draft(text="Lyon", schema={"required": []})) == ["invalid_json"]


def test_a_schema_mistake_names_the_first_and_counts_the_rest() -> None:
    draft = Draft(text="{}", schema={"required": ["city", "river", "mayor"]})

    assert judge(draft, SETTINGS, validate=has_what_is_required).reasons == ("schema -100: 'city' is required (and 2 more)",)


def test_a_single_schema_mistake_stands_alone() -> None:
    draft = Draft(text="{}", schema={"required": ["city"]})

    assert judge(draft, SETTINGS, validate=has_what_is_required).reasons == ("schema -100: 'city' is required",)


def test_without_a_validator_a_schema_is_not_checked() -> None:
    assert judge(ONE_OF_EACH["schema"], SETTINGS).score == 100


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,}', "line 1 column 9"),
        ('{\n"a": 1\n', "line 2 column 7"),
        ("[" * 100_000, "nested too deeply"),
        ("[Infinity]", "Infinity is no JSON number"),
        ('{"a": 1}\n```', "line 2 column 1"),
        ("", None),
    ],
    ids=["a trailing comma", "cut short", "deep", "no number", "a fence that only closes", "nothing"],
)
def test_invalid_json_says_where(text: str, says: str | None) -> None:
    reasons = judge(Draft(text=text, expect="json"), SETTINGS).reasons

    assert reasons[0].startswith(f"invalid_json -100: {says}" if says else "empty -100: ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["{}", " {}\n", "```json\n{}\n```", "```\n{}\n```"]))
def test_any_json_value_passes_where_json_was_asked_for(value: Any, around: str) -> None:
    text = around.replace("{}", json.dumps(value, ensure_ascii=False))

    assert judge(Draft(text=text, expect="json"), SETTINGS).passes(THRESHOLD)


# -- loops, refusals and fences at their edges ----------------------------------------------------------------------------

ESSAY = " ".join(f"Sentence {number} says something new about subject {number * 7}." for number in range(100))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("the cat sat on a mat and " * 4 + "slept", ["repetition"], id="four rounds are a loop"),
        pytest.param("the cat sat on a mat and " * 3 + "slept", [], id="three rounds are not"),
        pytest.param("it is so cold " * 5 + "here", [], id="five short rounds are emphasis"),
        pytest.param("very very " * 20 + "good", [], id="forty words are emphasis"),
        pytest.param("very very " * 30 + "good", ["repetition"], id="sixty words are a loop"),
        pytest.param(ESSAY + " to the end of the line" * 20, ["repetition"], id="who ends in a long loop is stuck"),
        pytest.param(ESSAY + " to the end of the line" * 6, [], id="a short loop at the end of much is no matter"),
        pytest.param("to the end of the line " * 20 + ESSAY, [], id="a loop that is left again is no matter"),
        pytest.param("to the end of the line " * 200 + ESSAY, ["repetition"], id="unless it is a third of everything"),
        pytest.param("This is the same sentence. " + ESSAY, [], id="one sentence need not come twice"),
        pytest.param("=" * 200, [], id="a ruler"),
        pytest.param("=" * 300, ["repetition"], id="too long for a ruler"),
        pytest.param(("Now this comes. " * 3 + "Other %s.\n") * 3, [], id="a sentence nine times, never in one row"),
    ],
)
def test_a_loop_is_told_from_emphasis(text: str, found: list[str]) -> None:
    assert checks(Draft(text=text)) == found


def test_a_loop_is_shown_by_its_words_and_rounds() -> None:
    text = "We begin here. " + "one two three four five six seven eight nine ten " * 9 + "and again and again " * 12

    assert judge(Draft(text=text), SETTINGS).reasons == ("repetition -70: “and again” comes 24 times in a row",)


def test_sentences_that_come_again_in_any_order_are_a_loop() -> None:
    one, other = "The sky is blue today.", "The grass is green today."

    assert checks(Draft(text=" ".join(one if letter == "a" else other for letter in "abaabbabbbabaabbba"))) == ["repetition"]
    assert checks(Draft(text=" ".join([one, other, one, "And the sea?", one, other, "It is grey."]))) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("I can't help with that.", ["refusal"], id="the request itself"),
        pytest.param("The request is clear. I can't help with that.", ["refusal"], id="in the second sentence"),
        pytest.param("It is clear. It is short. I can't help with that.", [], id="in the third"),
        pytest.param(f"{', '.join(ESSAY.split()[:65])}, I can't help with that.", [], id="late in a long sentence"),
        pytest.param("Version 3.5 is old. I can't help with that.", ["refusal"], id="a number ends no sentence"),
        pytest.param("I can't help with that. Ask Maria, she knows the way.", ["refusal"], id="with a hint"),
        pytest.param(f"I can't help with that. {ESSAY[:450]}.", [], id="with much behind it"),
        pytest.param(
            "Sorry, but I can't help with that. Maria knows the way through the mountains and over the rivers.",
            ["refusal"],
            id="with a hint, after the but of an apology",
        ),
        pytest.param("I can't share files. Sorry!", ["refusal"], id="one thing and little else"),
        pytest.param("I can't share files. Copy them from the drive named X in your network.", [], id="one thing and an answer"),
        pytest.param("I can't share files, but drive X has them all.", [], id="one thing, but an answer"),
        pytest.param(
            "I can't help with that, but drive X has everything that you might ever want.", [], id="everything, but an answer"
        ),
        pytest.param("I can't help with that, but you may ask again.", ["refusal"], id="everything, but nothing"),
        pytest.param("但是抱歉，我无法分享文件，因为我不能回答。", ["refusal"], id="signs weigh more than letters"),
        pytest.param("> I can't help with that.\n\nThis is what a refusal looks like.", [], id="a quotation"),
        pytest.param("The log says `I can't help with that`.", [], id="a code span"),
        pytest.param("I can't help with that:\n```\nsudo reboot\n```", [], id="with code behind it"),
        pytest.param("Dear Anna,\nI can't help you on Saturday.", [], id="a letter"),
    ],
)
def test_a_refusal_is_told_from_a_caveat(text: str, found: list[str]) -> None:
    assert checks(Draft(text=text)) == found


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("Was heißt auf Englisch „Dabei kann ich leider nicht helfen“?", []),
        ("I can't access my mailbox. What now?", ["refusal"]),
        ("Help!", ["refusal"]),
    ],
    ids=["about a refusal", "the asker's own trouble", "anything else"],
)
def test_who_asks_about_a_refusal_may_get_one(prompt: str, found: list[str]) -> None:
    assert checks(Draft(text="I'm afraid I can't help with that.", prompt=prompt)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("````md\n```py\nx\n```\n````", [], id="a longer fence around a shorter one"),
        pytest.param("````md\n```py\nx\n````\ny", [], id="what stands in a longer fence is its content"),
        pytest.param("~~~\n```\n~~~\ny", [], id="the other fence is content"),
        pytest.param("```md\n```py\nx\n```\ny", ["truncated"], id="the outer block is still open"),
        pytest.param("```md\n```py\nx\n```", [], id="a last fence closes everything"),
        pytest.param("Write ```ls``` and go.\n```ls```", [], id="a span is no block"),
        pytest.param("Two `` ticks\n``\nare no fence", [], id="two ticks"),
        pytest.param("x = 1\n```", [], id="a closing fence too many"),
        pytest.param("x\n```\ny\n```\nz\n```\nw", ["truncated"], id="the second block is open"),
    ],
)
def test_fences_are_counted(text: str, found: list[str]) -> None:
    assert checks(Draft(text=text)) == found


# -- laws -------------------------------------------------------------------------------------------------------------------

drafts = st.builds(
    Draft,
    text=st.text()
    | st.lists(st.sampled_from(["```", "|", "I can't", " help", "\n", "a ", "1. ", "<think>", "</think>", "“", "。"])).map(
        "".join
    ),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "unknown"]),
    tool_calls=st.integers(0, 2),
    expect=st.sampled_from(["text", "json"]),
    mean_logprob=st.none() | st.floats(-9, 0),
    prompt=st.text(max_size=20),
)


@given(drafts, st.dictionaries(st.sampled_from(list(DEFAULT_WEIGHTS)), st.integers(0, 100)))
def test_every_draft_gets_the_same_verdict_twice_and_every_lost_point_a_reason(
    draft: Draft, weights: dict[CheckName, int]
) -> None:
    settings = QualitySettings(weights=weights)
    verdict = judge(draft, settings)

    assert verdict == judge(draft, settings)
    assert 0 <= verdict.score <= 100
    assert (verdict.score < 100) == bool(verdict.reasons)


@given(drafts)
def test_who_asks_for_a_tool_need_not_write(draft: Draft) -> None:
    calling = replace(draft, tool_calls=1, finish_reason="tool_calls")

    assert judge(calling, SETTINGS).score == 100


words = st.lists(st.text("abcdefghijklmnop", min_size=2, max_size=9), min_size=4, max_size=12, unique=True)


@given(words, st.integers(10, 40))
def test_a_sentence_ten_times_in_a_row_is_a_loop(sentence: list[str], times: int) -> None:
    text = f"{' '.join(sentence)}. ".capitalize() * times

    assert "repetition" in checks(Draft(text=text))


@given(words)
def test_a_loop_in_a_code_block_is_code(sentence: list[str]) -> None:
    assert checks(Draft(text=f"Here it is:\n\n```\n{(' '.join(sentence) + chr(10)) * 40}```\n")) == []


@given(st.sampled_from([answer for answer in ANSWERS if answer.get("check") == "refusal"]), words)
def test_a_refusal_in_front_of_a_long_answer_is_a_caveat(refusal: dict[str, Any], sentence: list[str]) -> None:
    answer = " ".join(f"Sentence {number} says something new about {word}{number}." for number in range(8) for word in sentence)

    assert checks(Draft(text=f"{refusal['text']}\n\n{answer}")) == []


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("```", "```"), ("```python", "```"), ("   ```", "   ```"), ("~~~", "~~~"), ("1. ```sh", "   ```"), ("````", "````")],
)
def test_what_follows_an_open_fence_is_cut_off(opening: str, closing: str) -> None:
    assert checks(Draft(text=f"Look:\n{opening}\nx = 1")) == ["truncated"]
    assert checks(Draft(text=f"Look:\n{opening}\nx = 1\n{closing}")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My uncle, my aunt and", ["truncated"]),
        ("My uncle and", []),
        ("Take these three things: water,", ["truncated"]),
        ("The smiley you mean is :", []),
        ("The function is called with (", ["truncated"]),
        ("That made me really sad :(", []),
        ("首先，我们需要了解以下：", ["truncated"]),
        ("你好，", []),
        ("1. Tea\n2.", ["truncated"]),
        ("What is 6 × 7?\n42.", []),
        ("| a | b |\n| 1", ["truncated"]),
        ("| a | b\n| 1", []),
        ("|x| = 3", []),
    ],
)
def test_only_what_obviously_goes_on_is_cut_off(text: str, found: list[str]) -> None:
    assert checks(Draft(text=text)) == found


@pytest.mark.parametrize(("closing", "found"), [("", ["truncated"]), ("```\n", [])])
def test_a_block_that_was_opened_long_ago_is_still_open(closing: str, found: list[str]) -> None:
    code = "".join(f"print({number})\n" for number in range(30_000))

    assert checks(Draft(text=f"```python\n{code}{closing}")) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lorem ipsum dolor sit amet " * 40_000, ["repetition"]),
        ("a\n" * 500_000, ["repetition"]),
        ("x" * 1_000_000, ["repetition"]),
        ("|" * 1_000_000, ["repetition"]),
        ("\n" * 1_000_000 + "x", []),
        ("<|a" * 330_000, []),
        ("`" * 1_000_000 + "\nx", ["truncated"]),
        ("```a\n" * 200_000 + "x", ["truncated"]),
        ("<think>" * 140_000, ["truncated"]),
        ("我喜欢学习，" * 160_000, ["repetition", "truncated"]),
        (" ".join(map(str, range(160_000))), []),
        (" ".join(f"w{number}" for number in range(150_000)), []),
    ],
    ids=lambda value: repr(value[:8]),
)
def test_a_megabyte_made_to_be_slow_is_judged(text: str, found: list[str]) -> None:
    assert checks(Draft(text=text)) == found
    assert checks(Draft(text=text, expect="json"))[0] == "invalid_json"
