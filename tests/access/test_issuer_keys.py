"""Keys of an issuer over HTTP, from a site of the tests' own: found, fetched anew, good for a while when it is down."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from tests.access.test_issuers import MEMBER, POD, asked
from tests.access.world import KEY, OWN_URL, Guarded, HandClock, hour, signed

from tidegate.servers.authentication.fetching import DOCUMENT_MAX
from tidegate.servers.authentication.issuers import FETCHED_EVERY, Issuer
from tidegate.servers.authentication.self_signed import audiences_of
from tidegate.settings.access import IssuerSetup

DISCOVERY = "/.well-known/openid-configuration"
NEXT_KEY = RSAKey.generate_key(2048)


class Site:
    """An issuer's web site: what it answers by path, and which paths were asked for. ``down`` makes it answer 503."""

    def __init__(self) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, said = (503, {}) if site.down else site.pages.get(self.path, (404, {}))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", str(said))
                self.end_headers()
                self.wfile.write(
                    b"" if status == 302 else said if isinstance(said, bytes) else json.dumps(said).encode()
                )

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.asked: list[str] = []
        self.down = False
        self.pages: dict[str, tuple[int, Any]] = {
            DISCOVERY: (200, {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}),
            "/keys": (200, keys(KEY)),
        }

    def token(self, kid: str = "i0", key: Any = KEY, **claims: Any) -> str:
        said = {"iss": self.url, "sub": POD, "aud": "tidegate", **hour(), **claims}
        return signed(said, key, kid=kid)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


def keys(*those: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) | {"kid": f"i{at}"} for at, key in enumerate(those)]}


class Trusting:
    """A server that trusts the site, whose clock only the tests move."""

    def __init__(self, site: Site, clock: HandClock | None = None, **setup: Any) -> None:
        self.clock = clock or HandClock()
        said = {"name": "cluster", "url": site.url, "audience": ("tidegate",), **setup}
        self.issuer = Issuer(IssuerSetup(**said), self.clock, audiences_of([OWN_URL]))
        self.server = Guarded(issuers=(self.issuer,))

    async def start(self) -> Trusting:
        await self.issuer.start()
        await self.server.start()
        await self.server.allow("server", ("roles/viewer", MEMBER))
        return self


async def test_keys_are_found_by_discovery(site: Site) -> None:
    trusting = await Trusting(site).start()
    assert await asked(trusting.server, site.token()) == 0
    assert await asked(trusting.server, site.token(key=NEXT_KEY)) == 16
    assert site.asked == [DISCOVERY, "/keys"]


async def test_keys_are_found_without_discovery_where_their_url_is_set(site: Site) -> None:
    trusting = await Trusting(site, jwks_url=f"{site.url}/keys").start()
    assert await asked(trusting.server, site.token()) == 0
    assert site.asked == ["/keys"]


@pytest.mark.parametrize(
    ("path", "page"),
    [
        (DISCOVERY, {"issuer": "https://other.test", "jwks_uri": "/keys"}),
        (DISCOVERY, {}),
        (DISCOVERY, b"not JSON"),
        ("/keys", {"keys": 7}),
        ("/keys", b"[" * 5000),
        ("/keys", json.dumps(keys(KEY)).encode() + b" " * DOCUMENT_MAX),
    ],
    ids=["other issuer", "empty", "no JSON", "no list", "deep", "too long"],
)
async def test_a_document_that_is_none_gives_no_keys(site: Site, path: str, page: Any) -> None:
    site.pages[path] = (200, page)
    trusting = await Trusting(site).start()
    assert await asked(trusting.server, site.token()) == 16


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
async def test_a_redirect_to_another_host_is_not_followed(site: Site, path: str) -> None:
    site.pages["/moved"] = site.pages[path]
    site.pages[path] = (302, f"http://localhost:{site.port}/moved")
    trusting = await Trusting(site).start()
    assert await asked(trusting.server, site.token()) == 16
    assert "/moved" not in site.asked


async def test_a_redirect_on_the_same_host_is_followed(site: Site) -> None:
    site.pages["/moved"] = site.pages["/keys"]
    site.pages["/keys"] = (302, f"{site.url}/moved")
    trusting = await Trusting(site).start()
    assert await asked(trusting.server, site.token()) == 0


async def test_keys_are_good_for_an_hour_while_the_issuer_is_down(site: Site) -> None:
    trusting = await Trusting(site).start()
    site.down = True
    trusting.clock.advance(hours=1)
    await trusting.issuer.fetch()
    assert await asked(trusting.server, site.token(jti="1")) == 0
    trusting.clock.advance(seconds=1)
    assert await asked(trusting.server, site.token(jti="2")) == 16
    site.down = False
    trusting.clock.advance(seconds=30)
    assert await asked(trusting.server, site.token(jti="3")) == 0


async def test_an_issuer_that_is_down_at_the_start_is_asked_again(site: Site) -> None:
    site.down = True
    trusting = await Trusting(site).start()
    assert await asked(trusting.server, site.token(jti="1")) == 16
    site.down = False
    trusting.clock.advance(seconds=30)
    assert await asked(trusting.server, site.token(jti="2")) == 0


async def test_an_unknown_key_is_asked_for_at_most_every_thirty_seconds(site: Site) -> None:
    trusting = await Trusting(site, jwks_url=f"{site.url}/keys").start()
    trusting.clock.advance(seconds=29)
    assert await asked(trusting.server, site.token("i1", NEXT_KEY, jti="1")) == 16
    assert len(site.asked) == 1
    trusting.clock.advance(seconds=1)
    for number in range(3):
        assert await asked(trusting.server, site.token(f"unknown-{number}", NEXT_KEY)) == 16
    assert len(site.asked) == 2
    site.pages["/keys"] = (200, keys(KEY, NEXT_KEY))
    trusting.clock.advance(seconds=30)
    assert await asked(trusting.server, site.token("i1", NEXT_KEY, jti="2")) == 0
    assert len(site.asked) == 3


class WakingClock(HandClock):
    """Who sleeps on it is told of, and wakes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeping: asyncio.Queue[float] = asyncio.Queue()
        self.wake: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        self.sleeping.put_nowait(seconds)
        await self.wake.get()


async def test_keys_are_fetched_every_ten_minutes_and_one_that_is_gone_counts_for_the_next_call(site: Site) -> None:
    clock = WakingClock()
    trusting = await Trusting(site, clock).start()
    token = site.token()
    fetching = asyncio.ensure_future(trusting.issuer.keep_fetching())
    try:
        assert await clock.sleeping.get() == FETCHED_EVERY
        assert await asked(trusting.server, token) == 0
        site.pages["/keys"] = (200, keys(NEXT_KEY))
        clock.wake.put_nowait(None)
        await clock.sleeping.get()
        assert await asked(trusting.server, token) == 16
        assert await asked(trusting.server, site.token(key=NEXT_KEY)) == 0
    finally:
        fetching.cancel()
