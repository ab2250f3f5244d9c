"""The site builds without a warning, has everything in its place, and no link leads nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from website.navigation import SECTIONS, navigation
from website.reference.pages import pages as reference_pages
from website.reference.sources import documented
from website.staging import DOCS, ROOT

from tidegate.schema import operator
from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import VERSIONS, all_rows, rows
from tidegate.settings import SETTINGS
from website import links, llms


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as ``make site`` builds it, which checks every link too."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "website", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "No issues found\n"
    return folder / "site"


def test_every_page_of_the_docs_is_on_the_site_and_in_its_navigation(site: Path) -> None:
    start = (site / "index.html").read_text()
    for page in DOCS.rglob("*.md"):
        place = page.relative_to(DOCS).with_suffix("")
        if place.name == "index":
            continue
        assert (site / place / "index.html").exists(), page
        assert f'href="./{place.as_posix()}/"' in start, page


def test_the_navigation_names_only_pages_that_there_are(site: Path) -> None:
    for _, listed in SECTIONS:
        assert [page for page in listed if not (site / page).exists()] == []


def test_a_page_that_nobody_has_placed_is_among_the_guides() -> None:
    sections = dict(navigation(["start.md", "new.md", "decisions/why.md"]))
    assert sections == {"Start": ("start.md",), "How-to guides": ("new.md",), "Decisions": ("decisions/why.md",)}


def test_pages_can_be_searched_copied_from_and_seen_in_light_and_dark(site: Path) -> None:
    found = json.loads((site / "search.json").read_text())
    assert len(found["items"]) > 300
    start = (site / "start/index.html").read_text()
    assert "content.code.copy" in start
    assert 'data-md-color-scheme="slate"' in start
    assert 'data-md-color-scheme="default"' in start


def test_llms_txt_lists_every_page_as_markdown(site: Path) -> None:
    said = (site / "llms.txt").read_text()
    assert said.startswith("# Tidegate\n\n> ")
    listed = {part.partition(")")[0] for part in said.split("](")[1:]}
    assert listed == {page.relative_to(site).as_posix() for page in site.rglob("*.md")}


def test_the_reference_has_every_method_and_field_of_every_version() -> None:
    pages = dict(reference_pages())
    for row in [*all_rows(), *operator.Operator.rpcs]:
        page = pages[f"reference/{_page(row)}.md"]
        assert f"### {row.rpc_name}\n" in page
        assert all(f"`{rule.verb} {rule.path}`" in page for rule in row.bindings), row.full_name
        assert not row.grpc or f"`{row.grpc_path}`" in page
        assert all(f"| `{field}`" in page for field in _own_fields(row)), row.full_name


def _page(row: Rpc[Any, Any]) -> str:
    """The page that a row is on."""
    if row in operator.Operator.rpcs:
        return "operator"
    return next(version for version in VERSIONS if row in rows(version))


def _own_fields(row: Rpc[Any, Any]) -> list[str]:
    kind = row.request_pb.DESCRIPTOR
    return [field.name for field in kind.fields] if kind.full_name.startswith("tidegate.") else []


def test_the_reference_says_what_the_source_says() -> None:
    page = dict(reference_pages())["reference/v2.md"]
    assert documented()["tidegate.v2.Task.View.BASIC"] == "All but the body."
    assert "| `BASIC` | 1 | All but the body. |" in page
    assert "| `schedule_time`, `scheduleTime` | 4 |" in page


def test_the_commands_are_all_there_and_settings_have_a_page_of_their_own() -> None:
    page = dict(reference_pages())["reference/commands.md"]
    for words in (
        "dev",
        "serve",
        "tasks create-http-task",
        "beta tasks queues create-app-engine-queue",
        "dead redrive",
    ):
        assert f"### tidegate {words}\n" in page, words
    assert "`--max-attempts=" in page
    assert [row.flag for row in SETTINGS if f"| `{row.flag}` |" in page] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<h1 id="here">x</h1><a href="#here">a</a><a href="#gone">b</a><a href="gone/">c</a>'
        '<a href="https://example.com/">d</a><a href="http://example.com/">e</a><script src="https://example.com/x.js"></script>'
    )
    assert [line.split(": ")[1:] for line in links.broken(tmp_path)] == [
        ["#gone", "leads to a part that the page does not have"],
        ["gone/", "leads to nothing"],
        ["http://example.com/", "is not https"],
        ["https://example.com/x.js", "loads from another site"],
    ]


def test_a_summary_is_the_first_sentence() -> None:
    assert llms.summary("# Title\n\n<!-- made -->\n\nOne [thing](x.md). Another.\n") == "One thing."
