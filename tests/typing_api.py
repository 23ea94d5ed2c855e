"""Never run: type checkers read how the library is meant to be used, and complain where the public types changed."""

from __future__ import annotations

from typing import assert_type

import llmesc


def from_a_script() -> None:
    assert_type(llmesc.ask("What is Raft?"), str)


async def from_a_service() -> None:
    async with llmesc.Engine.open() as engine:
        assert_type(engine, llmesc.Engine)
        reply = await engine.ask("What is Raft?", llmesc.AskOptions(max_attempts=2))
        assert_type(reply, llmesc.Reply)
        assert_type(reply.text, str)
        await engine.ask(
            llmesc.ask_for("What is it?", images=[llmesc.image_of(b"GIF89a"), llmesc.Image(url="https://a.test/b.png")])
        )
        assert_type(llmesc.responses_request({"input": "What is Raft?"}), llmesc.Request)
        assert_type(llmesc.toolbox([len], max_rounds=2), llmesc.Toolbox)
        await engine.ask("…", llmesc.AskOptions(tools=[len]))
        try:
            await engine.ask("…")
        except llmesc.RateLimitError as error:
            assert_type(error.retry_after_seconds, float | None)
        except llmesc.EscalationExhausted as error:
            for report in error.attempts:
                assert_type(report, llmesc.AttemptReport)
        async with engine.start("What is Raft?") as run:
            async for event in run:
                assert_type(event.seq, int)
                if isinstance(event, llmesc.TextDelta):
                    assert_type(event.text, str)
