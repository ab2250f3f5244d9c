"""What is said stands in one place: no six lines of code in a row stand anywhere a second time."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINES = 6
AS_THE_API_HAS_IT = (
    "src/tidegate/schema",
    "src/tidegate/tasks",
    "src/tidegate/tasks_v2",
    "src/tidegate/tasks_v2beta2",
    "src/tidegate/tasks_v2beta3",
    "src/tidegate/operator_v1",
)
"""Messages and clients of three versions, which are alike where the API's are."""
HANDED_ON = re.compile(r"(\w+)=\1,")


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements within a module or a statement; expressions, which hold none, are not looked into."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for each in getattr(node, part, ()):
            if isinstance(each, ast.stmt):
                yield each
            yield from statements(each)


def declared(tree: ast.Module) -> set[int]:
    """The lines of imports, signatures and docstrings: they name things, and are alike where things are used alike."""
    lines: set[int] = set()
    for node in statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines |= set(range(node.lineno, (node.end_lineno or 0) + 1))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            lines |= set(range(first, node.body[0].lineno))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines


def runs(source: str) -> Iterator[list[tuple[int, str]]]:
    """The lines of code with their numbers, in pieces between declarations. Left out are empty lines, comments, and
    arguments that are handed on under their own names.
    """
    left_out = declared(ast.parse(source))
    run: list[tuple[int, str]] = []
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if number in left_out:
            yield run
            run = []
        elif text and not text.startswith("#") and not HANDED_ON.fullmatch(text):
            run.append((number, text))
    yield run


def repeated(root: Path, folder: str) -> list[str]:
    """Where code of a folder below ``root`` stands twice: both places, as ``file:line``."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    spared = [root / each for each in AS_THE_API_HAS_IT]
    for path in sorted((root / folder).rglob("*.py")):
        if any(path.is_relative_to(each) for each in spared):
            continue
        for run in runs(path.read_text()):
            for start in range(len(run) - LINES + 1):
                window = run[start : start + LINES]
                places["\n".join(text for _, text in window)].append(f"{path.relative_to(root)}:{window[0][0]}")
    return [" = ".join(found) for found in places.values() if len(found) > 1]


@pytest.mark.parametrize("folder", ["src/tidegate", "tests", "bench", "website", "release"])
def test_no_code_stands_twice(folder: str) -> None:
    assert repeated(ROOT, folder) == []


SIX = "def f(a, b):\n    a = b\n    b = a + 1\n    a = b + 2\n\n    b = a + 3\n    # why\n    a = b + 4\n    return a\n"


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (SIX, True),
        (f"class C:\n{SIX}".replace("\n", "\n    "), True),
        (SIX.replace("    return a\n", "    return b\n"), False),
        (SIX.replace("a = b\n", "import a\n"), False),
        (SIX.replace("    b = a + 3\n", '    """What follows."""\n    b = a + 3\n'), False),
        ("def g(\n    one,\n    two,\n    three,\n    four,\n    five,\n): ...\n" * 2, False),
        ("x = f(\n    one=one,\n    two=two,\n    three=three,\n    four=four,\n    five=5,\n)\n" * 2, False),
    ],
)
def test_code_that_stands_twice_is_found_wherever_it_is(tmp_path: Path, other: str, found: bool) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/one.py").write_text(SIX)
    (tmp_path / "a/b/other.py").write_text(other)
    assert bool(repeated(tmp_path, "a")) is found


def test_both_places_are_named(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(SIX)
    (tmp_path / "other.py").write_text(f"x = 1\n\n\n{SIX}")
    assert repeated(tmp_path, ".") == ["one.py:2 = other.py:5"]
