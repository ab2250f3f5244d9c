"""Starts the server in this process: port, certificates, event loop and exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import stat
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from tidegate.memory import use_small_pages
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address, reserve, resolve
from tidegate.servers.asgi import App
from tidegate.servers.http import Tls
from tidegate.servers.lacking import lacking
from tidegate.servers.lifespan import listening, live

FILES_UNKNOWN = 1024
"""File descriptors to count on where the system does not say how many it grants."""


log = logging.getLogger(__name__)


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
    told where the server listens, and ``ready`` says what is printed once calls are answered. An OperatorError ends the
    process with its exit code and its line on stderr.
    """
    use_small_pages()
    if line := lacking():
        log.warning(line)
    try:
        if tls is not None:
            check_files(tls)
            warn_of_readable_key(tls)
        address, listener = reserved(host, port, tls)
    except OperatorError as error:
        _exit(error.exit_code, error.message)
    files = _raise_open_files()
    loop = _event_loop()
    asyncio.set_event_loop(loop)
    try:
        code = loop.run_until_complete(live(make(address), address, listener, tls, files=files, ready=ready))
    except OperatorError as error:
        _exit(error.exit_code, error.message)
    except BaseException:
        _exit(1, traceback.format_exc().rstrip())
    _exit(code)


def _event_loop() -> asyncio.AbstractEventLoop:
    """An event loop of uvloop where that is installed: 10 to 20 % more dispatches."""
    try:
        import uvloop  # noqa: PLC0415 - not everywhere
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def reserved(host: str, port: int, tls: Tls | None) -> tuple[Address, socket.socket]:
    """Where to listen, and the socket bound to it. Raises OperatorError."""
    try:
        return reserve(resolve(host, port, tls=tls is not None))
    except socket.gaierror:
        raise OperatorError(f"host {host!r} has no address: use a name or an IP of this machine") from None
    except PermissionError:
        raise OperatorError(f"port {port} needs privileges: choose one of 1024 or above with --port") from None
    except OverflowError:
        raise OperatorError(f"port {port} does not exist: choose one from 0 to 65535") from None
    except OSError as error:
        raise OperatorError(f"cannot listen on {host!r}: {error.strerror}; use an address of this machine") from None


def check_files(tls: Tls) -> None:
    """Check the files of the certificates. Raises OperatorError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # the server itself refuses keys that are too weak
    for named in tls.files:
        if Path(named).is_dir() or not os.access(named, os.R_OK):
            raise OperatorError(f"cannot read {named}: check the path and its permissions")
    for flag, file in (("--tls-cert", tls.cert), ("--tls-client-ca", tls.client_ca)):
        try:
            if file is not None:
                context.load_verify_locations(file)
        except ssl.SSLError:
            raise OperatorError(
                f"there is no certificate in {file}: name a PEM file that has one with {flag}"
            ) from None
    try:
        context.load_cert_chain(tls.cert, tls.key, password="")  # otherwise OpenSSL would ask for it on the terminal
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = (
                f"{tls.key} is not the key of {tls.cert}: name two that belong together with --tls-cert and --tls-key"
            )
        else:
            text = f"there is no key in {tls.key}: name a PEM file that has one, without a password, with --tls-key"
        raise OperatorError(text) from None


def warn_of_readable_key(tls: Tls) -> None:
    """Log a warning when every user of the machine can read the private key."""
    if os.name == "posix" and os.stat(tls.key).st_mode & stat.S_IROTH:  # noqa: PTH116 - a text too
        log.warning("%s can be read by every user of this machine: chmod o-r keeps the key to its owner", tls.key)


def _raise_open_files() -> int:
    """Raise the limit of open files to what the system allows, because each connection needs one. Returns the limit."""
    if sys.platform == "win32":
        return FILES_UNKNOWN
    import resource  # noqa: PLC0415 - not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS grants less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    granted, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if granted == resource.RLIM_INFINITY else granted


def _exit(code: int, last_words: str = "") -> NoReturn:
    """End the process at once, with a line on stderr.

    The interpreter's own exit would wait for threads that ask a silent name server.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    logging.shutdown()  # it says what it left out
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{last_words}\n" if last_words else "")
        sys.stderr.flush()
    os._exit(code)
