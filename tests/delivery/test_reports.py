"""What the sender tells of an attempt beside its outcome."""

from __future__ import annotations

import gc
from datetime import timedelta
from pathlib import Path

import pytest
from tests.delivery.calls import call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import RawHandler, answer, endless, hang_up, raw_handler, say, silence

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.answer_bytes import KEPT
from tidegate.delivery.http_sender import HttpSender
from tidegate.engine.ports.world import Response, SendReport


class Steps:
    """Counts a second each time it is asked."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


async def reported(sender: HttpSender, url: str, method: str = "POST", body: bytes = b"") -> SendReport:
    report = SendReport(Steps())
    await sender.send(call(url, method, body, timeout=timedelta(seconds=5)), None, report)
    return report


def response(report: SendReport) -> Response:
    assert report.answer is not None
    read = report.answer.read()
    assert read is not None
    return read


async def test_it_tells_the_head_and_the_beginning_of_the_answer(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(500, "X-Why: oops", "Set-Cookie: a=b", body=b"it broke"))
    report = await reported(sender, handler.url())
    read = response(report)
    assert dict(read.headers) == {"X-Why": "oops", "Set-Cookie": "a=b", "Content-Length": "8"}
    assert (read.body_start, read.body_bytes) == (b"it broke", 8)
    assert report.peer == f"127.0.0.1:{handler.port}"
    assert report.answer is not None
    assert report.answer.first_byte == 1.0
    assert report.connect > 0
    assert report.tls == 0


async def test_a_connection_that_is_used_again_is_told_as_such(sender: HttpSender, handler: RawHandler) -> None:
    first, second = await reported(sender, handler.url()), await reported(sender, handler.url())
    assert (first.reused, second.reused) == (False, True)
    assert second.connect == second.resolve == 0
    assert first.peer == second.peer


async def test_chunks_are_put_together(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(say(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    read = response(await reported(sender, handler.url()))
    assert (read.body_start, read.body_bytes) == (b"abcde", 5)


async def test_interim_answers_and_the_body_of_a_head_do_not_count(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(say(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 500 No\r\nA: b\r\nContent-Length: 9\r\n\r\n"))
    read = response(await reported(sender, handler.url(), "HEAD"))
    assert dict(read.headers) == {"A": "b", "Content-Length": "9"}
    assert (read.body_start, read.body_bytes) == (b"", 0)


async def test_only_so_many_bytes_are_held_however_much_comes(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(endless(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 1000))
    read = response(await reported(sender, handler.url()))
    assert len(read.body_start) <= KEPT
    assert read.body_bytes > KEPT


async def test_a_long_head_is_told_as_far_as_it_is_held(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(500, "First: 1", "Long: " + "x" * 3 * KEPT, body=b"body"))
    read = response(await reported(sender, handler.url()))
    assert read.headers[0] == ("First", "1")
    assert read.body_start == b""


async def test_what_broke_off_is_told_as_far_as_it_came(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(hang_up(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\npart"))
    read = response(await reported(sender, handler.url()))
    assert (read.body_start, read.body_bytes) == (b"part", 100)


async def test_no_answer_is_none(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(hang_up())
    report = await reported(sender, handler.url())
    assert report.answer is not None
    assert report.answer.read() is None
    assert report.answer.first_byte == 0


async def test_a_handler_that_says_nothing_in_time_leaves_no_response(
    clock: StoppedClock, sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(silence())
    report = SendReport(Steps())
    soon = timedelta(milliseconds=300)
    assert (await sender.send(call(handler.url(), timeout=soon), None, report)).timed_out
    assert report.answer is not None
    assert report.answer.read() is None


async def test_no_connection_tells_no_peer(sender: HttpSender) -> None:
    report = await reported(sender, "http://127.0.0.1:1/")
    assert report.peer == ""
    assert report.answer is None


async def test_redirects_are_told_in_their_order(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(307, "Location: /b"), answer(307, "Location: /c"), answer(500, body=b"end"))
    report = await reported(sender, handler.url("/a"))
    assert report.redirects == (handler.url("/b"), handler.url("/c"))
    assert response(report).body_start == b"end"


async def test_a_name_takes_time_to_resolve_and_tls_to_agree(clock: StoppedClock, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with raw_handler(tls=authority.server("localhost")) as handler:
        sender = HttpSender(clock, trusted_roots=authority.pem)
        report = SendReport(Steps())
        url = handler.url().replace("127.0.0.1", "localhost")
        assert await sender.send(call(url), None, report) == Outcome(200)
        await sender.close()
    assert min(report.resolve, report.connect, report.tls) > 0


@pytest.mark.parametrize("garbage", [b"\x00\xff" * 100, b"HTTP/1.1 \r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n"])
async def test_what_is_no_answer_is_read_without_an_error(
    sender: HttpSender, handler: RawHandler, garbage: bytes
) -> None:
    handler.does(hang_up(garbage))
    report = await reported(sender, handler.url())
    assert report.answer is not None
    report.answer.read()


async def test_a_report_that_is_dropped_leaves_no_cycle(sender: HttpSender, handler: RawHandler) -> None:
    await reported(sender, handler.url())
    gc.collect()
    gc.disable()
    try:
        await reported(sender, handler.url())
        assert not [each for each in gc.get_objects() if isinstance(each, SendReport)]
    finally:
        gc.enable()
