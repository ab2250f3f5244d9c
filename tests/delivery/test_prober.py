"""What a call would meet is found out as the sender goes about it, and nothing is sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from tests.delivery.calls import call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import RawHandler, raw_handler

from tidegate.core.explain.values import Code, Reason
from tidegate.core.url_map import UrlMap
from tidegate.delivery import prober as module
from tidegate.delivery.egress import UNRESTRICTED, Egress
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.resolver import HostNotFound, Unanswered


class Names:
    """Knows ``here.test`` and ``private.test``; asked for ``silent.test`` it does not answer in time."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        if name == "silent.test":
            raise Unanswered
        if name == "hanging.test":
            await asyncio.Event().wait()
        known = {
            "here.test": ["127.0.0.1"],
            "private.test": ["10.0.0.1"],
            "localhost": ["127.0.0.1"],
            "localhost.": ["127.0.0.1"],
        }
        if name not in known:
            raise HostNotFound
        return known[name]


class Probed:
    """A sender and its prober."""

    def __init__(self, clock: StoppedClock, rules: str = "all", mapped: dict[str, str] | None = None) -> None:
        self.names = Names()
        egress = UNRESTRICTED if rules == "all" else Egress.parse(rules.split(","))
        url_map = UrlMap(mapped) if mapped else None
        self.sender = HttpSender(clock, egress=egress, lookup=self.names, url_map=url_map)
        self.prober = self.sender.prober(in_container=True)

    async def look(self, url: str) -> Reason | None:
        return await self.prober.look(call(url))

    async def probe(self, url: str) -> Reason | None:
        return await self.prober.probe(call(url))


@pytest.fixture
async def free(clock: StoppedClock) -> AsyncIterator[Probed]:
    probed = Probed(clock)
    yield probed
    await probed.sender.close()


@pytest.fixture
async def strict(clock: StoppedClock) -> AsyncIterator[Probed]:
    probed = Probed(clock, "127.0.0.1,!*.forbidden.test,!forbidden.test")
    yield probed
    await probed.sender.close()


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def code(reason: Reason | None) -> Code | None:
    return None if reason is None else reason.code


async def test_a_handler_that_listens_meets_nothing_and_gets_nothing(free: Probed, handler: RawHandler) -> None:
    assert await free.look(handler.url()) is None
    assert await free.probe(handler.url()) is None
    assert await free.probe(f"http://here.test:{handler.port}/") is None
    assert handler.requests == []


async def test_to_look_asks_nobody(free: Probed, strict: Probed) -> None:
    for probed in (free, strict):
        assert await probed.look("http://here.test/") is None
        assert await probed.look("http://nowhere.test/") is None
        assert probed.names.asked == []


async def test_a_forbidden_address_is_known_without_asking(strict: Probed) -> None:
    for url in ("http://10.0.0.1/", "http://[::1]:8080/", "http://forbidden.test/", "http://a.forbidden.test/"):
        assert code(await strict.look(url)) is Code.FORBIDDEN_ADDRESS
        assert code(await strict.probe(url)) is Code.FORBIDDEN_ADDRESS
    assert strict.names.asked == []
    assert code(await strict.probe("http://private.test/")) is Code.FORBIDDEN_ADDRESS
    assert code(await strict.look("http://private.test/")) is Code.FORBIDDEN_ADDRESS  # by now its address is known
    assert strict.names.asked == ["private.test"]


async def test_a_name_without_an_address(free: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = await free.probe("http://nowhere.test/")
    assert nowhere == Reason(
        Code.NAME_NOT_FOUND,
        "The host nowhere.test has no address.",
        details={"host": "nowhere.test", "port": "80"},
    )
    assert code(await free.probe("http://silent.test/")) is Code.NAME_NOT_FOUND
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    hanging = await free.probe("http://hanging.test/")
    assert hanging is not None
    assert hanging.text == "hanging.test:80 takes no connection: no connection within 0.05 s."


async def test_a_port_where_nobody_listens(free: Probed) -> None:
    port = closed_port()
    refused = await free.probe(f"http://here.test:{port}/")
    assert refused is not None
    assert (refused.code, refused.text) == (
        Code.CONNECTION_REFUSED,
        f"here.test:{port} takes no connection: connection refused.",
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost."])
async def test_in_a_container_localhost_is_not_the_machine_around_it(free: Probed, host: str) -> None:
    refused = await free.probe(f"http://{host}:{closed_port()}/")
    assert refused is not None
    assert "host.docker.internal" in refused.text
    outside = free.sender.prober()
    refused = await outside.probe(call(f"http://{host}:{closed_port()}/"))
    assert refused is not None
    assert "host.docker.internal" not in refused.text


async def test_a_handler_whose_tls_cannot_be_trusted(
    free: Probed, handler: RawHandler, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    async with raw_handler(tls=authority.server("localhost")) as unknown:
        untrusted = await free.probe(f"https://localhost:{unknown.port}/")
    assert untrusted is not None
    assert (untrusted.code, untrusted.text) == (
        Code.TLS_FAILED,
        f"localhost:{unknown.port} does not speak TLS as it should: TLS certificate not accepted.",
    )
    assert code(await free.probe(f"https://127.0.0.1:{handler.port}/")) in (Code.TLS_FAILED, Code.CONNECTION_REFUSED)


async def test_a_url_that_cannot_be_called(free: Probed) -> None:
    for url in ("http://", "ftp://here.test/", "http://a b/"):
        assert code(await free.look(url)) is Code.UNSENDABLE
        assert code(await free.probe(url)) is Code.UNSENDABLE


async def test_where_the_map_leads_is_what_counts(clock: StoppedClock, handler: RawHandler) -> None:
    probed = Probed(clock, mapped={"https://api.example.com": handler.url().rstrip("/")})
    assert await probed.probe("https://api.example.com/work") is None
    assert probed.names.asked == []
    assert handler.requests == []
    await probed.sender.close()


async def test_what_the_operator_maps_for_app_engine_is_not_bound_by_the_rules(
    clock: StoppedClock, handler: RawHandler
) -> None:
    base = f"http://127.0.0.1:{handler.port}"
    sender = HttpSender(clock, egress=Egress.parse(["public"]), exempt_origins=[base])
    prober = sender.prober()
    assert code(await prober.look(call(f"{base}/"))) is Code.FORBIDDEN_ADDRESS
    exempt = call(f"{base}/", follows_redirects=False)
    assert await prober.look(exempt) is None
    assert await prober.probe(exempt) is None
    await sender.close()
