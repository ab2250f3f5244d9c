"""What may not be called is not, however its address is written."""

from __future__ import annotations

import pytest
from tests.delivery.calls import SECOND, call
from tests.delivery.conftest import StoppedClock
from tests.delivery.egress.conftest import ALLOWED, connections_to_others
from tests.delivery.egress.names import FORBIDDEN, Names, sender_under
from tests.delivery.raw_handler import RawHandler, answer

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender

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
