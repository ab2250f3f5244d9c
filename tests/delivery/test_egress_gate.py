"""Egress rules at work. Everything stays on the loopback network: 127.0.0.2 plays the allowed address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.delivery.calls import SECOND, call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import OK, RawHandler, answer, hang_up, raw_handler, raw_handlers, say

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.destination import destination
from tidegate.delivery.egress import Egress
from tidegate.delivery.egress_gate import EgressGate, Forbidden, is_this_machine
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.lookups import SHARE
from tidegate.delivery.resolver import HostNotFound, Resolver, Unanswered

FORBIDDEN = Outcome(forbidden=True, reason="address not allowed by the egress rules")


class Names:
    """A name server: each name's answers one after another, the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str] | type[Unanswered]]] = {}
        self.asked: list[str] = []
        self.first_asked = asyncio.Event()
        self.silent = False
        self.hanging = " "  # names that end so are never answered

    def say(self, name: str, *answers: list[str] | type[Unanswered]) -> None:
        self.answers[name] = list(answers)

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        self.first_asked.set()
        if self.silent or name.endswith(self.hanging):
            await asyncio.Event().wait()
        answers = self.answers.get(name)
        if answers is None:
            raise HostNotFound
        said = answers[0] if len(answers) == 1 else answers.pop(0)
        if not isinstance(said, list):
            raise said
        return said


@pytest.fixture
def names() -> Names:
    return Names()


@contextlib.asynccontextmanager
async def sender_under(
    rules: str, clock: StoppedClock, names: Names, exempt: str = "", roots: bytes = b""
) -> AsyncIterator[HttpSender]:
    egress = Egress.parse(rules.split(","))
    sender = HttpSender(clock, egress=egress, exempt_origins=exempt.split(), trusted_roots=roots, lookup=names)
    yield sender
    await sender.close()


@pytest.fixture
async def sender(clock: StoppedClock, names: Names) -> AsyncIterator[HttpSender]:
    async with sender_under("public,127.0.0.2", clock, names) as sender:
        yield sender


ALLOWED = "127.0.0.2"
OTHERS = ["127.0.0.1", "::1", "127.255.255.254"]


@pytest.fixture
async def handlers() -> AsyncIterator[dict[str, RawHandler]]:
    """The handler that may be called and those that may not, all on one port."""
    async with raw_handlers(ALLOWED, *OTHERS) as handlers:
        handlers[ALLOWED].host = ALLOWED
        yield handlers


@pytest.fixture
def handler(handlers: dict[str, RawHandler]) -> RawHandler:
    """The handler that may be called."""
    return handlers[ALLOWED]


@pytest.fixture
def canary(handlers: dict[str, RawHandler]) -> Iterator[RawHandler]:
    """What must never be reached."""
    yield handlers["127.0.0.1"]
    assert connections_to_others(handlers) == 0


def connections_to_others(handlers: dict[str, RawHandler]) -> int:
    return sum(handlers[host].connections for host in OTHERS)


# What may not be called is not

SPELLINGS = [
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7F.0x0.0x0.0x1:PORT/",
    "http://017700000001:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://0x7f.1:PORT/",
    "http://127.0.0.1\t:PORT/",
    "http://1\n27.0.0.1:PORT/",
    "http://127%2e0%2e0%2e1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://\uff11\uff12\uff17.0.0.1:PORT/",
    "http://127\u30020\u30020\u30021:PORT/",
    "http://\u2460\u2461\u2466.0.0.1:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://127.255.255.254:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::FFFF:7F00:0001]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://[64:ff9b:1::127.0.0.1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[2001:0:7f00:1::]:PORT/",
    "http://user@127.0.0.1:PORT/",
    "http://user:password@127.0.0.1:PORT/",
    "http://127.0.0.2@127.0.0.1:PORT/",
    "http://127.0.0.2:PORT@127.0.0.1:PORT/",
    "http://127.0.0.2%40@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@127.0.0.2:PORT/",
    "http://127.0.0.1:PORT#@127.0.0.2:PORT/",
    "http://127.0.0.1:PORT?@127.0.0.2:PORT/",
    "http:127.0.0.1:PORT/",
    "http:////127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT/",
    " http://127.0.0.1:PORT/",
    "HTTP://127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "https://[::1]:PORT/",
]
NOWHERE = ["[::127", "[64:", "[2002:", "[2001:"]  # addresses that need routers to turn them into loopback ones
NAMES = [
    "http://local:PORT/",
    "http://LOCAL:PORT/",
    "http://local.:PORT/",
    "http://\u24db\u24de\u24d2\u24d0\u24db:PORT/",
    "http://lo%63al:PORT/",
    "https://local:PORT/",
    "http://local6:PORT/",
    "http://mapped:PORT/",
    "http://xn--lcal-5qa:PORT/",
    "http://l\u00f6cal:PORT/",
    "https://l\u00f6cal:PORT/",
    "http://zoned:PORT/",
]


