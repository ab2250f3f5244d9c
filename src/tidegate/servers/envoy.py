"""Envoy's configuration: pyvoy's, with the protections that a server on the open network needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from pyvoy import PyvoyServer

from tidegate.api.status import rest_error_body
from tidegate.core.errors import InvalidArgument
from tidegate.servers.address import Address

HEADERS_TIMEOUT: Final = "10s"  # a client that dribbles its headers
REQUEST_TIMEOUT: Final = "300s"  # and its body; the clock stops when the request is complete, so handlers may take long
STREAM_IDLE_TIMEOUT: Final = "300s"  # a stream on which nothing moves, the handler's silence included
CONNECTION_IDLE_TIMEOUT: Final = "600s"  # a connection without a stream; what Google's own front ends keep
TLS_HANDSHAKE_TIMEOUT: Final = "10s"

CONNECTIONS_MAX: Final = 10_000
STREAMS_MAX: Final = 2048  # at once on one HTTP/2 connection
HEADERS_KIB_MAX: Final = 96  # Envoy's own limit; long filters and page tokens travel in the path
HEADERS_COUNT_MAX: Final = 200

# Windows: large enough that a message of 128 MiB does not wait for the round trip, small enough that what a
# thousand idle uploads may have in flight stays bounded.
STREAM_WINDOW: Final = 4 * 1024 * 1024
CONNECTION_WINDOW: Final = 16 * 1024 * 1024
CONNECTION_BUFFER: Final = 1024 * 1024

HEAP_SHARE: Final = 0.75
"""How much of the memory granted to us Envoy's heap may take before it turns requests away (UNAVAILABLE)."""

MEMORY_RELEASED: Final = 64 * 1024 * 1024
"""Bytes of freed memory that Envoy's allocator, which is Python's too, gives back to the system each second."""

# RFC 3629, in parts that share their ends: Envoy takes no longer expression.
_HEX: Final = "[0-9A-F]"
_NEXT: Final = f"%[89AB]{_HEX}"
_TWO: Final = f"C[2-9A-F]|D{_HEX}"
_THREE: Final = f"E0%[AB]{_HEX}|E[1-9A-CEF]{_NEXT}|ED%[89]{_HEX}"  # no half of a surrogate pair
_FOUR: Final = f"(?:F0%[9AB]{_HEX}|F[1-3]{_NEXT}|F4%8{_HEX}){_NEXT}"
ESCAPED_UTF8: Final = f"(?i:[^%?]|%(?:[0-7]{_HEX}|(?:{_TWO}|{_THREE}|{_FOUR}){_NEXT}))*(?:[?].*)?"
"""A path whose escapes make UTF-8, and any query, as a regular expression."""
BAD_PATH: Final = InvalidArgument("The path is not percent-encoded UTF-8.")

_TYPE: Final = "type.googleapis.com/envoy.extensions"


class Tls(NamedTuple):
    """Paths of PEM files. With ``client_ca`` a client must show a certificate that it signed."""

    cert: str | Path
    key: str | Path
    client_ca: str | Path | None = None


def configuration(app: str, address: Address, tls: Tls | None = None) -> dict[str, Any]:
    """All of Envoy's configuration for ``app`` (``module:attribute``) at ``address``."""
    server = PyvoyServer(
        app,
        address=address.ip,
        port=address.port,
        # As paths: what is given as bytes would stand on the command line, for every user of the machine to read.
        tls_cert=Path(tls.cert) if tls else None,
        tls_key=Path(tls.key) if tls else None,
        tls_ca_cert=Path(tls.client_ca) if tls and tls.client_ca else None,
        tls_enable_http3=False,
        worker_threads=1,  # one event loop: the engine lives in it
        lifespan=True,
    )
    config: dict[str, Any] = server.get_envoy_config()
    config.pop("admin")  # an open port that could stop the server
    (listener,) = config["static_resources"]["listeners"]
    _guard_listener(listener, address)
    (chain,) = listener["filter_chains"]
    chain["transport_socket_connect_timeout"] = TLS_HANDSHAKE_TIMEOUT
    _guard_http(chain["filters"][-1]["typed_config"])
    config["overload_manager"] = _overload_manager()
    config["memory_allocator_manager"] = {"bytes_to_release": MEMORY_RELEASED, "memory_release_interval": "1s"}
    return config


