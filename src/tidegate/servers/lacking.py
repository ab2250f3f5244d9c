"""What the system of this machine does not give a server, such as Windows: said once, in one line."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from importlib import import_module


def lacking() -> str:
    """A line that names what is missing and what follows from it; empty where nothing is."""
    missing = list(_missing())
    return f"this system lacks {'; '.join(missing)}. All else is as everywhere" if missing else ""


def _missing() -> Iterator[str]:
    if not _is_there("uvloop"):
        yield "uvloop (10 to 20 % fewer dispatches)"
    if not _is_there("resource"):
        yield "limits of open files (1024 are counted on)"
    if not hasattr(signal, "SIGHUP"):
        yield "SIGHUP (files that changed are read within 10 s)"


def _is_there(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True
