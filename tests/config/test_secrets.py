from __future__ import annotations

import copy
import json
import pickle
import sys
import textwrap
import traceback
from pathlib import Path
from typing import Literal

import pytest

from llmesc.config import secrets
from llmesc.config.secrets import SecretRef, resolve
from llmesc.escalation.errors import ConfigError
from llmesc.escalation.secret import Secret

VALUE = "hunter2-hunter2"


def ref(source: Literal["env", "command", "file", "keyring"], target: str) -> SecretRef:
    return SecretRef(source=source, target=target, key="providers.lab.api_key")


def python(code: str) -> SecretRef:
    return ref("command", f'"{sys.executable}" -c "{code}"')


def problem(reference: SecretRef, base_dir: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        resolve(reference, environ or {}, base_dir)
    (found,) = error.value.problems
    assert found.startswith("providers.lab.api_key: ")
    shown = "".join(traceback.TracebackException.from_exception(error.value, capture_locals=True).format())
    assert VALUE not in shown
    return found.removeprefix("providers.lab.api_key: ")


@pytest.fixture(autouse=True)
def _no_command_was_run_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_of_commands", {})


def test_a_secret_is_found_where_the_reference_says(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{VALUE}\n")
    inline = SecretRef(source="inline", target="", inline=Secret(VALUE))

    found = [
        resolve(ref("env", "KEY"), {"KEY": f" {VALUE}\n"}, tmp_path),
        resolve(ref("file", "key"), {}, tmp_path),
        resolve(ref("file", str(tmp_path / "key")), {}, Path("/elsewhere")),
        resolve(python(f"print('{VALUE}'); print('user: me')"), {}, tmp_path),
        resolve(inline, {}, tmp_path),
    ]

    assert [secret.reveal() for secret in found] == [VALUE] * 5


def test_a_command_runs_once_a_process(tmp_path: Path) -> None:
    counting = python(f"open('runs', 'a').write('x'); print('{VALUE}')")

    for _ in range(3):
        resolve(counting, {}, tmp_path)

    assert (tmp_path / "runs").read_text() == "x"


def test_a_command_that_failed_is_tried_again(tmp_path: Path) -> None:
    waiting = python("print(open('ready').read())")
    problem(waiting, tmp_path)

    (tmp_path / "ready").write_text(VALUE)

    assert resolve(waiting, {}, tmp_path).reveal() == VALUE


def test_a_command_gets_neither_the_prompt_nor_a_shell(tmp_path: Path) -> None:
    assert resolve(python("import sys; print(len(sys.stdin.read()), sys.argv[1:])"), {}, tmp_path).reveal() == "0 []"
    assert (
        resolve(ref("command", f'"{sys.executable}" -c "import sys; print(sys.argv[1])" $HOME|;'), {}, tmp_path).reveal()
        == "$HOME|;"
    )


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (ref("env", "OPENAI_API_KEY"), "environment variable OPENAI_API_KEY is not set; export OPENAI_API_KEY=…"),
        (ref("file", "none"), "cannot be read (No such file or directory); put the secret there, readable by you alone"),
        (ref("file", "."), "cannot be read (Is a directory)"),
        (
            ref("command", f"no-such-program {VALUE}"),
            "command no-such-program … cannot be run (No such file or directory); give a program",
        ),
        (ref("command", "pass 'open"), "command pass … cannot be run (No closing quotation)"),
        (ref("command", "false"), "command false ended with status 1; run it by hand to see why"),
        (ref("command", "true"), "command true printed nothing in its first line"),
        (python(f"import sys; sys.stderr.write('{VALUE}'); sys.exit(7)"), "ended with status 7"),
        (python(f"print(); print('{VALUE}')"), "printed nothing in its first line"),
        (python(f"print('{VALUE}\\x07')"), "holds line breaks or characters that no header carries; store the bare secret"),
        (ref("keyring", "llmesc/openai"), "the keyring library is not installed; pip install keyring"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_secret_that_cannot_be_had_says_what_to_do(tmp_path: Path, reference: SecretRef, told: str) -> None:
    assert told in problem(reference, tmp_path)


def test_an_empty_or_many_lined_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "many").write_text(f"{VALUE}\nuser: me\n")

    assert "is empty" in problem(ref("file", "empty"), tmp_path)
    assert "holds line breaks" in problem(ref("file", "many"), tmp_path)


def test_a_variable_that_is_set_to_nothing_is_not_set(tmp_path: Path) -> None:
    assert "is not set" in problem(ref("env", "KEY"), tmp_path, {"KEY": " "})


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.2)

    told = problem(ref("command", "sleep 60"), tmp_path)

    assert "command sleep … did not end within 0.2 seconds; run it by hand" in told


def test_a_keyring_is_asked_by_service_and_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keyring.py").write_text(
        textwrap.dedent(f"""
            def get_password(service, user):
                if user == "locked":
                    raise RuntimeError("{VALUE}")
                return {{("llmesc", "openai"): "{VALUE}", ("team", "lab"): "{VALUE}"}}.get((service, user))
            """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)

    assert resolve(ref("keyring", "openai"), {}, tmp_path).reveal() == VALUE
    assert resolve(ref("keyring", "team/lab"), {}, tmp_path).reveal() == VALUE
    assert "no such entry in the keyring; keyring set llmesc nobody" in problem(ref("keyring", "nobody"), tmp_path)
    assert "cannot be read (RuntimeError); unlock it" in problem(ref("keyring", "locked"), tmp_path)
    monkeypatch.delitem(sys.modules, "keyring")


def test_a_secret_is_never_shown() -> None:
    secret = Secret(VALUE)
    held = SecretRef(source="inline", target="", inline=secret)

    assert [VALUE in text for text in (repr(secret), str(secret), f"{secret}", f"{secret:>40}", repr(held), held.shown)] == [
        False
    ] * 6

    for leak in (json.dumps, pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError) as error:
            leak(secret)
        assert VALUE not in str(error.value)


def test_a_traceback_with_variables_does_not_show_a_secret() -> None:
    def fails(secret: Secret, ref: SecretRef) -> None:
        raise RuntimeError("at the edge")

    try:
        fails(Secret(VALUE), SecretRef(source="inline", target="", inline=Secret(VALUE)))
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "Secret('***')" in shown
    assert VALUE not in shown


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        (ref("env", "KEY"), "env KEY"),
        (ref("file", "~/key"), "file ~/key"),
        (ref("keyring", "a/b"), "keyring a/b"),
        (ref("command", "pass"), "command pass"),
        (ref("command", f"echo {VALUE}"), "command echo …"),
        (SecretRef(source="inline", target="", inline=Secret(VALUE)), "inline ***"),
    ],
)
def test_people_see_where_a_secret_is_but_not_the_secret(reference: SecretRef, shown: str) -> None:
    assert reference.shown == shown
