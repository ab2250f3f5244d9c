"""Points other clients at a server for a while: google-cloud-tasks, firebase-admin, and Tidegate's own. What handlers
know of the server before it is forgotten.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

from tidegate.client.emulator import VARIABLE, EmulatorAddress

PACKAGE = "google.cloud.tasks_"
SERVICES = tuple(f"{PACKAGE}{version}.services.cloud_tasks" for version in ("v2", "v2beta2", "v2beta3"))


@contextmanager
def patched(address: str | None) -> Iterator[None]:
    """Point clients at ``address``, those that are imported later too; at nothing new for None."""
    _forget_keys()
    if address is None:
        yield
        return
    with ExitStack() as undoing:
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = address
        undoing.callback(_restore, before)
        _forget_firebase()
        undoing.callback(_forget_firebase)
        for name in SERVICES:
            if name in sys.modules:
                undoing.callback(_patch(sys.modules[name], address))
        finder = _WhenImported(lambda module: undoing.callback(_patch(module, address)))
        sys.meta_path.insert(0, finder)
        undoing.callback(sys.meta_path.remove, finder)
        yield


def _patch(module: ModuleType, address: str) -> Callable[[], None]:
    """Point the clients of a version at the address; returns what takes that back."""
    from tidegate.client.patching import Patch  # noqa: PLC0415 - nobody may have the other clients

    return Patch(EmulatorAddress.parse(address), [module]).undo


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before


def _forget_firebase() -> None:
    """Have firebase-admin look anew where its tasks go: each of its apps remembers that."""
    firebase: Any = sys.modules.get("firebase_admin")
    for app in list(getattr(firebase, "_apps", {}).values()):
        services: Any = getattr(app, "_services", None)
        if isinstance(services, dict):
            services.pop("_functions", None)


def _forget_keys() -> None:
    """Have ``tidegate.handlers.verify`` ask for keys anew: the servers of all tests have one address, and each signs
    with a key of its own.
    """
    tokens: Any = sys.modules.get("tidegate.handlers.tokens")
    if tokens is not None:
        tokens.SHARED.forget()


class _WhenImported(importlib.abc.MetaPathFinder):
    """Patches the clients of google-cloud-tasks when they are imported for the first time."""

    def __init__(self, patch: Callable[[ModuleType], Any]) -> None:
        self._patch = patch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in SERVICES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._patch)
        return spec


class _Loader(importlib.abc.Loader):
    """A loader that patches what it has loaded."""

    def __init__(self, loader: Any, patch: Callable[[ModuleType], Any]) -> None:
        self._loader = loader
        self._patch = patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._patch(module)
