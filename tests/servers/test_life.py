"""The life of the server as a process: its port, its start, its signals, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest
from tests.servers.running import calling, running


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which someone else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def taken_line(port: int) -> str:
    return f"port {port} is taken by another program: stop it, or choose another with --port (0 picks a free one)"


# Ports and addresses


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]")])
def test_it_says_where_it_listens_once_calls_are_answered(host: str, shown: str) -> None:
    with running(f"{host!r}, 0") as front:
        assert front.url == f"http://{shown}:{front.port}"
        assert httpx.get(f"{front.url}/healthz").status_code == 200
        with calling(front) as call:
            assert call("Echo", "x") == "x"


@pytest.mark.parametrize(("host", "loopbacks"), [("0.0.0.0", ["127.0.0.1"]), ("::", ["127.0.0.1", "[::1]"])])
def test_it_listens_on_every_address(host: str, loopbacks: list[str]) -> None:
    with running(f"{host!r}, 0") as front:
        for loopback in loopbacks:
            assert httpx.get(f"http://{loopback}:{front.port}/healthz").status_code == 200


def test_a_port_that_is_taken_is_one_line_with_the_cure(taken: int) -> None:
    with running(f"port={taken}", listening=False) as front:
        assert front.ended() == (1, [], [taken_line(taken)])


def test_two_servers_never_share_a_port() -> None:
    with running() as first:
        with running(f"port={first.port}", listening=False) as second:
            assert second.ended() == (1, [], [taken_line(first.port)])
        assert httpx.get(f"{first.url}/healthz").status_code == 200


def test_a_port_that_is_shared_on_purpose_is_taken_all_the_same() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with running(f"port={port}", listening=False) as front:
            assert front.ended() == (1, [], [taken_line(port)])


def test_a_port_that_is_taken_during_the_start_is_one_line_too() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with running(f"port={port}", listening=False, SAMPLE_START="waits") as front:
            assert front.line() == "starting"
            other.listen()
            code, out, err = front.ended()  # closes stdin, which ends the wait of the start
            assert (code, out, err) == (1, ["stopped"], [taken_line(port)])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("host='no.such.host.invalid', port=0", "host 'no.such.host.invalid' has no address"),
        ("host='192.0.2.1', port=0", "cannot listen on '192.0.2.1'"),
        ("port=70000", "port 70000 does not exist"),
        ("port=0, tls=Tls('/no/cert', '/no/key')", "cannot read /no/cert"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_code_1(arguments: str, line: str) -> None:
    with running(arguments, listening=False) as front:
        code, out, err = front.ended()
        assert (code, out, len(err)) == (1, [], 1)
        assert err[0].startswith(line)


# Start


def test_a_start_that_fails_is_one_line_and_exit_code_1() -> None:
    with running(listening=False, SAMPLE_START="fails") as front:
        assert front.ended() == (1, [], ["the store is locked: stop the other server"])


def test_a_bug_in_the_start_is_its_traceback_and_nothing_else() -> None:
    with running(listening=False, SAMPLE_START="breaks") as front:
        code, out, err = front.ended()
        assert (code, out) == (1, [])
        assert err[0] == "Traceback (most recent call last):"
        assert err[-1] == "ValueError: a bug"


def test_a_body_that_does_not_come_in_time_is_no_line_on_stderr() -> None:
    head = b"POST /sample.Sample/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nTE: trailers\r\n"
    head += b"grpc-timeout: 50m\r\n"
    with running() as front:
        for begun in (b"", b"\0\0\0"):
            with socket.create_connection(("127.0.0.1", front.port), timeout=10) as wire:
                wire.sendall(head + b"Content-Length: 7\r\n\r\n" + begun)
                assert b"grpc-status: 4\r\n" in wire.recv(65536)
        front.process.send_signal(signal.SIGTERM)
        assert front.ended() == (0, ["draining", "stopped"], [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_hangs_can_be_interrupted(number: signal.Signals) -> None:
    with running(listening=False, SAMPLE_START="hangs") as front:
        assert front.line() == "starting"
        front.process.send_signal(number)
        assert front.ended() == (0, ["stopped"], [])


# End


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_stops_and_ends_with_exit_code_0(number: signal.Signals) -> None:
    with running() as front:
        front.process.send_signal(number)
        front.process.send_signal(signal.SIGTERM)  # a wrapper may send another at once: the same wish
        assert front.ended() == (0, ["draining", "stopped"], [])


@contextlib.contextmanager
def ignoring(number: signal.Signals) -> Iterator[None]:
    """What is started meanwhile ignores this signal, as under nohup or after ``&`` in a script."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_a_server_in_the_background_of_a_script_drains_at_sigint_too() -> None:
    with ignoring(signal.SIGINT), running(SAMPLE_DRAIN="waits") as front, calling(front) as call:
        front.process.send_signal(signal.SIGINT)
        assert front.line() == "draining"
        assert call("Release", "go") == "go"
        assert front.ended() == (0, ["stopped"], [])


def test_sighup_ends_nothing() -> None:
    with running() as front:
        front.process.send_signal(signal.SIGHUP)
        assert httpx.get(f"{front.url}/readyz").status_code == 200
        front.process.send_signal(signal.SIGTERM)
        assert front.ended() == (0, ["draining", "stopped"], [])


def test_calls_in_flight_at_sigterm_are_answered_and_new_ones_too_while_it_drains(
    threads: ThreadPoolExecutor,
) -> None:
    with running(SAMPLE_DRAIN="waits") as front, calling(front) as call:
        held = threads.submit(call, "Hold", "kept")
        assert front.line() == "holding"
        front.process.send_signal(signal.SIGTERM)
        assert front.line() == "draining"
        assert httpx.get(f"{front.url}/readyz").status_code == 503
        assert call.raw("/grpc.health.v1.Health/Check")(b"") == b"\x08\x02"
        assert call("Release", "go") == "go"
        assert held.result() == "kept"
        assert front.ended() == (0, ["stopped"], [])


def test_a_call_that_outlasts_the_drain_ends_as_unavailable(threads: ThreadPoolExecutor) -> None:
    with running() as front, calling(front) as call:
        held = threads.submit(call.error, "Hold")
        assert [front.line()] == ["holding"]
        front.process.send_signal(signal.SIGTERM)
        assert front.line() == "draining"
        assert held.result().code() is grpc.StatusCode.UNAVAILABLE
        code, _, err = front.ended()
        assert (code, err) == (0, [])


def test_kill_leaves_nothing_behind() -> None:
    with running() as front:
        front.process.kill()
        front.process.wait()
        assert processes_of(front.process.pid) == []
        with running(f"port={front.port}") as next_one:
            assert httpx.get(f"{next_one.url}/healthz").status_code == 200


def processes_of(session_or_parent: int) -> list[str]:
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(session_or_parent) in line.split()]


def test_the_server_is_one_process() -> None:
    with running() as front:
        assert len(processes_of(front.process.pid)) == 1
        assert os.getpgid(front.process.pid) == os.getpgid(0)
