"""A task sent once more: its handler sees it, and nothing else does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import HttpTarget, Kind, OidcToken, Queue
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.schema.operator import Attempt, Operator

HOUR = timedelta(hours=1)
CANARY = "canary-7f3a"
WITH_TOKEN = Queue(name=QUEUE, http_target=HttpTarget(token=OidcToken(CANARY)))


async def replayed(life: Life, **asked: Any) -> Any:
    return await life.call(Operator.replay_task, name=QUEUE.task("t"), **asked)


def test_a_replay_tells_what_came_of_it_and_changes_nothing() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        before = await life.engine.tasks.get(QUEUE.task("t"), body=True)
        life.network.answer = lambda _: Outcome(http_status=503)
        attempt = await replayed(life)
        assert (attempt.outcome, attempt.http_status, attempt.number) == (Attempt.Outcome.FAILED, 503, 1)
        assert attempt.request.url == "http://handler.test/"
        assert not attempt.final
        assert "retry_time" not in attempt
        ((call, _),) = life.network.calls
        assert ("X-Tidegate-Replay", "1") in call.headers
        assert await life.engine.tasks.get(QUEUE.task("t"), body=True) == before
        assert await life.engine.attempts.list(QUEUE.task("t")) == []

    lived(story)


def test_its_own_origin_gets_the_token_and_others_get_no_secret() -> None:
    async def story(life: Life) -> None:
        headers = {"Cookie": CANARY, "X-Api-Key": CANARY, "X-Plain": "seen"}
        draft = TaskDraft(name=QUEUE.task("t"), target=HttpDraft("http://handler.test/a", headers=headers))
        new = check_task(draft, QUEUE, life.clock.now())
        await life.engine.queues.pause(QUEUE)
        await life.engine.tasks.create(QUEUE, new)
        shown = [await replayed(life), await replayed(life, url="http://handler.test/b")]
        elsewhere = await replayed(life, url="http://other.test:8080/")
        own, same, other = life.network.calls
        assert own[1] == same[1] == f"Bearer {CANARY}"
        assert same[0].url == "http://handler.test/b"
        assert other[1] is None
        assert CANARY not in str(other[0])
        assert ("X-Plain", "seen") in other[0].headers
        assert CANARY not in str([*shown, elsewhere])

    lived(story, WITH_TOKEN)


@pytest.mark.parametrize("url", ["ftp://x/", "nonsense", "http://", "http://a b/", "http://x/" + "y" * 3000, "\x00"])
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        with pytest.raises(InvalidArgument, match=r"ReplayTaskRequest\.url"):
            await replayed(life, url=url)
        assert life.sent == []

    lived(story)


def test_what_has_no_request_is_refused() -> None:
    async def story(life: Life) -> None:
        with pytest.raises(NotFound):
            await replayed(life)
        draft = TaskDraft(name=QUEUE.task("t"), target=PullDraft(b"x", ""))
        await life.engine.tasks.create(QUEUE, check_task(draft, QUEUE, life.clock.now()))
        with pytest.raises(FailedPrecondition):
            await replayed(life)
        for limit in (-1, 1025):
            with pytest.raises(InvalidArgument, match="bodyLimit"):
                await replayed(life, body_limit=limit)

    lived(story, Queue(name=QUEUE, kind=Kind.PULL))


def test_only_so_many_are_under_way_at_once() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        life.network.seconds = 60
        under_way = [asyncio.ensure_future(replayed(life)) for _ in range(16)]
        await asyncio.sleep(1)
        with pytest.raises(ResourceExhausted):
            await replayed(life)
        await asyncio.gather(*under_way)
        await replayed(life)

    lived(story)
