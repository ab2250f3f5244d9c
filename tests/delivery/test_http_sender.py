from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.delivery.calls import SECOND, call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import (
    OK,
    Connection,
    RawHandler,
    Step,
    answer,
    endless,
    hang_up,
    raw_handler,
    reset,
    say,
    silence,
)

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.connection import BODY_MAX
from tidegate.delivery.http_sender import HttpSender

SOON = timedelta(seconds=2)
"""A deadline that passes while the test waits; until then a request must have come, on a busy machine too."""
GZIP_BOMB = bytes.fromhex("1f8b0800000000000003") + b"\xed" * 1000


# What goes over the wire


async def test_the_wire_carries_host_the_calls_headers_as_they_are_written_and_the_length(
    sender: HttpSender, handler: RawHandler
) -> None:
    await sender.send(call(handler.url("/a?b=c"), "POST", b"body", ("X-Own", "1"), ("X-Own", "2")), None)
    request = handler.requests[0]
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert request.headers == [
        ("Host", f"127.0.0.1:{handler.port}"),
        ("User-Agent", "Google-Cloud-Tasks"),
        ("X-CloudTasks-QueueName", "queue"),
        ("X-CloudTasks-TaskName", "task"),
        ("X-Own", "1"),
        ("X-Own", "2"),
        ("Content-Length", "4"),
    ]
    assert request.body == b"body"


@pytest.mark.parametrize(
    "target",
    [
        "/a/../b",
        "/a/./b//c/",
        "/a/%2e%2E/b",
        "/../x",
        "//x",
        "/q?x='y'",
        "/q?",
        "/?/../",
        "/;p=1?a;b",
        "/%C3%A9?%5C",
        "/a?b?c",
    ],
)
async def test_path_and_query_are_sent_as_they_are_written(
    sender: HttpSender, handler: RawHandler, target: str
) -> None:
    await sender.send(call(handler.url(target)), None)
    assert handler.requests[0].line == f"POST {target} HTTP/1.1"


@pytest.mark.parametrize(("rest", "target"), [("", "/"), ("?a", "/?a"), ("#f", "/"), ("/x?#f ?\xe9", "/x?")])
async def test_an_empty_path_is_a_slash_and_a_fragment_stays_here(
    sender: HttpSender, handler: RawHandler, rest: str, target: str
) -> None:
    await sender.send(call(handler.url(rest)), None)
    assert handler.requests[0].line == f"POST {target} HTTP/1.1"


@pytest.mark.parametrize(
    ("raw", "sent"),
    [(" ", "%20"), ("\t", ""), ("\r\nX: y", "X:%20y"), ("\0", "%00"), ("\x7f", "%7F"), ("\xe9", "%C3%A9")],
)
@pytest.mark.parametrize("start", ["/a", "/?a"])
async def test_what_would_break_the_first_line_is_encoded(
    sender: HttpSender, handler: RawHandler, start: str, raw: str, sent: str
) -> None:
    await sender.send(call(handler.url(f"{start}{raw}b")), None)
    assert handler.requests[0].line == f"POST {start}{sent}b HTTP/1.1"


async def test_an_empty_header_is_sent_empty(sender: HttpSender, handler: RawHandler) -> None:
    await sender.send(call(handler.url(), "POST", b"", ("X-CloudTasks-TaskRetryReason", "")), None)
    assert handler.requests[0].header("X-CloudTasks-TaskRetryReason") == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_an_empty_body_says_so_where_one_could_be(sender: HttpSender, handler: RawHandler, method: str) -> None:
    await sender.send(call(handler.url(), method), None)
    assert handler.requests[0].line.startswith(method)
    assert handler.requests[0].header("content-length") == "0"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_methods_without_body_send_no_length(sender: HttpSender, handler: RawHandler, method: str) -> None:
    assert await sender.send(call(handler.url(), method), None) == Outcome(200)
    assert handler.requests[0].line.startswith(method)
    assert handler.requests[0].header("content-length") is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_methods_without_body_send_nothing_for_a_task_with_one(
    sender: HttpSender, handler: RawHandler, method: str
) -> None:
    assert await sender.send(call(handler.url(), method, b"body"), None) == Outcome(
        reason=f"{method} takes no body", unsendable=True
    )
    assert handler.connections == 0


async def test_a_minted_token_replaces_the_tasks_own_authorization(sender: HttpSender, handler: RawHandler) -> None:
    await sender.send(call(handler.url(), "GET", b"", ("authorization", "Basic own")), "Bearer minted")
    assert [v for n, v in handler.requests[0].headers if n.lower() == "authorization"] == ["Bearer minted"]


