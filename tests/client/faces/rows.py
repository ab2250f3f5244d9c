"""What the source of a client needs of a row: its kinds, its fields, what is said of them."""

from __future__ import annotations

import ast
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

from tidegate.schema.rpc import Rpc

SOURCE = Path(__file__).parents[3] / "src/tidegate"
OPTIONS = """\
    retry: {retry} = DEFAULT,
    timeout: Timeout = DEFAULT,
    metadata: Sequence[tuple[str, str | bytes]] = (),
"""


def an(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def kinds(row: Rpc[Any, Any]) -> set[type[Any]]:
    """The messages of an RPC."""
    long_running = (row.long_running.response, row.long_running.metadata) if row.long_running else ()
    return {row.request, row.response, *long_running}


def is_paged(row: Rpc[Any, Any]) -> bool:
    return (
        row.service.startswith("google.cloud.tasks.") and "next_page_token" in row.response_pb.DESCRIPTOR.fields_by_name
    )


def items(row: Rpc[Any, Any]) -> tuple[str, str]:
    """The field of a page that holds its items, and what they are."""
    (field,) = [item for item in row.response_pb.DESCRIPTOR.fields if item.is_repeated]
    return field.name, field.message_type.name


@cache
def documented(version: str) -> dict[tuple[str, str], str]:
    """What the source of a version says below each field of its requests."""
    found = {}
    tree = ast.parse((SOURCE / f"schema/{version}/cloudtasks.py").read_text())
    for kind in tree.body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for field, below in zip(kind.body, kind.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(field.target, ast.Name):
                found[kind.name, field.target.id] = str(ast.literal_eval(below.value))
    return found


def wrapped(text: str, first: str, rest: str) -> str:
    return textwrap.fill(text, 100, initial_indent=first, subsequent_indent=rest, break_long_words=False)
