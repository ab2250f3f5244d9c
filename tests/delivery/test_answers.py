"""What becomes of answers: their status, their body up to a cap, Retry-After."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.delivery.calls import call
from tests.delivery.raw_handler import OK, RawHandler, answer, endless, hang_up, say

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.connection import BODY_MAX
from tidegate.delivery.http_sender import HttpSender

GZIP_BOMB = bytes.fromhex("1f8b0800000000000003") + b"\xed" * 1000


@pytest.mark.parametrize("status", [200, 204, 299, 300, 304, 400, 404, 418, 500, 502, 504, 599, 700])
async def test_the_status_is_the_outcome(sender: HttpSender, handler: RawHandler, status: int) -> None:
    handler.does(answer(status))
    assert await sender.send(call(handler.url()), None) == Outcome(status)


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
async def test_interim_answers_are_passed_over(sender: HttpSender, handler: RawHandler, interim: str) -> None:
    handler.does(say(f"HTTP/1.1 {interim}\r\nLink: <a>\r\n\r\n".encode() * 3 + OK))
    assert await sender.send(call(handler.url()), None) == Outcome(200)


async def test_an_answer_that_ends_with_its_connection_is_whole(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(hang_up(after=b"HTTP/1.0 200 OK\r\n\r\nbody"))
    assert await sender.send(call(handler.url()), None) == Outcome(200)


async def test_packed_bodies_stay_packed(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(200, "Content-Encoding: gzip", body=GZIP_BOMB))
    assert await sender.send(call(handler.url()), None) == Outcome(200)


async def test_a_body_up_to_the_cap_is_read_and_the_connection_used_again(
    sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(answer(200, body=b"a" * (BODY_MAX)))
    for _ in range(3):
        assert await sender.send(call(handler.url()), None) == Outcome(200)
    assert handler.connections == 1


async def test_more_body_than_the_cap_is_hung_up_on(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(endless(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n", b"a" * 10_000))
    assert await sender.send(call(handler.url()), None) == Outcome(200)
    await handler.ended.wait()


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_heard_when_a_handler_asks_for_room(
    sender: HttpSender, handler: RawHandler, status: int
) -> None:
    handler.does(answer(status, "Retry-After: 120"))
    assert await sender.send(call(handler.url()), None) == Outcome(status, retry_after=timedelta(seconds=120))


@pytest.mark.parametrize("status", [200, 302, 404, 500])
async def test_retry_after_means_nothing_with_other_answers(
    sender: HttpSender, handler: RawHandler, status: int
) -> None:
    handler.does(answer(status, "Retry-After: 120"))
    assert await sender.send(call(handler.url()), None) == Outcome(status)


async def test_a_retry_after_date_counts_from_now(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(503, "Retry-After: Mon, 04 May 2026 12:01:30 GMT"))
    assert (await sender.send(call(handler.url()), None)).retry_after == timedelta(seconds=90)


async def test_a_retry_after_that_is_not_ascii_is_none(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(503, "Retry-After: \xe9"))
    assert await sender.send(call(handler.url()), None) == Outcome(503)