async def test_the_tasks_own_authorization_passes_without_a_token(sender: HttpSender, handler: RawHandler) -> None:
    await sender.send(call(handler.url(), "GET", b"", ("authorization", "Basic own")), None)
    assert handler.requests[0].header("authorization") == "Basic own"


async def test_proxies_of_the_environment_are_not_asked(
    clock: StoppedClock, handler: RawHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sender = HttpSender(clock)
    assert await sender.send(call(handler.url()), None) == Outcome(200)
    await sender.close()


async def test_cookies_are_not_kept(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(200, "Set-Cookie: a=b"))
    await sender.send(call(handler.url()), None)
    await sender.send(call(handler.url()), None)
    assert handler.requests[1].header("cookie") is None


async def test_connections_are_used_again(sender: HttpSender, handler: RawHandler) -> None:
    for _ in range(3):
        assert await sender.send(call(handler.url(), "POST", b"body"), None) == Outcome(200)
    assert handler.connections == 1


# Answers


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


# Handlers that misbehave


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        pytest.param(hang_up(), "connection closed without an answer", id="nothing"),
        pytest.param(hang_up(after=b"HTTP/1.1 20"), "connection closed without an answer", id="half a status"),
        pytest.param(hang_up(after=b"HTTP/1.1 200 OK\r\nX:"), "connection closed without an answer", id="half a head"),
        pytest.param(
            hang_up(after=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), "answer broken off", id="half a body"
        ),
        pytest.param(
            hang_up(after=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            "answer broken off",
            id="half a chunk",
        ),
        pytest.param(reset(), "connection reset", id="reset"),
        pytest.param(say(b"SSH-2.0-OpenSSH_9.9\r\n"), "answer is not HTTP", id="not HTTP"),
        pytest.param(say(b"HTTP/1.1 9999 No\r\n\r\n"), "answer is not HTTP", id="bad status"),
        pytest.param(say(b"HTTP/1.1 099 No\r\n\r\n"), "answer is not HTTP", id="status below 100"),
        pytest.param(say(b"HTTP/2.0 200 OK\r\n\r\n"), "answer is not HTTP", id="bad version"),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            "answer is not HTTP",
            id="two lengths",
        ),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "answer broken off", id="bad chunk"
        ),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 10_000),
            "answer with too many or too large headers",
            id="a header",
        ),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 100),
            "answer with too many or too large headers",
            id="headers",
        ),
        pytest.param(
            endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10),
            "answer with too many or too large headers",
            id="interim answers for ever",
        ),
    ],
)
async def test_what_is_no_answer_is_an_outcome_with_a_reason(
    sender: HttpSender, handler: RawHandler, step: Step, reason: str
) -> None:
    handler.does(step)
    assert await sender.send(call(handler.url("/?secret"), "POST", b"secret"), None) == Outcome(reason=reason)
    assert len(handler.requests) == 1


BROKEN_OFF = {"connection reset", "connection closed without an answer", "answer broken off"}


@pytest.mark.parametrize("read", [0, 1, 500, 500_000], ids=lambda read: f"after {read} bytes")
async def test_a_reset_before_the_request_has_come_is_no_answer(sender: HttpSender, read: int) -> None:
    met = 0

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        met += 1
        if read:
            await reader.readexactly(read)
        Connection(reader, writer).reset()

    async with await asyncio.start_server(rude, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"http://127.0.0.1:{port}/", "POST", bytes(1_000_000)), None)
    assert outcome.http_status == 0
    assert outcome.reason in BROKEN_OFF
    assert met == 1


