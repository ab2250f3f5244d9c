"""A pytest plugin that makes its process look to Tidegate as on Windows: the platform, and no module of Unix alone.

The libraries, which are as they are here, are imported before.
"""

import asyncio  # noqa: F401
import signal
import subprocess  # noqa: F401
import sys
import types

import apsw  # noqa: F401
import click  # noqa: F401
import freezegun  # noqa: F401
import google.api_core.operations_v1
import google.auth.transport.requests  # noqa: F401
import grpc.aio  # noqa: F401
import h2corn  # noqa: F401
import httptools  # noqa: F401
import rich.console  # noqa: F401
import time_machine  # noqa: F401

for name in ("fcntl", "grp", "pwd", "pyvoy", "resource", "termios", "uvloop"):
    sys.modules[name] = None  # type: ignore[assignment]


def _locking(descriptor: int, mode: int, count: int) -> None:
    """Lock bytes of a file; nobody else asks."""


sys.modules["msvcrt"] = types.ModuleType("msvcrt")
vars(sys.modules["msvcrt"]).update(locking=_locking, LK_NBLCK=2)
del signal.SIGHUP
sys.platform = "win32"
