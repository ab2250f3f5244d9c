"""What the source of the schema says of its messages, fields and enum values, by their full protobuf names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCHEMA = Path(__file__).parents[2] / "src/tidegate/schema"


@cache
def documented() -> dict[str, str]:
    """``tidegate.v2.Task.name`` and the like, each with the text below it."""
    return {name: text for file in sorted(SCHEMA.rglob("*.py")) for name, text in _texts(file)}


def said(name: str) -> str:
    """The text of a name. A version that says nothing of what v2 has too means the same."""
    found = documented()
    rest = name.split(".", 2)[-1]
    return found.get(name) or found.get(f"tidegate.v2.{rest}", "")


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    package = next((_package(statement) for statement in tree.body if _package(statement)), None)
    if package:
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                yield from _of_class(statement, package)


def _package(statement: ast.stmt) -> str | None:
    """The first argument of ``__protobuf__ = module("tidegate.v2", …)``."""
    match statement:
        case ast.Assign(targets=[ast.Name("__protobuf__")], value=ast.Call(args=[ast.Constant(str(package)), *_])):
            return package
    return None


def _of_class(kind: ast.ClassDef, parent: str) -> Iterator[tuple[str, str]]:
    name = f"{parent}.{kind.name}"
    yield name, ast.get_docstring(kind) or ""
    for statement in kind.body:
        if isinstance(statement, ast.ClassDef):
            yield from _of_class(statement, name)
    for before, below in zip(kind.body, kind.body[1:], strict=False):
        match before, below:
            case (
                ast.AnnAssign(target=ast.Name(field)) | ast.Assign(targets=[ast.Name(field)]),
                ast.Expr(value=ast.Constant(str(text))),
            ):
                yield f"{name}.{field}", " ".join(text.split())
