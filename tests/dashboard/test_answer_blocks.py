"""What the answer pane tells of a run: one block for each attempt, what became of it in words, and what it did in order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmesc.dashboard.answering.blocks import Block, blocks
from llmesc.dashboard.answering.calls import call_words
from llmesc.dashboard.answering.lines import AnswerLines
from llmesc.dashboard.answering.sections import Format
from llmesc.dashboard.markdown.spans import line_text
from llmesc.escalation.events import ToolCallFinished, ToolCallRequested
from llmesc.escalation.fold import RunView, fold
from tests.dashboard import answers, scenes

ALL = 1 << 30


def told(tape: scenes.Tape) -> list[tuple[str, bool]]:
    return [(block.title.partition(" · ")[2], block.struck) for block in blocks(tape.view)]


def entries(block: Block) -> list[tuple[str, str, str]]:
    return [(entry.kind, entry.heading, entry.text) for entry in block.entries]


@pytest.mark.parametrize(
    ("tape", "expected"),
    [
        (answers.markdown, [("✓ answer", False)]),
        (answers.thinking, [("▶ thinking", False)]),
        (
            answers.discarded,
            [
                ("≈ below bar: quality 20 of 100 · discarded", True),
                ("✗ overloaded · wrote nothing", True),
                ("▶ writing", False),
            ],
        ),
        (answers.continued, [("✓ answer, its first 53 characters", False), ("✓ answer, goes on from 53 characters", False)]),
        (
            lambda: answers.continued(ended=False),
            [("✗ overloaded · kept", False), ("▶ writing, goes on from 53 characters", False)],
        ),
        (
            answers.held,
            [("≈ below bar: quality 0 of 100 · never shown", True), ("▶ writing, held back until it is checked", False)],
        ),
        (answers.cancelled, [("⊘ cancelled · kept", False)]),
        (scenes.below_bar, [("≈ below bar: quality 40 of 100 · discarded", True), ("≈ the best answer, below the bar", False)]),
        (scenes.exhausted, [("✗ connection · wrote nothing", True), ("✗ account · wrote nothing", True)]),
    ],
)
def test_each_attempt_says_in_words_what_became_of_it(tape: object, expected: list[tuple[str, bool]]) -> None:
    assert callable(tape)
    assert told(tape()) == expected


@pytest.mark.parametrize(
    ("tape", "expected"),
    [
        (scenes.streaming, [("⊘ interrupted · kept", False)]),
        (answers.thinking, [("⊘ interrupted · wrote nothing", False)]),
        (
            answers.held,
            [("≈ below bar: quality 0 of 100 · never shown", True), ("⊘ interrupted · never shown", False)],
        ),
        (
            lambda: answers.continued(ended=False),
            [("✗ overloaded · kept", False), ("⊘ interrupted, goes on from 53 characters · kept", False)],
        ),
    ],
)
def test_of_a_run_whose_process_is_gone_nothing_is_still_being_written(tape: object, expected: list[tuple[str, bool]]) -> None:
    assert callable(tape)
    made = blocks(replace(tape().view, interrupted=True))

    assert [(block.title.partition(" · ")[2], block.struck) for block in made] == expected
    assert all(entry.ended for block in made for entry in block.entries)


def test_text_thinking_and_tools_stand_in_the_order_they_came() -> None:
    (block,) = blocks(answers.tools().view)
    assert entries(block) == [
        (
            "thinking",
            "thinking · 88 characters",
            "The user asks for the weather in Rome. I have a tool for that; Oslo is only to compare. ",
        ),
        ("text", "", "I look that up.\n"),
        ("tool", 'tool look_up(city="Rome", days=1) · 0.3 s', '{"city": "Rome", "days": 1}\n→ {"celsius": 31, "sky": "clear"}'),
        ("tool", 'tool look_up(city="Oslo") · ✗ error · 50 ms', '{"city": "Oslo"}\n→ no such station'),
        ("thinking", "thinking · 29 characters", "Only Rome is known. I say so."),
        ("text", "", "It is **31 °C** in Rome and the sky is clear. For Oslo there is no station"),
    ]


def test_thinking_that_goes_on_says_how_much_there_is() -> None:
    ((_, heading, _),) = entries(blocks(answers.thinking().view)[0])
    assert heading == "thinking · 1,261 characters …"


def test_what_was_held_is_told_apart_until_the_gate_opens() -> None:
    (first, second) = blocks(answers.held().view)
    assert [kind for kind, _, _ in entries(first) + entries(second)] == ["held", "held"]
    assert entries(first)[0][1] == "held back, never shown · 39 characters"
    assert [kind for kind, _, _ in entries(blocks(answers.held(opened=True).view)[1])] == ["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{}", "tool f()"),
        ('{"a": "b", "n": 3, "deep": {"x": [1]}}', 'tool f(a="b", n=3, deep={"x": [1]})'),
        ('{"a": "half', 'tool f({"a": "half)'),
        ("[1, 2]", "tool f([1, 2])"),
        ('{"a": "\\u001b[2J\\u202e"}', r'tool f(a="\u001b[2J")'),
        ("[" * 5_000, f"tool f({'[' * 39}…)"),
    ],
)
def test_a_call_reads_as_code_whatever_its_arguments_are(arguments: str, words: str) -> None:
    head = {"run_id": "r", "seq": 1, "at": scenes.NOW, "elapsed_ms": 1.0, "attempt": 1, "call_id": "c", "name": "f"}
    asked = ToolCallRequested(**head, arguments=arguments)  # type: ignore[arg-type] # one dictionary for all fields
    done = ToolCallFinished(**head, result="x", is_error=False, duration_seconds=2.0)  # type: ignore[arg-type]
    assert call_words(asked, None, over=False) == f"{words} · running …"
    assert call_words(asked, None, over=True) == f"{words} · has no result"
    assert call_words(asked, done, over=False) == f"{words} · 2.0 s"


# -- lines ----------------------------------------------------------------------------------------------------------------


def drawn(lines: AnswerLines) -> list[str]:
    return [line_text(lines[index].line).rstrip() for index in range(len(lines))]


def of(view: RunView, form: Format, *, unfolded: bool = False) -> AnswerLines:
    lines = AnswerLines(form, unfolded=unfolded)
    assert lines.show(view, ALL)
    return lines


@pytest.mark.parametrize("form", [Format(72, markdown=True), Format(30, markdown=False)])
@pytest.mark.parametrize("unfolded", [True, False])
@pytest.mark.parametrize(
    "make",
    [answers.markdown, answers.tools, answers.continued, answers.held, lambda: answers.held(opened=True), answers.discarded],
)
def test_event_by_event_the_lines_become_those_of_the_whole(make: object, form: Format, *, unfolded: bool) -> None:
    assert callable(make)
    tape, view, growing = make(), RunView(), AnswerLines(form, unfolded=unfolded)
    for event in tape.events:
        view = fold(view, event)
        growing.show(view, ALL)
    whole = of(view, form, unfolded=unfolded)
    assert [growing[index] for index in range(len(growing))] == [whole[index] for index in range(len(whole))]


def test_lines_are_drawn_a_part_at_a_time_where_there_are_many() -> None:
    tape = (
        scenes.Tape("long", "hi", began=9).call(scenes.CLAUDE, scenes.Move.PRIMARY).write("word and word\n\n" * 2_000, size=900)
    )
    lines, parts = AnswerLines(Format(60, markdown=True)), 1
    while not lines.show(tape.view, 3_000):
        parts += 1
    assert parts >= 10
    assert drawn(lines) == drawn(of(tape.view, Format(60, markdown=True)))


def test_what_is_folded_is_opened_alone_or_with_all_others() -> None:
    view = answers.tools().view
    lines = of(view, Format(60, markdown=True))
    folded = drawn(lines)
    assert folded[1] == "▸ thinking · 88 characters"
    assert lines.toggle_at(1) and not lines.toggle_at(3)
    lines.show(view, ALL)
    assert drawn(lines)[1:3] == ["▾ thinking · 88 characters", "  The user asks for the weather in Rome. I have a tool for"]
    lines.toggle_all()
    lines.show(view, ALL)
    assert sum("▾" in line for line in drawn(lines)) == 4
    lines.toggle_all()
    lines.show(view, ALL)
    assert drawn(lines) == folded


def test_markdown_goes_on_where_another_candidate_broke_off() -> None:
    tape = answers.continued(first="Run this:\n\n```bash\nls -l\nec", second="ho done\n```\n\nThat is **all**.", ended=False)
    assert [line for line in drawn(of(tape.view, Format(110, markdown=True))) if "·" not in line and "──" not in line] == [
        *("Run this:", "", "│ ls -l", "│ ec", ""),
        *("│ ho done", "", "That is all."),
    ]


def test_a_rule_says_who_took_the_turn_from_whom_and_why_and_nothing_of_it_is_cut() -> None:
    text = " ".join(drawn(of(answers.discarded().view, Format(40, markdown=True))))
    assert "switched embedded → lab@gpu1: quality · 102 characters discarded" in text
    assert "switched lab@gpu1 → claude@team-a: overloaded · tier upgrade vllm → frontier" in text


def test_only_text_that_does_not_count_is_struck() -> None:
    lines = of(answers.discarded().view, Format(60, markdown=True))
    struck = {line_text(lines[index].line).strip() for index in range(len(lines)) if lines[index].struck}
    assert "Raft is a wooden boat:" in struck and "Raft is a consensus algorithm." not in struck
    assert not any("switched" in line or "below bar" in line for line in struck)
