"""Attempts go where the map says, and so do their redirects."""

from __future__ import annotations

from tests.delivery.calls import call
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import RawHandler, answer

from tidegate.core.url_map import UrlMap
from tidegate.delivery.http_sender import HttpSender

ORIGIN = "https://shop.example.com"


async def test_a_mapped_call_keeps_its_path_and_says_which_host_was_meant(
    handler: RawHandler, clock: StoppedClock
) -> None:
    sender = HttpSender(clock, url_map=UrlMap({ORIGIN: handler.origin}))
    outcome = await sender.send(call(f"{ORIGIN}/work?a=b", "POST", b"body", ("x-forwarded-host", "forged")), None)
    await sender.close()
    assert outcome.succeeded
    (request,) = handler.requests
    assert request.line == "POST /work?a=b HTTP/1.1"
    assert [value for name, value in request.headers if name.lower() == "x-forwarded-host"] == ["shop.example.com"]
    assert request.header("Host") == handler.origin.removeprefix("http://")


async def test_a_redirect_is_mapped_too(handler: RawHandler, clock: StoppedClock) -> None:
    sender = HttpSender(clock, url_map=UrlMap({"*": handler.origin}))
    handler.does(answer(307, f"Location: {ORIGIN}/new"), answer(200))
    outcome = await sender.send(call("https://old.example.com/work"), None)
    await sender.close()
    assert outcome.succeeded
    assert [request.line for request in handler.requests] == ["POST /work HTTP/1.1", "POST /new HTTP/1.1"]
