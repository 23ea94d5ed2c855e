"""Who asks, as the record has it."""

from __future__ import annotations

import os
import pwd

import pytest

from llmesc.engine.caller import caller
from llmesc.engine.options import AskOptions

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_what_is_given_is_there_and_what_is_not_is_no_key() -> None:
    known = caller({"USER": "ann"}, AskOptions(caller="billing", conversation="c-1", correlation="x\n2", traceparent=TRACE))
    bare = caller({"LOGNAME": "bob"}, AskOptions(command="ask"))

    assert (known["user"], known["name"], known["conversation"], known["correlation"]) == ("ann", "billing", "c-1", "x 2")
    assert known["traceparent"] == TRACE
    assert (bare["user"], bare["command"]) == ("bob", "ask")
    assert bare.keys() == {"user", "host", "pid", "command"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (TRACE, True),
        (f" {TRACE}\n", True),
        (TRACE.replace("00-", "01-", 1) + "-more", True),
        (TRACE.upper(), False),
        (TRACE.replace("00-", "ff-", 1), False),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", False),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", False),
        ("no trace", False),
        ("", False),
    ],
)
def test_a_traceparent_is_one_or_is_left_out(text: str, is_one: bool) -> None:
    assert ("traceparent" in caller({}, AskOptions(traceparent=text))) is is_one


def test_an_account_has_a_name_where_the_environment_has_none() -> None:
    assert caller({}, AskOptions())["user"] == pwd.getpwuid(os.getuid()).pw_name