def _guard_listener(listener: dict[str, Any], address: Address) -> None:
    # Two servers that share a port would each get half of the calls and tell nobody.
    listener["enable_reuse_port"] = False
    listener["per_connection_buffer_limit_bytes"] = CONNECTION_BUFFER
    if address.ip == "::":
        listener["address"]["socket_address"]["ipv4_compat"] = True


def _guard_http(http: dict[str, Any]) -> None:
    http |= {
        "codec_type": "AUTO",  # HTTP/1.1, and HTTP/2 with and without TLS, on one port
        "server_name": "tidegate",
        "request_headers_timeout": HEADERS_TIMEOUT,
        "request_timeout": REQUEST_TIMEOUT,
        "stream_idle_timeout": STREAM_IDLE_TIMEOUT,
        "max_request_headers_kb": HEADERS_KIB_MAX,
        # Names reach us as they were sent: %2F is no slash, dots are no steps up.
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "common_http_protocol_options": {
            "idle_timeout": CONNECTION_IDLE_TIMEOUT,
            "max_headers_count": HEADERS_COUNT_MAX,
            "headers_with_underscores_action": "ALLOW",
        },
        "http_protocol_options": {
            # Health checks of older load balancers.
            "accept_http_10": True,
            "default_host_for_http_10": "localhost",
            # A method that Envoy does not know is an error of ours in JSON, and BufferTask takes every method.
            "allow_custom_methods": True,
            # Nothing here becomes another protocol, so who asks is answered in this one; else the request has no end.
            "ignore_http_11_upgrade": [{"safe_regex": {"regex": ".*"}}],
        },
        "http2_protocol_options": {
            "max_concurrent_streams": STREAMS_MAX,
            "initial_stream_window_size": STREAM_WINDOW,
            "initial_connection_window_size": CONNECTION_WINDOW,
            # A bad header ends its own stream, not the calls beside it.
            "override_stream_error_on_invalid_http_message": True,
        },
    }
    # Envoy refuses a CONNECT itself if it has a route for it that leads to no tunnel. pyvoy never answers one.
    (host,) = http["route_config"]["virtual_hosts"]
    host["routes"] = [{"match": {"connect_matcher": {}}, "direct_response": {"status": 403}}]
    # Nor does it ever answer a path that it cannot decode.
    http["http_filters"].insert(0, _path_filter())
    http["local_reply_config"] = {"mappers": [_bad_path_reply()]}


def _path_filter() -> dict[str, Any]:
    """Ends calls by paths that cannot be decoded. Of the filters that could, the one that costs the others least."""
    undecodable = [
        {"name": ":path", "string_match": {"contains": "%"}},
        {"name": ":path", "string_match": {"safe_regex": {"regex": ESCAPED_UTF8}}, "invert_match": True},
    ]
    return {
        "name": "envoy.filters.http.fault",
        "typed_config": {
            "@type": f"{_TYPE}.filters.http.fault.v3.HTTPFault",
            "headers": undecodable,
            "abort": {"http_status": 400, "percentage": {"numerator": 100}},
        },
    }


def _bad_path_reply() -> dict[str, Any]:
    """What is said then."""
    return {
        "filter": {"response_flag_filter": {"flags": ["FI"]}},  # "fault injected", which nothing else is here
        "body": {"inline_string": rest_error_body(BAD_PATH).decode()},
        "body_format_override": {
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
            "content_type": "application/json; charset=UTF-8",
        },
    }


def _overload_manager() -> dict[str, Any]:
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": f"{_TYPE}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": CONNECTIONS_MAX,
                },
            },
            {
                "name": "envoy.resource_monitors.fixed_heap",
                "typed_config": {
                    "@type": f"{_TYPE}.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                    "max_heap_size_bytes": int(granted_memory() * HEAP_SHARE),
                },
            },
        ],
        "actions": [
            _above(0.90, "envoy.overload_actions.shrink_heap"),
            _above(0.95, "envoy.overload_actions.stop_accepting_requests"),
        ],
    }


def _above(share: float, action: str) -> dict[str, Any]:
    trigger = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": share}}
    return {"name": action, "triggers": [trigger]}


def granted_memory() -> int:
    """Bytes of memory we may use: the machine's, or less where a container says so."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return physical
    return min(physical, limit)
