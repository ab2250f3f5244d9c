"""Imports Tidegate as it is: pytest would rewrite the assertions of everything that a plugin's package has."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

PACKAGE = "tidegate."


class PlainImports(importlib.abc.MetaPathFinder):
    """Finds the modules of this package before pytest does. It would parse, change and compile several hundred of
    them, which takes longer than the first test, and there is not one assertion in them for it to explain.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(PACKAGE):
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, path, target)


def import_plainly() -> None:
    """Do so from now on in this process; once is enough."""
    if not any(isinstance(finder, PlainImports) for finder in sys.meta_path):
        sys.meta_path.insert(0, PlainImports())
