"""What happens together in Redis: who gets a request, how long, and what becomes of it when they die."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from llmesc.escalation.redis_url import parse_redis_url
from llmesc.fleet.link import Claimed, Link
from llmesc.fleet.times import TRIES, UNREAD_PARTS
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio

LANE = "m@8k"
Put = Callable[..., Awaitable[int | None]]
Idle = Callable[[str, str, str], None]


async def claim(link: Link, worker: str = "w1", *lanes: str) -> Claimed:
    found = await link.claim(worker, lanes or (LANE,))
    assert isinstance(found, Claimed), found
    return found


async def nothing(link: Link, worker: str = "w1", *lanes: str) -> bool:
    return not isinstance(await link.claim(worker, lanes or (LANE,)), Claimed)


async def say(link: Link, claimed: Claimed, worker: str = "w1", *, content: bool = False, last: bool = False) -> str:
    return await link.say(worker, claimed, b"part", "", content=content, last=last)


async def test_each_request_goes_to_one_worker_in_order(link: Link, put: Put) -> None:
    for job in ("a", "b", "c"):
        assert await put(job) is None

    claimed = [await claim(link, worker) for worker in ("w1", "w2", "w1")]

    assert [each.job for each in claimed] == ["a", "b", "c"]
    assert claimed[0].body == b"body of a"
    assert await nothing(link)


async def test_lanes_are_looked_at_in_the_order_that_the_worker_names(link: Link, put: Put) -> None:
    await put("small", "m@8k")
    await put("large", "m@32k")

    assert (await claim(link, "w1", "m@32k", "m@8k")).lane == "m@32k"
    assert (await claim(link, "w1", "m@32k", "m@8k")).lane == "m@8k"


async def test_a_lane_holds_no_more_than_it_may(link: Link, put: Put) -> None:
    assert await put("a", most=3) is None
    assert await put("b", most=3) is None
    claimed = await claim(link)
    assert await put("c", most=3) is None
    assert await put("d", most=3) == 2
    assert (await link.survey([LANE]))[1][LANE] == (2, 1)

    await link.leave("b")
    assert await put("d", most=3) is None
    assert await put("e", most=3) == 2

    await say(link, claimed, last=True)
    assert await put("e", most=3) is None


async def test_requests_whose_asker_died_with_its_time_take_no_place(link: Link, put: Put) -> None:
    assert await put("dead", most=1, seconds=-1) is None

    assert await put("alive", most=1) is None
    assert (await claim(link)).job == "alive"


async def test_an_expired_request_is_dropped_and_not_run(link: Link, put: Put) -> None:
    await put("late", seconds=-1)

    assert await nothing(link)
    assert (await link.survey([LANE]))[1][LANE] == (0, 0)


async def test_what_a_dead_worker_had_goes_to_another_which_begins_anew(link: Link, put: Put, idle: Idle) -> None:
    await put("a")
    first = await claim(link, "dead")
    assert await say(link, first, "dead") == "ok"
    assert await nothing(link, "w2")

    idle(LANE, "dead", first.entry)
    second = await claim(link, "w2")

    assert second == first
    assert await link.read("a", "0-0", 0.001) == []
    assert await say(link, first, "dead") == "gone"
    assert await say(link, second, "w2", content=True) == "ok"
    assert [entry.body for entry in await link.read("a", "0-0", 0.001)] == [b"part"]


async def test_after_the_first_token_it_is_lost_and_goes_to_nobody(link: Link, put: Put, idle: Idle) -> None:
    await put("a")
    first = await claim(link, "dead")
    assert await say(link, first, "dead", content=True) == "ok"

    fate = await link.watch("a")
    assert (fate.word, fate.worker, fate.begun) == ("orphaned", "dead", True)  # it never beat
    idle(LANE, "dead", first.entry)
    assert await nothing(link, "w2")

    assert (await link.watch("a")).word == "lost"
    assert await say(link, first, "dead") == "gone"


async def test_a_request_that_kills_its_workers_does_not_take_them_all(link: Link, put: Put, idle: Idle) -> None:
    await put("deadly")
    for number in range(TRIES):
        claimed = await claim(link, f"w{number}")
        idle(LANE, f"w{number}", claimed.entry)

    assert await nothing(link, "last")
    assert (await link.watch("deadly")).word == "lost"


async def test_a_beat_keeps_what_a_worker_has(link: Link, put: Put, idle: Idle) -> None:
    await put("a")
    claimed = await claim(link)
    idle(LANE, "w1", claimed.entry)

    assert await link.beat("w1", b"{}", "", [claimed]) == []

    assert await nothing(link, "w2")
    fate = await link.watch("a")
    assert (fate.word, fate.worker, fate.begun) == ("running", "w1", False)


async def test_a_worker_hears_what_is_not_its_own_any_more(link: Link, put: Put, idle: Idle) -> None:
    for job in ("left", "taken", "kept"):
        await put(job)
    had = [await claim(link) for _ in range(3)]
    await link.leave("left")
    idle(LANE, "w1", had[1].entry)
    assert (await claim(link, "w2")).job == "taken"

    assert set(await link.beat("w1", b"{}", "", had)) == {"left", "taken"}
    assert [entry.body for entry in await link.mail("w1", "0-0", 0.001)] == [b"left"]


async def test_an_unread_answer_has_a_bound_and_what_was_read_makes_room(link: Link, put: Put) -> None:
    await put("a")
    claimed = await claim(link)
    assert {await say(link, claimed, content=True) for _ in range(UNREAD_PARTS)} == {"ok"}
    assert await say(link, claimed, content=True) == "full"

    read = await link.read("a", "0-0", 0.001)
    await link.forget("a", read[:1])

    assert await say(link, claimed, content=True) == "ok"
    assert await say(link, claimed, content=True) == "full"
    assert await say(link, claimed, last=True) == "ok", "an end is always told"


async def test_an_answer_that_is_over_leaves_nothing(link: Link, put: Put, redis_server: RedisServer, prefix: str) -> None:
    await put("a")
    claimed = await claim(link)
    await say(link, claimed, content=True)
    await say(link, claimed, last=True)
    assert (await link.watch("a")).word == "done"

    await link.leave("a")

    keys = redis_server.ask("KEYS", f"{{{prefix}}}:fleet:*")
    assert "job" not in keys and "answer" not in keys and "mail" not in keys
    assert (await link.survey([LANE]))[1][LANE] == (0, 0)


async def test_news_of_a_lane_comes_to_who_waits_for_it(link: Link, put: Put) -> None:
    behind = await link.claim("w1", [LANE])
    assert isinstance(behind, dict)
    await put("a")

    await link.news(behind, 30.0)  # returns at once, or the test takes half a minute

    assert (await claim(link)).job == "a"


@pytest.mark.parametrize(
    "command",
    [
        ("XADD", "{lane}", "*", "what", "ever"),
        ("XADD", "{lane}", "*", "job", ""),
        ("XADD", "{lane}", "*", "job", "nobody", "job", "b"),
    ],
)
async def test_what_strangers_put_into_a_lane_is_dropped(
    link: Link, put: Put, redis_server: RedisServer, prefix: str, command: tuple[str, ...]
) -> None:
    await link.claim("w1", [LANE])
    redis_server.ask(*(part.format(lane=f"{{{prefix}}}:fleet:lane:{LANE}") for part in command))
    redis_server.ask("SET", f"{{{prefix}}}:fleet:job:ever", "no hash")
    await put("good")

    assert (await claim(link)).job == "good"


async def test_workers_that_have_left_are_no_more(link: Link) -> None:
    await link.beat("w1", b"one", "signed", [])
    await link.beat("w2", b"two", "", [])
    assert [(each.body, each.signature) for each in (await link.survey())[0]] == [(b"one", "signed"), (b"two", "")]

    await link.end("w1", [LANE])

    assert [each.body for each in (await link.survey())[0]] == [b"two"]


async def test_it_works_on_a_cluster(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = RedisServer(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes").start()
    try:
        server.be_a_cluster()
        link = Link(parse_redis_url(f"{server.url}&cluster=true"))
        await link.open()
        await link.ask(LANE, "a", b"body", "", most=1, until=link.now() + 60)
        claimed = await claim(link)
        await link.beat("w1", b"{}", "", [claimed])
        await say(link, claimed, content=True)
        read = await link.read("a", "0-0", 5.0)
        await link.forget("a", read)
        await link.leave("a")
        assert [entry.body for entry in await link.mail("w1", "0-0", 5.0)] == [b"a"]
        await link.tell("w1", "drain", "")
        await link.end("w1", [LANE])
        await link.aclose()
    finally:
        server.stop()
