"""systemd is told how the server is; the test is systemd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.servers.running import running

from tidegate.servers.systemd import Supervisor

PATIENCE = 60.0


class Systemd:
    """The socket at which services are listened to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.settimeout(PATIENCE)

    def hears(self) -> dict[str, str]:
        """What comes next."""
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().split("\n"))

    def hears_of(self, name: str) -> dict[str, str]:
        """The next that says this; what says something else is passed over."""
        while name not in (said := self.hears()):
            pass
        return said

    def heard(self) -> list[dict[str, str]]:
        """What has come and was not listened to yet."""
        said = []
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                said.append(self.hears())
        self._socket.settimeout(PATIENCE)
        return said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listening = Systemd(str(tmp_path / "notify"))
    yield listening
    listening.close()


def told(address: str, watchdog: float | None = None) -> Supervisor:
    micros = {} if watchdog is None else {"WATCHDOG_USEC": f"{watchdog * 1e6:.0f}"}
    return Supervisor.of({"NOTIFY_SOCKET": address, **micros})


def test_it_is_told_that_the_server_is_ready_and_that_it_stops(systemd: Systemd) -> None:
    with running(NOTIFY_SOCKET=systemd.address) as front:
        assert systemd.hears_of("READY") == {"READY": "1", "STATUS": f"listening on {front.url}"}
        assert httpx.get(f"{front.url}/readyz").status_code == 200
        front.process.send_signal(signal.SIGTERM)
        stopping = systemd.hears_of("STOPPING")
        assert int(stopping["EXTEND_TIMEOUT_USEC"]) > 0
        assert stopping["STATUS"].startswith("shutting down")
        assert front.ended()[0] == 0


def test_a_start_that_takes_long_asks_for_time_and_is_not_ready_yet(systemd: Systemd) -> None:
    with running(NOTIFY_SOCKET=systemd.address, SAMPLE_START="waits", listening=False) as front:
        assert front.line() == "starting"
        said = systemd.hears()
        assert said["STATUS"] == "opening the store"
        assert int(said["EXTEND_TIMEOUT_USEC"]) > 0
        assert front.process.stdin is not None
        front.process.stdin.write("go on\n")
        front.process.stdin.flush()
        front.await_listening()
        assert systemd.hears_of("READY")["STATUS"] == f"listening on {front.url}"


def test_reading_certificates_anew_ends_with_ready(systemd: Systemd) -> None:
    with running(NOTIFY_SOCKET=systemd.address) as front:
        systemd.hears_of("READY")
        before = time.monotonic_ns() // 1000
        front.process.send_signal(signal.SIGHUP)
        assert int(systemd.hears_of("RELOADING")["MONOTONIC_USEC"]) >= before
        assert systemd.hears()["READY"] == "1"


def test_a_server_gives_signs_of_life_and_shows_what_it_did_when_it_is_aborted(systemd: Systemd) -> None:
    with running(NOTIFY_SOCKET=systemd.address, WATCHDOG_USEC="200000") as front:
        systemd.hears_of("READY")
        for _ in range(3):
            systemd.hears_of("WATCHDOG")
        front.process.send_signal(signal.SIGABRT)  # as systemd does to one that stands still
        code, _, stderr = front.ended()
        assert code == -signal.SIGABRT
        assert any("lifespan.py" in line or "front.py" in line for line in stderr), stderr


async def test_an_event_loop_that_stands_still_gives_no_sign(systemd: Systemd) -> None:
    living = asyncio.ensure_future(told(systemd.address, watchdog=0.02).keep_alive())
    await asyncio.to_thread(systemd.hears_of, "WATCHDOG")
    systemd.heard()
    time.sleep(0.2)  # noqa: ASYNC251 - this is what is tried
    assert systemd.heard() == []
    await asyncio.to_thread(systemd.hears_of, "WATCHDOG")
    living.cancel()


async def test_no_signs_are_given_where_none_are_wanted(systemd: Systemd) -> None:
    await told(systemd.address).keep_alive()
    other = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid() + 1)}
    await Supervisor.of(other).keep_alive()
    assert systemd.heard() == []


async def test_without_systemd_nothing_is_done() -> None:
    supervisor = Supervisor.of({})
    await supervisor.keep_starting()
    await supervisor.keep_alive()
    supervisor.ready("listening")
    supervisor.stopping(30)
    assert supervisor.watchdog is None


def test_children_do_not_speak_for_the_server() -> None:
    environ = {"NOTIFY_SOCKET": "/run/none", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    supervisor = Supervisor.of(environ)
    assert environ == {"HOME": "/"}
    assert supervisor.watchdog == 1.0
    supervisor.ready("nobody listens there, which changes nothing")


@pytest.mark.skipif(not Path("/proc").exists(), reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_one_too() -> None:
    systemd = Systemd(f"@tidegate-test-{os.getpid()}")
    told(systemd.address).ready("listening")
    assert systemd.hears() == {"READY": "1", "STATUS": "listening"}
    systemd.close()


def test_a_socket_of_another_kind_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    told("vsock:2:1234").ready("listening")
    assert "is no Unix socket" in caplog.text
