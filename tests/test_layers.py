"""Imports point inwards, and the rules stay pure; each check is shown to fail where the rule is broken."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INNER = ("core", "engine")
WELCOME = {*sys.stdlib_module_names, "msgspec", "tidegate"}
CLOCKS_AND_DICE = {"asyncio", "random", "secrets", "socket", "threading", "time", "uuid"}

# Where to plant an import, and of what: one for each direction that must not be.
OUTWARDS = [
    ("core", "engine"),
    ("core", "settings"),
    ("engine", "storage"),
    ("engine", "schema"),
    ("engine", "api"),
    ("schema", "engine"),
    ("api", "servers"),
    ("api", "settings"),
    ("storage", "servers"),
    ("delivery", "storage"),
    ("settings", "delivery"),
    ("servers", "cli"),
    ("servers", "client"),
    ("api", "tasks_v2"),
    ("client", "engine"),
    ("client", "settings"),
    ("schema", "client"),
]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of ``root``'s pyproject.toml over ``root``'s sources."""
    code = "from importlinter.cli import lint_imports_command as run; run()"
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"}
    arguments = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(arguments, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_imports_point_inwards() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_import_that_points_outwards_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package, other in OUTWARDS:
        planted = tmp_path / "src/tidegate" / package / f"planted_{other}.py"
        planted.write_text(f"import tidegate.{other}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    for package, other in OUTWARDS:
        assert f"tidegate.{package}.planted_{other} -> tidegate.{other}" in done.stdout


def test_a_module_that_stands_in_no_layer_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src/tidegate/planted.py").write_text("")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert "tidegate.planted" in done.stdout


def imports(source: str) -> Iterator[str]:
    """The top packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def impurities(source: str) -> set[str]:
    """What a rule must not have: waiting, a clock, dice."""
    found = {name for name in imports(source) if name in CLOCKS_AND_DICE}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            found.add("await")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found |= {node.func.attr} & {"now", "utcnow", "today"}
    return found


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / "src/tidegate" / package).rglob("*.py"))


@pytest.mark.parametrize("path", modules(*INNER), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_core_and_engine_need_the_standard_library_and_msgspec_alone(path: Path) -> None:
    assert set(imports(path.read_text())) <= WELCOME


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: path.name)
def test_a_rule_awaits_nothing_and_knows_no_clock_and_no_dice(path: Path) -> None:
    assert impurities(path.read_text()) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from random import random", {"random"}),
        ("def f():\n    import time.x", {"time"}),
        ("async def f(): ...", {"await"}),
        ("from datetime import datetime\nstart = datetime.now()", {"now"}),
        ("def f(now):\n    return now", set()),
    ],
)
def test_an_impure_rule_is_found(source: str, found: set[str]) -> None:
    assert impurities(source) == found
