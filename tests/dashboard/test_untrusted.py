"""Whatever comes from outside is only ever text, wherever it stands: nothing steers the terminal or is read as markup."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from llmesc.dashboard.app import Dashboard, Settings
from llmesc.dashboard.board import StoreState
from llmesc.dashboard.replay import Replay
from llmesc.dashboard.screens.confirm import Confirm
from llmesc.dashboard.screens.form import Form, Line
from llmesc.dashboard.screens.keys import Keys
from llmesc.dashboard.screens.kinds import KindsToShow
from llmesc.dashboard.screens.main import MainScreen
from llmesc.dashboard.screens.pick import Pick
from llmesc.dashboard.screens.plots import Plots
from llmesc.dashboard.screens.reading import Reading
from llmesc.engine import CircuitLine, Engine, StateUnavailable
from llmesc.escalation.circuits import Cause, Circuit, CircuitState, Override
from llmesc.escalation.events import AttemptOutcome, Move, RunOutcome, ToolCallFinished, ToolCallRequested
from llmesc.escalation.failures import Failure, FailureKind
from llmesc.escalation.ports import Denial
from llmesc.escalation.resolution import CircuitKey, ModelKey, Offering, Price, Resolution, Tier
from llmesc.escalation.times import Timestamp
from tests.dashboard import scenes, trends

pytestmark = pytest.mark.anyio

HOSTILE = "[/x] [bold]\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202egnp.exe\u200b\U000e0041`**[l](x)<b>\x1b]8;;http://x\x1b\\l\r\b"
"""Markup, the clipboard, a cleared screen, a C1 sequence, reversed and invisible characters, a link, overwriting."""

LONG = HOSTILE + "w" * 100_000

STEERING = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x202E, 0xE0041)))

SIZES = {"wide": (160, 48), "stacked": (80, 24), "narrow": (60, 20)}


def evil(short: str = HOSTILE) -> Resolution:
    price = Price(input_per_million=Decimal(3), output_per_million=Decimal(15))
    return Resolution(
        tier=Tier.FRONTIER,
        provider=short,
        instance=short,
        model=short,
        offering=Offering(offering_id=short, price=price, metadata={short: short}),
        endpoint=short,
    )


def told(text: str) -> scenes.Tape:
    """A request in which everything that anybody outside can name is `text`."""
    who = evil(text)
    failure = Failure(
        kind=FailureKind.OVERLOADED,
        rule="status.503",
        message=text,
        status=503,
        matched=text,
        provider_code=text,
        request_id=text,
        body=text,
    )
    tape = scenes.Tape("7f3a", text, began=9, chain=replace(scenes.CHAIN, name=text, candidates=(who, who)))
    tape.skip(who, 40.0).call(who, Move.PRIMARY).think(text).write(text[:2_000], size=7)
    tape.add(ToolCallRequested, attempt=1, call_id=text, name=text, arguments=text)
    tape.add(ToolCallFinished, attempt=1, call_id=text, name=text, result=text, is_error=True, duration_seconds=0.1)
    tape.judged(20, f"{text} -60: {text}").ended(AttemptOutcome.QUALITY_FAILURE, cost="0.1")
    tape.switch(who, "quality", text).write(text[:2_000], size=7).fails(failure).opened(who, failure, 60.0)
    return tape.done(RunOutcome.BELOW_BAR, text)


def hostile_board(text: str) -> scenes.Board:
    key = CircuitKey(text, text)
    cause = Cause(kind=text, message=text, at=scenes.NOW)
    override = Override(state="open", who=text, why=text, set_at=scenes.NOW, until=None)
    circuits = (
        CircuitLine(
            key=key, state="open", circuit=Circuit(state=CircuitState.OPEN, cause=cause, retry_at=scenes.NOW), configured=True
        ),
        CircuitLine(key=CircuitKey("a", text), state="open", circuit=Circuit(override=override), configured=False),
    )
    denial = Denial(key=ModelKey(text, text, text), why=text, who=text, set_at=scenes.NOW, until=Timestamp(scenes.NOW + 9))
    tapes = [told(text)]
    shown = scenes.board(
        *tapes,
        circuits=circuits,
        denials=(denial,),
        caption=text,
        store=StoreState(place=text, away_since=scenes.NOW, problem=text),
    )
    runs = tuple(
        replace(
            run,
            run_id=f"{number}",
            chain=text,
            primary=text,
            answered_by="other/m",
            tried=(text,),
            caller={"user": text, "host": text},
        )
        for number, run in enumerate(shown.runs * 4)
    )
    return replace(shown, runs=(*shown.runs, *runs))


def check(pilot: Pilot[Any], where: str) -> str:
    """What is on the screen, of which nothing steers a terminal."""
    drawn = "".join(
        segment.text for screen in pilot.app.screen_stack for strip in screen._compositor.render_strips() for segment in strip
    )
    assert not set(drawn) & STEERING, f"{where}: {sorted(set(drawn) & STEERING)}"
    return drawn


@pytest.fixture
async def engine(tmp_path: Any) -> AsyncIterator[Engine]:
    file = tmp_path / "config.toml"
    file.write_text('[providers.lab]\napi = "simulated"\ntier = "local"\nmodels = ["m"]\n')
    async with Engine.open(config_file=file, state="memory:") as made:
        yield made


def app(feed: Any, engine: Engine | None = None) -> Dashboard:
    return Dashboard(feed, now=lambda: scenes.NOW, engine=engine, settings=Settings(who=HOSTILE), frame_seconds=None)


def main_of(pilot: Pilot[Any]) -> MainScreen:
    main = pilot.app.main_screen  # type: ignore[attr-defined]  # of the dashboard
    assert isinstance(main, MainScreen)
    return main


@pytest.mark.parametrize("text", [HOSTILE, LONG], ids=["hostile", "100 kB"])
@pytest.mark.parametrize("size", SIZES)
async def test_panes_header_banner_caption_tabs_and_notices(engine: Engine, size: str, text: str) -> None:
    async with app(scenes.Still(hostile_board(text)), engine).run_test(size=SIZES[size]) as pilot:
        await pilot.pause()
        main = main_of(pilot)
        main.aim(text, text)
        main.say(text, "bad")
        await pilot.pause()
        assert "wwww" in check(pilot, "first") or text is HOSTILE
        for keys in (("1", "j"), ("2", "j", "j"), ("3", "m", "o"), ("4", "j"), ("4", "j", "j"), ("5", "j"), ("space",), ("z",)):
            await pilot.press(*keys)
            await pilot.pause()
            check(pilot, " ".join(keys))


async def test_what_is_pasted_or_recalled_into_a_line(engine: Engine) -> None:
    async with app(scenes.Still(hostile_board(HOSTILE)), engine).run_test(size=SIZES["wide"]) as pilot:
        await pilot.pause()
        for keys in (("1", "slash"), ("escape", "5", "slash"), ("escape", "a"), ("escape", "ctrl+p")):
            await pilot.press(*keys)
            await pilot.pause()
            pilot.app.post_message(Paste(HOSTILE))
            await pilot.pause()
            assert "exe" in check(pilot, f"pasted after {keys}")
        await pilot.press("escape", "escape", "a", "up", "up")
        await pilot.pause()
        check(pilot, "recalled")


DIALOGS: dict[str, Callable[[], Any]] = {
    "confirm": lambda: Confirm(LONG, LONG),
    "form": lambda: Form(LONG, [Line(name="place", about="a file", value=LONG, wrong=lambda typed: typed)]),
    "pick": lambda: Pick(LONG, [("a", LONG), ("b", HOSTILE)]),
    "reading": lambda: Reading(LONG, f"{HOSTILE}\n{LONG}"),
    "kinds": lambda: KindsToShow(frozenset()),
    "keys": lambda: Keys({"ask": HOSTILE}, "requests", read_only=False),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dialog", DIALOGS)
async def test_dialogs(dialog: str, size: str) -> None:
    async with app(scenes.Still(hostile_board(HOSTILE))).run_test(size=SIZES[size]) as pilot:
        await pilot.app.push_screen(DIALOGS[dialog]())
        await pilot.pause()
        check(pilot, dialog)
        if dialog == "form":
            await pilot.press("enter")
            await pilot.pause()
            check(pilot, "what is wrong with it")


@pytest.mark.parametrize(
    "keys", [("enter",), ("2", "enter"), ("5", "enter"), ("e",), ("ctrl+p",), ("R",), ("4", "t"), ("question_mark",)]
)
async def test_what_keys_open(engine: Engine, keys: tuple[str, ...]) -> None:
    async with app(scenes.Still(hostile_board(HOSTILE)), engine).run_test(size=SIZES["wide"]) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        for _ in range(3):
            await pilot.pause()
        check(pilot, " ".join(keys))


@pytest.mark.parametrize("size", SIZES)
async def test_plots_and_why_there_are_none(size: str) -> None:
    async def read(now: Timestamp) -> trends.Trends:
        busy = trends.busy()
        models = tuple(replace(model, ref=HOSTILE) for model in busy.days[0].models)
        providers = tuple(replace(provider, key=CircuitKey(HOSTILE, str(n))) for n, provider in enumerate(busy.providers))
        return replace(busy, providers=providers, days=tuple(replace(day, models=models) for day in busy.days))

    async def away(now: Timestamp) -> trends.Trends:
        raise StateUnavailable(HOSTILE)

    for make in (read, away):
        async with app(scenes.Still(hostile_board(HOSTILE))).run_test(size=SIZES[size]) as pilot:
            await pilot.app.push_screen(Plots(make))
            for _ in range(3):
                await pilot.pause()
            assert "exe" in check(pilot, "plots")


async def test_a_replay_with_a_hostile_title() -> None:
    replay = Replay(told(HOSTILE).events, title=HOSTILE)
    replay.playing = False
    async with app(replay).run_test(size=SIZES["wide"]) as pilot:
        for part in (0.2, 0.5, 0.9, 1.0):
            replay.seek(replay.length_ms * part)
            main_of(pilot).frame()
            await pilot.pause()
            assert "exe" in check(pilot, f"at {part}")


async def test_the_name_of_an_exported_file_is_a_name(engine: Engine, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tape = scenes.Tape("../../" + HOSTILE, "hi", began=9).call(evil(), Move.PRIMARY).write("text")
    async with app(scenes.Still(scenes.board(tape)), engine).run_test(size=SIZES["wide"]) as pilot:
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("enter")
        for _ in range(3):
            await pilot.pause()
        check(pilot, "exported")
    (written,) = tmp_path.glob("llmesc-*.jsonl")
    assert not set(written.name) & (STEERING | {"/"})
