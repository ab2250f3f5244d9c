"""The Python client as a page: its functions and methods, from their own signatures and docstrings."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import tidegate
from tidegate import operator_v1, tasks_v2, tasks_v2beta2, tasks_v2beta3
from website.reference.text import prose

INTRO = """\
# The Python client, every method

Made from the client's own signatures. [The Python client](../client.md) says how to get one. Each method takes
`retry`, `timeout` (seconds) and `metadata` too, and a `request` in place of the other arguments. The asyncio clients
have the same methods, to be awaited.
"""
OPTIONS = frozenset({"self", "request", "retry", "timeout", "metadata"})
_ARGUMENT = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield INTRO
    yield from ("## Functions of `tidegate`", "")
    for name in sorted(tidegate.__all__):
        function = getattr(tidegate, name)
        if callable(function):
            yield from _entry(f"tidegate.{name}", function)
    seen: set[str] = set()
    for title, kind in (
        ("`tasks_v2.CloudTasksClient`", tasks_v2.CloudTasksClient),
        ("Besides in `tasks_v2beta2.CloudTasksClient`", tasks_v2beta2.CloudTasksClient),
        ("Besides in `tasks_v2beta3.CloudTasksClient`", tasks_v2beta3.CloudTasksClient),
        ("`operator_v1.OperatorClient`", operator_v1.OperatorClient),
    ):
        methods = {name: item for name, item in vars(kind).items() if inspect.isfunction(item) and name[0] != "_"}
        new = {name: item for name, item in methods.items() if name not in seen or kind is operator_v1.OperatorClient}
        seen |= set(new)
        if new:
            yield from (f"## {title}", "")
        for name, item in new.items():
            yield from _entry(name, item)


def _entry(name: str, function: Any) -> Iterator[str]:
    signature = inspect.signature(function)
    words = [word for word in signature.parameters if word not in OPTIONS]
    yield from (f"### {name}", "", f"`{name}({', '.join(words)})`", "")
    text = inspect.getdoc(function) or ""
    says, _, arguments = text.partition("\nArgs:\n")
    for paragraph in says.split("\n\n"):
        if paragraph.startswith("    "):
            yield from ("```text", textwrap.dedent(paragraph), "```", "")
        else:
            yield from (prose(" ".join(paragraph.split())), "")
    described = [(word, text) for word, text in _ARGUMENT.findall(arguments) if word in words]
    yield from (f"- `{word}`: {prose(' '.join(text.split()))}" for word, text in described)
    yield ""
