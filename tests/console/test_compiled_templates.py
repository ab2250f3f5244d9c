"""Templates are compiled once for all starts, where that can be kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from tidegate.console.compiled_templates import CompiledTemplates


@pytest.fixture(autouse=True)
def keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)


def rendered(folder: Path, text: str = "Hello {{ name }}") -> str:
    """What a process makes of the page, which has compiled nothing yet."""
    environment = Environment(
        loader=DictLoader({"page": text}), autoescape=True, bytecode_cache=CompiledTemplates(folder)
    )
    return environment.get_template("page").render(name="you")


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "__pycache__"
    assert rendered(folder) == "Hello you"
    assert len(list(folder.iterdir())) == 1

    def compile_nothing(*_args: object) -> None:
        raise AssertionError("it was compiled again")

    monkeypatch.setattr(Environment, "_parse", compile_nothing)
    assert rendered(folder) == "Hello you"


def test_a_template_that_was_changed_is_compiled_anew(tmp_path: Path) -> None:
    folder = tmp_path / "__pycache__"
    rendered(folder)
    assert rendered(folder, "Good night {{ name }}") == "Good night you"


def test_where_nothing_can_be_kept_pages_come_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert rendered(tmp_path / "file" / "__pycache__") == "Hello you"


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert rendered(tmp_path / "__pycache__") == "Hello you"
    assert list(tmp_path.iterdir()) == []
