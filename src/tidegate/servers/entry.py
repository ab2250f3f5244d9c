"""The first of our modules that runs inside Envoy: puts the environment right, then loads the application."""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from typing import Any

from tidegate.servers.handover import APP, BEFORE


def _load() -> Any:
    # What made this interpreter start inside Envoy must not reach programs that it starts itself.
    for name, value in json.loads(os.environ.pop(BEFORE)).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    module, _, attribute = os.environ.pop(APP).partition(":")
    return getattr(import_module(module), attribute)


try:
    app = _load()
except BaseException:  # whatever it is, Envoy would hide it
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
