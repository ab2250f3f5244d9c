"""Points other clients at a server for a while: google-cloud-tasks, firebase-admin, and Tidegate's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tidegate.client.emulator import VARIABLE


@contextmanager
def patched(address: str | None) -> Iterator[None]:
    """Point clients at ``address``; at nothing new for None."""
    if address is None:
        yield
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = address
    patch = None
    if any(name.startswith("google.cloud.tasks") for name in sys.modules):  # else nobody can have its clients
        from tidegate.client.patching import patch_google_cloud_tasks  # noqa: PLC0415

        patch = patch_google_cloud_tasks(address)
    try:
        yield
    finally:
        if patch is not None:
            patch.undo()
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
