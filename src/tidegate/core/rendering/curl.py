"""A request as a command line of curl, for a POSIX shell."""

from __future__ import annotations

from shlex import quote
from typing import Final

from tidegate.core.rendering.shown import ShownRequest

_OF_CURL: Final = ("accept", "user-agent", "content-type")
"""What curl would add of its own."""


def curl(request: ShownRequest) -> str:
    """The command line, one option a line. A body that is no text comes from ``printf`` in a pipe."""
    options = ["curl --globoff" if any(mark in request.url for mark in "[]{}") else "curl"]
    if request.method == "HEAD":
        options.append("--head")
    else:
        options.append(f"--request {request.method}")
    options.append(f"--max-time {request.timeout:g}")
    options += [f"--header {quote(_header(name, value))}" for name, value in request.headers]
    unwanted = [name for name in _OF_CURL if request.header(name) is None]
    options += [f"--header {quote(name.title() + ':')}" for name in unwanted if name != "content-type" or request.body]
    text = request.text
    before = ""
    if text is not None and "\0" not in text:
        if request.has_body:
            options.append(f"--data-raw {quote(text)}")
    else:
        before = f"printf {quote(_octal(request.body))} | "
        options.append("--data-binary @-")
    options.append(f"--url {quote(request.url)}")
    return before + " \\\n  ".join(options) + "\n"


def _header(name: str, value: str) -> str:
    return f"{name}: {value}" if value else f"{name};"  # curl would leave out one that ends with a colon


def _octal(body: bytes) -> str:
    """Bytes as ``printf`` takes them in its format."""
    return "".join(chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"\\{byte:03o}" for byte in body)