@pytest.mark.parametrize(
    "said",
    [
        b"H",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nX-Half: a",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ],
)
async def test_a_reset_at_any_point_of_the_answer_is_no_answer(
    sender: HttpSender, handler: RawHandler, said: bytes
) -> None:
    handler.does(reset(said))
    outcome = await sender.send(call(handler.url(), "POST", b"body"), None)
    assert outcome.http_status == 0
    assert outcome.reason in BROKEN_OFF
    assert len(handler.requests) == 1


async def test_a_reset_within_the_body_is_no_answer(sender: HttpSender, handler: RawHandler) -> None:
    async def step(connection: Connection) -> bool:
        # A large part first: when it has come through, the head has been read.
        await connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"a" * 50_000)
        connection.reset()
        return False

    handler.does(step)
    outcome = await sender.send(call(handler.url()), None)
    assert outcome.http_status == 0
    assert outcome.reason in {"answer broken off", "connection reset"}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(silence(), id="before the answer"),
        pytest.param(silence(after=b"HTTP/1.1 200 OK\r\n"), id="within the head"),
        pytest.param(silence(after=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"), id="within the body"),
        pytest.param(silence(after=b"HTTP/1.1 303 Other\r\nContent-Length: 9\r\nLocation: /\r\n\r\n"), id="redirect"),
    ],
)
async def test_the_deadline_covers_everything_up_to_the_end_of_the_answer(
    sender: HttpSender, handler: RawHandler, step: Step
) -> None:
    handler.does(step)
    outcome = await sender.send(call(handler.url(), timeout=SOON), None)
    assert outcome == Outcome(timed_out=True, reason="no whole answer within the deadline")
    assert len(handler.requests) == 1
    await handler.ended.wait()


async def test_the_deadline_covers_a_handshake_that_never_comes(sender: HttpSender) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/", timeout=SOON), None)
    assert outcome.timed_out


async def test_a_deadline_already_passed_sends_nothing(sender: HttpSender, handler: RawHandler) -> None:
    outcome = await sender.send(call(handler.url(), timeout=timedelta()), None)
    assert outcome.timed_out
    assert handler.connections == 0


async def test_refused_and_unknown_hosts_are_no_answer(sender: HttpSender) -> None:
    async with raw_handler() as gone:
        pass
    assert await sender.send(call(gone.url()), None) == Outcome(reason="connection refused")
    unknown = await sender.send(call("http://nowhere.invalid/"), None)
    assert unknown.reason in {"host not found", "name server does not answer"}  # the latter without a network


@pytest.mark.parametrize(
    "url",
    ["", "nothing", "http://", "http://[::1/", "http://a b/", "http://1.2.3.4.5/", "http://host:99999/", "ftp://host/"],
)
async def test_a_url_that_cannot_be_called_is_an_outcome(sender: HttpSender, url: str) -> None:
    outcome = await sender.send(call(url), None)
    assert outcome.http_status == 0
    assert outcome.reason


