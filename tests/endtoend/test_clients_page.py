"""docs/clients.md: each of its programs runs in its language, as it stands there, and its words on handlers are so."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.endtoend.page_programs import COMMANDS, execute
from tests.endtoend.server import Server
from tests.test_docs import BLOCK, ROOT

SNIPPETS = {"docs/clients.md *": "run, each in its language, against a server"}


PAGE = (ROOT / "docs/clients.md").read_text()
PROGRAMS: list[tuple[str, str]] = BLOCK.findall(PAGE)
PLACE = "/v2/projects/demo/locations/here/queues"
MINUTES = 15
"""Until the tools of all languages are there, on a machine that has none of them built yet."""


def names(address: str) -> set[str]:
    """What is there: queues and their tasks."""
    with closing(HTTPConnection(address, timeout=30)) as connection:

        def listed(path: str, kind: str) -> list[str]:
            connection.request("GET", path)
            return [item["name"] for item in json.load(connection.getresponse()).get(kind, [])]

        queues = listed(PLACE, "queues")
        return {*queues, *(task for queue in queues for task in listed(f"/v2/{queue}/tasks", "tasks"))}


def test_every_program_of_the_page_is_in_a_language_that_is_run() -> None:
    assert {language for language, _ in PROGRAMS} == set(COMMANDS)
    assert PAGE.count("```") == 2 * len(PROGRAMS)


@pytest.mark.timeout(60 * MINUTES)
@pytest.mark.parametrize("number", range(len(PROGRAMS)), ids=lambda number: f"{number}-{PROGRAMS[number][0]}")
def test_a_program_of_the_page_makes_one_thing_on_the_server(server: Server, number: int, tmp_path: Path) -> None:
    language, code = PROGRAMS[number]
    before = names(server.address)
    execute(language, at(server, code), tmp_path)
    assert len(names(server.address) - before) == 1


def at(server: Server, code: str) -> str:
    """The program, for this server in place of the page's."""
    assert "localhost" in code
    assert "8123" in code
    return code.replace("localhost", "127.0.0.1").replace("8123", str(server.port))
