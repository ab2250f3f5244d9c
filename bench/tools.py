"""Programs that benchmarks need, and what to say when one is missing."""

from __future__ import annotations

import os
import shutil

PACKAGES = {"h2load": "nghttp2-client", "nginx": "nginx-light"}


class CannotMeasure(Exception):  # noqa: N818 - the text is for whoever runs the tool
    """One line with the cause and the cure."""


def program(name: str) -> str:
    """Where it is."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise CannotMeasure(f"{name} is missing: apt-get install {PACKAGES[name]}")
    return found
