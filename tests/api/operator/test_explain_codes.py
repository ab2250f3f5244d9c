"""Every code of an explanation has a scripted situation in these files."""

from __future__ import annotations

import ast
from pathlib import Path

from tidegate.core.explain.values import Code

HERE = Path(__file__).parent
SCRIPTED = [*HERE.glob("test_explain_*.py"), HERE / "test_nodes.py"]


def named_in(path: Path) -> set[str]:
    """What stands in a test as a text or as a member of an enum."""
    tests = [each for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)]
    nodes = [node for test in tests for node in ast.walk(test)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_every_code_has_a_scripted_situation() -> None:
    named = set().union(*map(named_in, SCRIPTED))
    assert {code.name for code in Code} - named == set()
