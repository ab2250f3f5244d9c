"""Becoming the server: the port, the certificates, the event loop, the end of the process."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from tidegate.memory import use_small_pages
from tidegate.servers.address import Address, PortTaken, reserve, resolve
from tidegate.servers.asgi import App, StartupError
from tidegate.servers.http import Tls
from tidegate.servers.lifespan import listening, live

FILES_UNKNOWN = 1024
"""File descriptors to count on where the system does not say how many it grants."""


class CannotServe(Exception):  # noqa: N818 - the text is for the operator
    """The server cannot start: one line with the cause and the cure."""


def serve(
    make: Callable[[Address], App],
    host: str = "127.0.0.1",
    port: int = 8123,
    *,
    tls: Tls | None = None,
    ready: Callable[[Address], str] = listening,
) -> NoReturn:
    """Run the application that ``make`` answers at ``host`` and ``port`` until a signal ends it.

    Does not return: the process ends, with exit code 0 after SIGTERM or SIGINT. Port 0 picks a free one; ``make`` is
    told where the server listens, and ``ready`` says what is printed once calls are answered. What cannot work ends the
    process with exit code 1 and one line on stderr.
    """
    use_small_pages()
    try:
        if tls is not None:
            check_files(tls)
        address, listener = reserved(host, port, tls)
    except CannotServe as error:
        _exit(1, str(error))
    files = _raise_open_files()
    loop = _event_loop()
    asyncio.set_event_loop(loop)
    try:
        code = loop.run_until_complete(live(make(address), address, listener, tls, files=files, ready=ready))
    except StartupError as error:
        _exit(1, error.message)
    except BaseException:
        _exit(1, traceback.format_exc().rstrip())
    _exit(code)


def _event_loop() -> asyncio.AbstractEventLoop:
    """Uvloop's where there is one: it gives 10 to 20 % more dispatches."""
    try:
        import uvloop  # noqa: PLC0415 - not everywhere
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def reserved(host: str, port: int, tls: Tls | None) -> tuple[Address, socket.socket]:
    """Where to listen, and the socket bound to it. Raises CannotServe."""
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


def check_files(tls: Tls) -> None:
    """Say what is wrong with the files of the certificates, in one line. Raises CannotServe."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # what is too weak is for the server to say
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


def _raise_open_files() -> int:
    """Use all the file descriptors that the system grants, for each connection needs one. How many there are."""
    if sys.platform == "win32":
        return FILES_UNKNOWN
    import resource  # noqa: PLC0415 - not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS grants less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if granted == resource.RLIM_INFINITY else granted


def _exit(code: int, last_words: str = "") -> NoReturn:
    """End here and now, with a line on stderr; whether anyone still reads it or not.

    Without the interpreter's own end, which would wait for threads that ask a silent name server.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{last_words}\n" if last_words else "")
        sys.stderr.flush()
    os._exit(code)
