"""Start and the tutorials work as they are written, typed into an environment that has nothing but Python."""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg
import pytest
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.website.environment import bare, built_wheel, install
from tests.website.pages import ROOT, Block
from tests.website.typist import Typist

TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
ON_A_DATABASE = "production.md"

SNIPPETS = {
    "docs/start.md *": "typed, saved or awaited by the typist, who refuses what it cannot use",
    "docs/tutorials/* *": "typed, saved or awaited by the typist, who refuses what it cannot use",
}


pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the terminals are a Unix shell's"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def started(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the start leaves behind: an environment with Tidegate."""
    home = bare(tmp_path_factory.mktemp("started") / ".venv")
    install(home, ["./tidegate"], wheel)
    return home


def no_sql(block: Block) -> None:
    raise AssertionError(f"nobody runs the statements of {block.title}")


def test_the_start_works_as_it_is_written(wheel: Path, tmp_path: Path) -> None:
    Typist(tmp_path, wheel, {}, no_sql).type(ROOT / "docs/start.md")


@pytest.mark.parametrize("page", [page for page in TUTORIALS if page.name != ON_A_DATABASE], ids=lambda page: page.stem)
def test_a_tutorial_works_as_it_is_written(page: Path, wheel: Path, started: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(started)
    Typist(tmp_path, wheel, {}, no_sql).type(page)


def test_the_tutorial_on_production_works_as_it_is_written(wheel: Path, started: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(started)
    with postgres_server() as server:
        Typist(tmp_path, wheel, {"5432": server.port}, lambda block: run_sql(server, block)).type(
            ROOT / "docs/tutorials" / ON_A_DATABASE
        )


def run_sql(server: PostgresServer, block: Block) -> None:
    """The statements of a block, by the role that its title names."""
    owner = "tidegate_owner" in block.title
    url = psycopg.conninfo.make_conninfo(server.url, user="tidegate_owner", dbname="tasks") if owner else server.url
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in filter(str.strip, block.text.split(";\n")):
            connection.execute(statement.encode())