@pytest.mark.parametrize("url", SPELLINGS + NAMES)
async def test_no_spelling_of_a_forbidden_address_is_called(
    sender: HttpSender, canary: RawHandler, names: Names, url: str
) -> None:
    for name in ("local", "local.", "xn--lcal-5qa"):
        names.say(name, ["127.0.0.1", "::1"])
    names.say("local6", ["::1"])
    names.say("mapped", ["::ffff:127.0.0.1"])
    names.say("zoned", ["fe80::1%lo"])
    outcome = await sender.send(call(url.replace("PORT", str(canary.port)), "POST", b"body"), None)
    assert outcome == FORBIDDEN


@pytest.mark.parametrize(
    "url", [url for url in SPELLINGS if url.startswith("http") and not any(dead in url for dead in NOWHERE)]
)
async def test_each_spelling_would_get_there_without_rules(
    clock: StoppedClock, names: Names, handlers: dict[str, RawHandler], url: str
) -> None:
    """The listener answers, so a refusal in the table above is the gate's."""
    async with sender_under("all", clock, names) as sender:
        await sender.send(call(url.replace("PORT", str(handlers[ALLOWED].port)), timeout=3 * SECOND), None)
    assert connections_to_others(handlers) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1%25lo]:PORT/",
        "http://[::1%lo]:PORT/",
        "http://[127.0.0.1]:PORT/",
        "http://127.0.0.1.5.1:PORT/",
        "http://0x1007f000001:PORT/",
        "http://[::1:PORT/",
        "http://::1:PORT/",
        "http://127.0.0.1:PORT:80/",
        "ftp://127.0.0.1:PORT/",
        "file:///etc/passwd",
        "//127.0.0.1:PORT/",
        "gopher://127.0.0.1:PORT/",
    ],
)
async def test_what_is_no_http_url_is_not_called(sender: HttpSender, canary: RawHandler, url: str) -> None:
    outcome = await sender.send(call(url.replace("PORT", str(canary.port))), None)
    assert outcome.http_status == 0
    assert outcome.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:PORT/", "//127.1:PORT/", "http://[::1]:PORT/", "http://local:PORT/", "\\\\0:PORT/"]
)
async def test_a_redirect_is_judged_like_the_first_address(
    sender: HttpSender, handler: RawHandler, canary: RawHandler, names: Names, status: int, location: str
) -> None:
    names.say("local", ["127.0.0.1"])
    handler.does(answer(status, "Location: " + location.replace("PORT", str(canary.port))))
    assert await sender.send(call(handler.url(), "POST", b"body"), None) == FORBIDDEN
    assert len(handler.requests) == 1


async def test_a_name_that_changes_its_mind_is_judged_again(
    sender: HttpSender, handler: RawHandler, canary: RawHandler, names: Names, clock: StoppedClock
) -> None:
    names.say("turncoat", ["127.0.0.2"], ["127.0.0.1"])
    url = f"http://turncoat:{handler.port}/"
    assert await sender.send(call(url), None) == Outcome(200)
    clock.advance(10 * SECOND)
    assert await sender.send(call(url), None) == FORBIDDEN


async def test_what_is_connected_to_is_what_was_judged(
    sender: HttpSender, handler: RawHandler, canary: RawHandler, names: Names
) -> None:
    """Only our name server knows the name: were it looked up by anyone else, there would be no answer."""
    names.say("pinned.test", ["127.0.0.2"], ["127.0.0.1"])
    for _ in range(3):
        assert await sender.send(call(f"http://pinned.test:{handler.port}/"), None) == Outcome(200)
    assert names.asked == ["pinned.test"]
    assert handler.connections == 1


async def test_a_name_with_forbidden_addresses_too_is_called_at_the_others(
    sender: HttpSender, handler: RawHandler, canary: RawHandler, names: Names
) -> None:
    names.say("both", ["127.0.0.1", "127.0.0.2", "::1"])
    assert await sender.send(call(f"http://both:{handler.port}/"), None) == Outcome(200)


async def test_a_forbidden_name_is_not_even_looked_up(clock: StoppedClock, names: Names, handler: RawHandler) -> None:
    names.say("secret.test", ["127.0.0.2"])
    async with sender_under("all,!*.test", clock, names) as sender:
        assert await sender.send(call(f"http://secret.test:{handler.port}/"), None) == FORBIDDEN
        assert await sender.send(call(handler.url()), None) == Outcome(200)
    assert names.asked == []


