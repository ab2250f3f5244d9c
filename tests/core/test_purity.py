"""The rules stay pure: no clock, no dice, no waiting, no world."""

import ast
import sys
from pathlib import Path

import pytest

import tidegate.core

CORE = Path(tidegate.core.__file__).parent
FILES = sorted(CORE.rglob("*.py"))
WORLDLY = {"asyncio", "io", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time", "uuid"}
CLOCKS = {"now", "utcnow", "today"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_rule_imports_values_only_and_asks_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        imported = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
        for module in imported:
            root = module.partition(".")[0]
            assert module.startswith("tidegate.core") or root == "msgspec" or root in sys.stdlib_module_names
            assert root not in WORLDLY
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await)
        assert not (isinstance(node, ast.Attribute) and node.attr in CLOCKS)
        assert not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print"}
        )
