"""What is found in a store that was written in each mode: its bytes are searched, the write-ahead log and the spool included."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from llmesc.config.load import load
from llmesc.engine import AskOptions, Engine, RunFilter
from llmesc.escalation.capture import MODES, CaptureMode
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.events import RunFinished, RunStarted, TextDelta
from llmesc.escalation.fold import RunView, fold
from llmesc.escalation.messages import Image, Message, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec
from llmesc.providers.faults import FaultServer
from llmesc.providers.faults.behaviours import answer, status

pytestmark = pytest.mark.anyio

KEY = base64.b64encode(bytes(range(32))).decode()
SECRET = "sk-proj-Zq8vN2mK4xR7tY1wB5cD"
SAID = f"Ferrari prefers tangerine mornings, wrote jane.roe@example.com under {SECRET} yesterday."
PICTURE = base64.b64encode(b"a picture of a kingfisher " * 4).decode()

CONFIG = """
state = "sqlite://{state}"
[records]
capture = "{mode}"
key = {{ env = "RECORD_KEY" }}
[escalation]
max_attempts = 5
[providers.weak]
api = "openai"
tier = "cloud"
base_url = "{url}"
{more}
models = [{{ name = "failing", capabilities = ["images", "tools"] }}]
[providers.strong]
api = "openai"
tier = "vllm"
base_url = "{url}"
models = [{{ name = "telling", capabilities = ["images", "tools"] }}]
[chains]
default = ["weak/failing", "strong/telling"]
"""

REQUEST = Request(
    messages=(
        Message(role="system", parts=(Text(text="Answer like a heron would, quietly."),)),
        Message(role="user", parts=(Text(text="Where do otters sleep?"), Image(base64=PICTURE))),
        Message(
            role="assistant",
            parts=(
                Thinking(text="Perhaps badgers know.", signature="sig-lynx"),
                ToolCall(call_id="c1", name="look_up", arguments='{"about": "walrus"}'),
            ),
        ),
        Message(role="tool", parts=(ToolResult(call_id="c1", content="A walrus told of puffins."),)),
        Message(role="user", parts=(Text(text=f"Mail jane.roe@example.com, key {SECRET}: where do otters sleep?"),)),
    ),
    tools=(ToolSpec(name="look_up", description="Finds a pelican.", parameters={"type": "object", "title": "Marmots"}),),
)
TEXTS = [
    "heron", "otters", PICTURE[:40], "badgers", "sig-lynx", "walrus", "puffins", "jane.roe", SECRET, "pelican", "Marmots",
    "Ferrari", "tangerine", "mornings", "yesterday", "wombat",
]  # fmt: skip
"""One word at least of everything that was said by anybody."""


@pytest.fixture
async def server() -> Any:
    async with FaultServer() as running:
        running.script["failing"] = status(
            503, body=json.dumps({"error": {"message": f"no wombat for {SECRET}", "code": "wombat says no"}}).encode()
        )
        running.script["telling"] = answer(SAID)
        yield running


class Kept:
    """An engine over a store on disk, and all bytes that it leaves there."""

    def __init__(self, folder: Path, server: Any) -> None:
        self._folder, self._server = folder, server

    def config(self, mode: CaptureMode, more: str = "") -> Any:
        path = self._folder / "config.toml"
        path.write_text(CONFIG.format(state=self._folder / "state.db", mode=mode, url=self._server.base_url, more=more))
        return load(path, {})

    async def ask(self, mode: CaptureMode, more: str = "", options: AskOptions | None = None, times: int = 1) -> str:
        """The id of the last run."""
        async with Engine.open(config=self.config(mode, more)) as engine:
            for _ in range(times):
                reply = await engine.ask(REQUEST, options)
                assert reply.text == SAID, "who asked has the whole answer, whatever is kept"
                assert "".join(attempt.shown for attempt in reply.view.attempts if not attempt.failure) == SAID
            assert self.bytes(), "the write-ahead log is searched while it is there"
            self.while_open = self.bytes()
        return reply.run_id

    async def view(self, mode: CaptureMode, run_id: str) -> RunView:
        view = RunView()
        async with Engine.open(config=self.config(mode)) as engine:
            events = await engine.operations.run_events(run_id)
            assert [event.seq for event in events] == list(range(len(events)))
            for event in events:
                view = fold(view, event)
        return view

    async def prompts(self) -> list[str]:
        async with Engine.open(config=self.config("full")) as engine:
            return [run.prompt for run in await engine.operations.history(RunFilter())]

    def bytes(self) -> bytes:
        return b"".join(
            path.read_bytes() for path in sorted(self._folder.rglob("*")) if path.is_file() and path.suffix != ".toml"
        )

    def found(self) -> list[str]:
        return [text for text in TEXTS if text.encode() in self.bytes() + self.while_open]


@pytest.fixture
def kept(tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("LLMESC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RECORD_KEY", KEY)
    return Kept(tmp_path, server)


async def test_a_store_in_full_mode_has_all_of_it(kept: Kept) -> None:
    await kept.ask("full")

    assert kept.found() == TEXTS


@pytest.mark.parametrize("mode", ["metadata", "encrypted"])
async def test_no_text_is_found_in_a_store_that_keeps_none(kept: Kept, mode: CaptureMode) -> None:
    await kept.ask(mode, times=3)

    assert kept.found() == []
    assert b"overloaded" in kept.bytes(), "what became of the attempts is kept"


async def test_no_secret_is_found_in_a_redacted_store_and_the_rest_is(kept: Kept) -> None:
    run_id = await kept.ask("redacted", times=3)

    gone = ["sig-lynx", PICTURE[:40], "jane.roe", SECRET]
    assert sorted(kept.found()) == sorted(text for text in TEXTS if text not in gone)
    view = await kept.view("full", run_id)
    assert view.answer is not None
    told = "Ferrari prefers tangerine mornings, wrote [e-mail] under [secret] yesterday."
    assert (view.answer.text, view.attempts[-1].shown) == (told, told)


async def test_nothing_is_found_in_the_spool_of_a_store_that_is_away(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.warns(UserWarning, match="going on without the state"):
        await kept.ask("metadata")

    spooled = b"".join(path.read_bytes() for path in (tmp_path / "home" / "state" / "spool").iterdir())
    assert b'"type":"run_finished"' in spooled
    assert kept.found() == []


async def test_what_is_not_kept_says_so_with_its_length_and_digest(kept: Kept) -> None:
    run_id = await kept.ask("metadata", times=2)

    view = await kept.view("full", run_id)
    assert view.capture == "metadata"
    assert view.answer is not None
    assert view.answer.text.startswith(f"‹not kept: {len(SAID)} characters, ")
    last = view.attempts[-1]
    assert (last.shown, last.characters) == ("‹not kept: capture = metadata›", len(SAID))
    one, two = await kept.prompts()
    assert one == two, "the same text has the same digest"
    assert one.startswith("‹not kept: ")
    assert (kept._folder / "home" / "state" / "digest.key").stat().st_mode & 0o777 == 0o600


async def test_who_has_the_key_reads_what_was_encrypted_and_nobody_else(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = await kept.ask("encrypted")

    view = await kept.view("full", run_id)
    assert view.request == REQUEST
    assert view.answer is not None
    assert (view.answer.text, view.attempts[-1].shown) == (SAID, SAID)
    assert view.attempts[0].failure is not None
    assert "wombat" in view.attempts[0].failure.message
    for other in (base64.b64encode(bytes(32)).decode(), "no key", None):
        monkeypatch.setenv("RECORD_KEY", other) if other else monkeypatch.delenv("RECORD_KEY")
        view = await kept.view("full", run_id)
        assert view.answer is not None
        assert (view.capture, view.answer.text) == ("encrypted", f"‹encrypted: {len(SAID)} characters›")
        assert view.attempts[-1].shown == "‹encrypted: its key is not here›"


@pytest.mark.parametrize("key", ["too short", "", base64.b64encode(b"sixteen bytes...").decode()])
async def test_what_cannot_be_sealed_is_not_asked(kept: Kept, server: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORD_KEY", key)
    with pytest.raises(ConfigError, match=r"records\.key"):
        await kept.ask("encrypted")

    assert server.count("failing") == 0


@pytest.mark.parametrize("configured", MODES)
async def test_a_call_says_its_own_mode(kept: Kept, configured: CaptureMode) -> None:
    await kept.ask(configured, options=AskOptions(capture="metadata"))

    assert kept.found() == []


async def test_a_provider_that_wants_less_kept_has_its_way_with_its_words_and_with_the_prompt(kept: Kept) -> None:
    run_id = await kept.ask("full", more='capture = "metadata"')

    assert sorted(kept.found()) == sorted(["Ferrari", "tangerine", "mornings", "yesterday", "jane.roe", SECRET]), (
        "the other's answer"
    )
    view = await kept.view("full", run_id)
    assert [attempt.capture for attempt in view.attempts] == ["metadata", "full"]
    assert view.capture == "metadata", "the prompt is recorded before anybody is called"


async def test_the_live_run_is_whole_and_the_record_has_every_event_of_it(kept: Kept) -> None:
    async with Engine.open(config=kept.config("metadata")) as engine, engine.start(REQUEST) as run:
        live = [event async for event in run]
        recorded = await engine.operations.run_events(run.run_id)

    assert [(event.seq, event.type) for event in live] == [(event.seq, event.type) for event in recorded]
    assert isinstance(live[0], RunStarted)
    assert live[0].request == REQUEST
    assert isinstance(live[-1], RunFinished)
    assert "".join(event.text for event in live if isinstance(event, TextDelta)) == SAID