@pytest.mark.parametrize(
    "header",
    [
        ("a b", "c"),
        ("", "x"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "\0"),
        ("X", "\xe9"),
        ("host", "a"),
        ("Content-Length", "1"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_an_outcome(
    sender: HttpSender, handler: RawHandler, header: tuple[str, str]
) -> None:
    outcome = await sender.send(call(handler.url(), "POST", b"", header), None)
    assert outcome == Outcome(reason="URL or header cannot be sent", unsendable=True)
    assert handler.connections == 0


async def test_cancelling_hangs_up_at_once(sender: HttpSender, handler: RawHandler) -> None:
    asked = asyncio.Event()

    async def step(connection: Connection) -> bool:
        asked.set()
        await connection.closed_by_peer()
        return False

    handler.does(step)
    sending = asyncio.create_task(sender.send(call(handler.url()), None))
    await asked.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await handler.ended.wait()


async def test_a_closed_sender_answers_with_an_outcome(clock: StoppedClock, handler: RawHandler) -> None:
    sender = HttpSender(clock)
    await sender.close()
    outcome = await sender.send(call(handler.url()), None)
    assert outcome == Outcome(reason="sender closed")


# Kept connections


async def test_a_kept_connection_that_the_handler_closed_costs_no_attempt(
    sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(say(OK, then_close=True))
    assert await sender.send(call(handler.url("/1"), "POST", b"a"), None) == Outcome(200)
    assert await sender.send(call(handler.url("/2"), "POST", b"b"), None) == Outcome(200)
    assert [request.line for request in handler.requests] == ["POST /1 HTTP/1.1", "POST /2 HTTP/1.1"]
    assert handler.connections == 2


@pytest.mark.parametrize("die", [hang_up(), reset()], ids=["closing", "resetting"])
async def test_a_handler_that_dies_on_a_request_is_not_sent_it_again(
    sender: HttpSender, handler: RawHandler, die: Step
) -> None:
    handler.does(say(OK), die)
    await sender.send(call(handler.url()), None)
    assert (await sender.send(call(handler.url(), "POST", b"body"), None)).reason in BROKEN_OFF
    assert len(handler.requests) == 2


async def test_a_handler_that_dies_before_it_has_read_all_of_a_request_is_not_sent_it_again(
    sender: HttpSender,
) -> None:
    connections = 0

    async def dies_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"Content-Length: 0\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(dies_early, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert await sender.send(call(url), None) == Outcome(200)
        assert (await sender.send(call(url, "POST", bytes(5_000_000)), None)).reason in BROKEN_OFF
    assert connections == 1


@pytest.mark.parametrize(("after", "requests"), [(0 * SECOND, 3), (SECOND, 2)], ids=["at once", "later"])
async def test_where_the_kernel_does_not_tell_a_handler_that_dies_at_once_may_be_sent_a_request_again(
    sender: HttpSender,
    handler: RawHandler,
    clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
    after: timedelta,
    requests: int,
) -> None:
    async def die(connection: Connection) -> bool:
        clock.advance(after)
        return False

    monkeypatch.setattr("tidegate.delivery.connection.unacknowledged", lambda sock: None)
    monkeypatch.setattr("tidegate.delivery.http_sender.CLOSED_BY_THEN", 0.9)  # the machine may be slow
    handler.does(say(OK), die)
    await sender.send(call(handler.url()), None)
    assert await sender.send(call(handler.url()), None) == Outcome(reason="connection closed without an answer")
    assert len(handler.requests) == requests  # once more and no more


async def test_a_handler_that_answered_long_ago_has_no_kept_connection(
    sender: HttpSender, handler: RawHandler, clock: StoppedClock
) -> None:
    handler.does(say(OK), hang_up())
    await sender.send(call(handler.url()), None)
    clock.advance(10 * SECOND)
    assert await sender.send(call(handler.url()), None) == Outcome(reason="connection closed without an answer")
    assert len(handler.requests) == 2


async def test_a_handler_that_answered_in_part_is_not_sent_it_again(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(say(OK), hang_up(after=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"))
    await sender.send(call(handler.url()), None)
    assert await sender.send(call(handler.url()), None) == Outcome(reason="answer broken off")
    assert len(handler.requests) == 2


async def test_a_handler_silent_until_the_deadline_is_not_sent_it_again(
    sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(say(OK), silence())
    await sender.send(call(handler.url()), None)
    assert (await sender.send(call(handler.url(), timeout=SOON), None)).timed_out
    assert len(handler.requests) == 2


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def tls_handler(authority: Authority) -> AsyncIterator[RawHandler]:
    async with raw_handler(tls=authority.server("localhost")) as handler:
        handler.host = "localhost"
        yield handler


async def test_a_trusted_certificate_is_accepted(
    clock: StoppedClock, tls_handler: RawHandler, authority: Authority
) -> None:
    sender = HttpSender(clock, trusted_roots=authority.pem)
    assert await sender.send(call(tls_handler.url(), "POST", b"body"), None) == Outcome(200)
    await sender.close()


async def test_ssl_cert_file_names_authorities_to_trust(
    clock: StoppedClock, tls_handler: RawHandler, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authorities.pem").write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    sender = HttpSender(clock)
    assert await sender.send(call(tls_handler.url()), None) == Outcome(200)
    await sender.close()


async def test_an_unknown_authority_is_refused_and_nothing_sent(sender: HttpSender, tls_handler: RawHandler) -> None:
    assert await sender.send(call(tls_handler.url()), None) == Outcome(reason="TLS certificate not accepted")
    assert tls_handler.requests == []


async def test_a_certificate_for_another_name_is_refused_and_nothing_sent(
    clock: StoppedClock, authority: Authority
) -> None:
    sender = HttpSender(clock, trusted_roots=authority.pem)
    async with raw_handler(tls=authority.server("elsewhere.example")) as handler:
        handler.host = "localhost"
        assert await sender.send(call(handler.url()), None) == Outcome(reason="TLS certificate not accepted")
        assert handler.requests == []
    await sender.close()


async def test_a_handler_that_speaks_no_tls_is_no_answer(sender: HttpSender) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/"), None)
    assert outcome == Outcome(reason="TLS handshake failed")


@pytest.mark.parametrize("says", [b"", b"\x16\x03", bytes(200)], ids=["nothing", "half a record", "rubbish"])
async def test_a_handshake_that_is_broken_off_is_no_answer(sender: HttpSender, says: bytes) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(says)
        await writer.drain()
        Connection(reader, writer).reset()

    async with await asyncio.start_server(rude, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/"), None)
    assert outcome.http_status == 0
    assert outcome.reason in {"TLS handshake failed", "connection reset"}


# Retry-After


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