# What may be called is, as the task says


async def test_an_allowed_name_is_called_by_its_name(
    clock: StoppedClock, names: Names, handler: RawHandler, canary: RawHandler
) -> None:
    names.say("handlers.test", ["127.0.0.2"])
    async with sender_under("*.test", clock, names) as sender:
        url = f"http://user:word@handlers.test:{handler.port}/a?b=c#d"
        assert await sender.send(call(url, "POST", b"body"), None) == Outcome(200)
    request = handler.requests[0]
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert [value for name, value in request.headers if name == "Host"] == [f"handlers.test:{handler.port}"]
    assert request.header("authorization") == "Basic dXNlcjp3b3Jk"
    assert request.body == b"body"


async def test_over_tls_the_name_is_asked_for_and_its_certificate_checked(
    clock: StoppedClock, names: Names, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    names.say("handlers.test", ["127.0.0.2"])
    names.say("impostor.test", ["127.0.0.2"])
    async with (
        raw_handler("127.0.0.2", tls=authority.server("handlers.test")) as handler,
        sender_under("*.test", clock, names, roots=authority.pem) as sender,
    ):
        for _ in range(3):
            assert await sender.send(call(f"https://handlers.test:{handler.port}/"), None) == Outcome(200)
        assert handler.connections == 1
        assert handler.requests[0].header("host") == f"handlers.test:{handler.port}"
        outcome = await sender.send(call(f"https://impostor.test:{handler.port}/"), None)
        assert outcome == Outcome(reason="TLS certificate not accepted")
        assert len(handler.requests) == 3


@pytest.mark.parametrize(
    "spelling", ["HANDLERS.test", "handlers.test.", "h\u00e4ndlers.test", "hand%6cers.test", "handlers_1.test"]
)
async def test_over_tls_each_spelling_of_a_name_is_pinned(
    clock: StoppedClock, names: Names, tmp_path: Path, spelling: str
) -> None:
    """Nobody but our name server knows it, so who reaches the handler was pinned; the certificate is another matter."""
    for name in ("handlers.test", "handlers.test.", "xn--hndlers-5wa.test", "handlers_1.test"):
        names.say(name, ["127.0.0.2"])
    async with (
        raw_handler("127.0.0.2", tls=Authority(tmp_path).server("handlers.test")) as handler,
        sender_under("*.test", clock, names) as sender,
    ):
        outcome = await sender.send(call(f"https://{spelling}:{handler.port}/"), None)
        assert outcome == Outcome(reason="TLS certificate not accepted")
        assert handler.connections == 1


async def test_relative_redirects_stay_with_the_name(sender: HttpSender, handler: RawHandler, names: Names) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    handler.does(answer(307, "Location: /next"), answer(200))
    assert await sender.send(call(f"http://pinned.test:{handler.port}/"), "Bearer t") == Outcome(200)
    assert handler.requests[1].header("host") == f"pinned.test:{handler.port}"
    assert handler.requests[1].header("authorization") == "Bearer t"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_next_address_is_tried_when_one_does_not_connect(
    clock: StoppedClock, names: Names, tmp_path: Path, scheme: str
) -> None:
    authority = Authority(tmp_path)
    names.say("handlers.test", ["127.0.0.3", "127.0.0.2"])
    tls = authority.server("handlers.test") if scheme == "https" else None
    async with (
        raw_handler("127.0.0.2", tls=tls) as handler,
        sender_under("*.test", clock, names, roots=authority.pem) as sender,
    ):
        assert await sender.send(call(f"{scheme}://handlers.test:{handler.port}/"), None) == Outcome(200)
        names.say("gone.test", ["127.0.0.3", "127.0.0.4"])
        outcome = await sender.send(call(f"{scheme}://gone.test:{handler.port}/"), None)
        assert outcome == Outcome(reason="connection refused")


async def test_the_next_address_is_not_tried_once_one_took_the_request(
    clock: StoppedClock, names: Names, handler: RawHandler, canary: RawHandler
) -> None:
    names.say("handlers.test", ["127.0.0.2", "127.0.0.1"])
    handler.does(hang_up())
    async with sender_under("*.test", clock, names) as sender:
        outcome = await sender.send(call(f"http://handlers.test:{handler.port}/"), None)
    assert outcome == Outcome(reason="connection closed without an answer")


async def test_a_kept_connection_that_the_handler_closed_costs_no_attempt(
    sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    handler.does(say(OK, then_close=True))
    for _ in range(2):
        assert await sender.send(call(f"http://pinned.test:{handler.port}/"), None) == Outcome(200)
    assert [request.header("host") for request in handler.requests] == [f"pinned.test:{handler.port}"] * 2


async def test_an_unknown_name_is_no_answer(sender: HttpSender) -> None:
    assert await sender.send(call("http://nowhere.test/"), None) == Outcome(reason="host not found")


async def test_a_silent_name_server_is_no_answer(sender: HttpSender, names: Names) -> None:
    names.say("a.test", Unanswered)
    outcome = await sender.send(call("http://a.test/"), None)
    assert outcome == Outcome(reason="name server does not answer")


async def test_an_address_that_is_served_stale_is_judged_again_and_pinned(
    clock: StoppedClock, sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("a.test", ["127.0.0.2"], Unanswered)
    assert await sender.send(call(f"http://a.test:{handler.port}/"), None) == Outcome(200)
    clock.advance(60 * SECOND)
    assert await sender.send(call(f"http://a.test:{handler.port}/"), None) == Outcome(200)
    assert names.asked == ["a.test", "a.test"]
    names.say("b.test", ["127.0.0.1"], Unanswered)
    for _ in range(2):
        assert await sender.send(call(f"http://b.test:{handler.port}/"), None) == FORBIDDEN
        clock.advance(60 * SECOND)


async def test_names_that_hang_do_not_hold_up_another_queue(
    sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    names.hanging = ".silent.test"
    calls = [
        asyncio.create_task(sender.send(call(f"http://{number}.silent.test/", queue="bad"), None))
        for number in range(300)
    ]
    await names.first_asked.wait()
    good = call(f"http://pinned.test:{handler.port}/", queue="good")
    assert await sender.send(good, None) == Outcome(200)
    assert len(names.asked) == SHARE + 1
    for each in calls:
        each.cancel()
    await asyncio.wait(calls)


async def test_closing_ends_those_who_wait_for_a_name(sender: HttpSender, names: Names) -> None:
    names.silent = True
    waiting = asyncio.create_task(sender.send(call("http://a.test/"), None))
    await names.first_asked.wait()
    await sender.close()
    assert await waiting == Outcome(reason="sender closed")


async def test_the_deadline_covers_the_looking_up(sender: HttpSender, names: Names) -> None:
    names.silent = True
    outcome = await sender.send(call("http://a.test/", timeout=SECOND / 5), None)
    assert outcome.timed_out


async def test_a_name_is_looked_up_once_for_all_who_ask(sender: HttpSender, handler: RawHandler, names: Names) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    calls = [sender.send(call(f"http://pinned.test:{handler.port}/"), None) for _ in range(20)]
    assert set(await asyncio.gather(*calls)) == {Outcome(200)}
    assert names.asked == ["pinned.test"]


async def test_one_who_gives_up_takes_the_answer_from_nobody(
    sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    first, second = (
        asyncio.create_task(sender.send(call(f"http://pinned.test:{handler.port}/"), None)) for _ in range(2)
    )
    await names.first_asked.wait()
    first.cancel()
    assert await second == Outcome(200)
    with pytest.raises(asyncio.CancelledError):
        await first


# What the operator maps App Engine services to


async def test_an_exempt_origin_may_be_called_without_redirects(
    clock: StoppedClock, names: Names, handler: RawHandler
) -> None:
    async with sender_under("public", clock, names, exempt=handler.origin) as sender:
        assert await sender.send(call(handler.url(), follows_redirects=False), None) == Outcome(200)
        assert await sender.send(call(handler.url()), None) == FORBIDDEN
        other = handler.url().replace("127.0.0.2", "127.0.0.1")
        assert await sender.send(call(other, follows_redirects=False), None) == FORBIDDEN
    assert len(handler.requests) == 1


def test_this_machine_is_known_by_its_addresses() -> None:
    assert is_this_machine(ip_address("127.0.0.1"))
    assert is_this_machine(ip_address("::ffff:127.0.0.1"))
    assert not is_this_machine(ip_address("192.0.2.1"))
    assert not is_this_machine(ip_address("2001:db8::1"))


async def test_whether_an_address_is_this_machine_is_looked_at_each_time(
    clock: StoppedClock, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = EgressGate(Egress.parse(["public"], own_port=8123), Resolver(clock, names))
    origin = destination("http://8.8.8.8:8123/").origin
    monkeypatch.setattr("tidegate.delivery.egress_gate.is_this_machine", lambda address: False)
    assert (await gate.way(origin, "q")).addresses == ("8.8.8.8",)
    monkeypatch.setattr("tidegate.delivery.egress_gate.is_this_machine", lambda address: True)
    with pytest.raises(Forbidden):
        await gate.way(origin, "q")
