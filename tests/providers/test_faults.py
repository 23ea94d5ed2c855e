"""The fault server itself: what it counts, what it forgets, and how it is run by hand."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest

from llmesc.providers.faults import FAULTS, FaultServer, behaviour
from llmesc.providers.faults.__main__ import main

pytestmark = pytest.mark.anyio


async def ask(server: FaultServer, model: str, *, stream: bool = False, headers: str = "") -> bytes:
    """One request over a bare socket; everything that came back."""
    port = int(server.base_url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": model, "stream": stream})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{headers}content-length: {len(body)}\r\n\r\n"
    writer.write((head + body).encode())
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_a_model_takes_its_behaviour_from_the_script_or_from_its_own_name(server: FaultServer) -> None:
    server.script["big"] = "429"

    assert status_of(await ask(server, "big")) == 429
    assert status_of(await ask(server, "503")) == 503
    assert status_of(await ask(server, "anything")) == 200


async def test_a_list_is_played_in_order_and_its_last_stays(server: FaultServer) -> None:
    server.script["flaky"] = ["503", "429", "ok"]

    assert [status_of(await ask(server, "flaky")) for _ in range(4)] == [503, 429, 200, 200]


async def test_the_script_can_be_healed_while_it_runs(server: FaultServer) -> None:
    server.script["m"] = "503"
    assert status_of(await ask(server, "m")) == 503
    server.script["m"] = "ok"
    assert status_of(await ask(server, "m")) == 200


async def test_what_arrived_is_kept_without_credentials(server: FaultServer) -> None:
    await ask(server, "ok", stream=True, headers="Authorization: Bearer sk-canary\r\nX-Api-Key: sk-canary\r\nX-Team: search\r\n")

    request = server.requests[0]
    assert (request.model, request.stream, request.path) == ("ok", True, "/v1/chat/completions")
    assert request.headers["x-team"] == "search"
    assert "canary" not in repr(server.requests)


async def test_a_stream_ends_with_its_finish_and_done(server: FaultServer) -> None:
    answer = await ask(server, "ok", stream=True)

    assert b'"finish_reason": "stop"' in answer
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_who_hangs_up_is_noticed(server: FaultServer) -> None:
    assert await ask(server, "hang") == b""

    await asyncio.wait_for(server.calls("hang")[0].left.wait(), 5)


async def test_a_name_in_the_script_that_is_no_fault_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="no fault 'nonsense'"):
        FaultServer({"m": ["ok", "nonsense"]})


def test_every_status_of_an_error_is_a_behaviour_and_others_are_not() -> None:
    assert behaviour("418") is not None
    assert behaviour("ok") is FAULTS["ok"]
    assert behaviour("200") is None
    assert behaviour("nonsense") is None


async def test_leaving_the_block_ends_every_connection_and_frees_the_port() -> None:
    async with FaultServer() as server:
        hanging = asyncio.create_task(ask(server, "role_then_hang", stream=True))
        while not server.requests:
            await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(hanging, return_exceptions=True), 5)

    again = FaultServer(port=int(server.base_url.split(":")[2].split("/")[0]))
    async with again:
        assert status_of(await ask(again, "ok")) == 200


async def test_it_runs_by_hand_and_says_where() -> None:
    command = [sys.executable, "-m", "llmesc.providers.faults", "--fault", "503", "--fault", "good=ok"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    base_url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    there = FaultServer(port=int(base_url.split(":")[2].split("/")[0]))

    assert base_url == there.base_url
    assert status_of(await ask(there, "m")) == 503
    assert status_of(await ask(there, "good")) == 200
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.parametrize("begun", [b"POST /v1/chat", b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 99\r\n\r\n{"])
async def test_a_client_that_hangs_up_in_mid_request_is_forgotten(server: FaultServer, begun: bytes) -> None:
    port = int(server.base_url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    writer.write_eof()

    assert await asyncio.wait_for(reader.read(), 20) == b"", "the server hangs up, too"
    writer.close()
    await writer.wait_closed()
    assert server.requests == []
    assert status_of(await ask(server, "ok")) == 200


async def test_it_can_refuse_by_hand() -> None:
    command = [sys.executable, "-m", "llmesc.providers.faults", "--fault", "refuse"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    base_url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    with pytest.raises(ConnectionRefusedError):
        await ask(FaultServer(port=int(base_url.split(":")[2].split("/")[0])), "m")
    process.terminate()
    await asyncio.wait_for(process.wait(), 20)


@pytest.mark.parametrize("fault", ["nonsense", "m=refuse", "200"])
def test_by_hand_a_fault_that_is_none_is_a_usage_error(fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--fault", fault])

    assert stopped.value.code == 2
    assert "no fault" in capsys.readouterr().err
