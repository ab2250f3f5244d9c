"""The plugin in the suites of others: its modes, what it costs, whom it redirects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.snippets.claims import snippet
from tests.testing.suites import suite

from tidegate.testing import Server

SNIPPETS = {
    "docs/testing.md python 1": "run by pytest, as it stands and with a handler that is broken",
    "docs/testing.md text 1": "what pytest reports of a handler that is broken",
}


USES_GOOGLE = """
import json

{before}

def test_clients_of_google_are_redirected(tidegate):
    {after}
    tidegate.responds(200)
    queue = tidegate.queue("default")
    client = tasks_v2.CloudTasksClient()
    client.create_task(parent=queue.name, task={{"http_request": {{"url": "http://x.test/a"}}}})
    assert tidegate.run() == 1


KEPT = []


def test_a_client_that_the_program_keeps(tidegate):
    {after}
    tidegate.responds(200)
    KEPT.append(tasks_v2.CloudTasksClient())
    KEPT[0].create_queue(parent=tidegate.location, queue={{"name": tidegate.location + "/queues/kept"}})


def test_finds_the_server_of_the_next_test(tidegate):
    tidegate.responds(200)
    queue = tidegate.queue()
    KEPT[0].create_task(parent=queue.name, task={{"http_request": {{"url": "http://x.test/a"}}}})
    assert tidegate.run() == 1
    import firebase_admin
    from firebase_admin import functions
    app = firebase_admin.initialize_app(options={{"projectId": tidegate.project}})
    tidegate.queue(f"projects/{{tidegate.project}}/locations/us-central1/queues/resize")
    functions.task_queue("resize").enqueue({{"width": 100}}, functions.TaskOptions(uri="http://x.test/resize"))
    assert tidegate.run() == 1
    assert tidegate.requests[-1].json == {{"width": 100}}


def test_what_firebase_keeps_too(tidegate):
    from firebase_admin import functions
    tidegate.responds(200)
    tidegate.queue("projects/" + functions.task_queue("resize")._project_id + "/locations/us-central1/queues/resize")
    functions.task_queue("resize").enqueue({{"width": 200}}, functions.TaskOptions(uri="http://x.test/resize"))
    assert tidegate.run() == 1
"""
IMPORT = "from google.cloud import tasks_v2"

SOME = """
import os
from tidegate import http_task


def test_where_it_runs(tidegate, tidegate_factory, tidegate_server):
    tidegate.responds(200)
    queue = tidegate.queue()
    with tidegate.client() as client:
        client.create_task(parent=queue.name, task=http_task("http://app.test/x", delay=60))
    assert tidegate.advance("2m") == 1
    other = tidegate_factory()
    assert other.run() == 0
    where = os.environ["WHERE"]
    assert (tidegate_server.address == where, tidegate.address == where, other.address == where) == (bool(where),) * 3
    with tidegate_server.client() as client:
        assert list(client.list_queues(parent="projects/p/locations/us-central1")) == []


def test_each_test_has_a_project(tidegate):
    with tidegate.client() as client:
        assert list(client.list_queues(parent=tidegate.location)) == []
    tidegate.responds(200, base="http://app.test")
    with tidegate.client() as client:
        client.create_task(parent=tidegate.queue().name, task=http_task("http://other.test/x"))
    import pytest
    with pytest.raises(AssertionError, match="no handler takes http://other.test/x"):
        tidegate.run()
"""


@pytest.mark.parametrize("before", [True, False], ids=["imported before", "imported within"])
def test_other_clients_are_redirected_whenever_they_are_imported(tmp_path: Path, before: bool) -> None:
    program = USES_GOOGLE.format(before=IMPORT if before else "", after="pass" if before else IMPORT)
    (tmp_path / "test_it.py").write_text(program)
    done = suite(tmp_path)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("way", ["option", "variable", "setting"])
def test_the_mode_is_an_option_a_variable_or_a_setting(tmp_path: Path, way: str) -> None:
    (tmp_path / "test_it.py").write_text(SOME)
    if way == "option":
        done = suite(tmp_path, "--tidegate-mode", "process", WHERE="", TIDEGATE_MODE="inprocess")
    elif way == "variable":
        done = suite(tmp_path, WHERE="", TIDEGATE_MODE="process")
    else:
        with Server() as server:
            done = suite(tmp_path, "-o", f"tidegate_mode={server.address}", WHERE=server.address)
            with server.client() as client:
                left = [list(client.list_queues(parent=f"projects/{name}/locations/us-central1")) for name in ("p",)]
            assert left == [[]]
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_another_mode_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SOME)
    done = suite(tmp_path, "--tidegate-mode", "elsewhere", WHERE="")
    assert "--tidegate-mode must be inprocess, process or HOST:PORT, not 'elsewhere'" in done.stdout


def test_a_server_without_dev_is_refused_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(tidegate): pass\n")
    with Server("--no-dev") as server:
        done = suite(tmp_path, "--tidegate-mode", server.address)
    assert f"the server at {server.address} cannot be used by tests: start it with --dev" in done.stdout


def test_a_failing_test_says_which_tasks_are_left_and_why(tmp_path: Path) -> None:
    (tmp_path / "test_left.py").write_text(
        "from tidegate import http_task\n"
        "def test_it(tidegate):\n"
        "    tidegate.responds(500)\n"
        "    queue = tidegate.queue('mail', min_backoff=60, max_backoff=60)\n"
        "    with tidegate.client() as client:\n"
        "        client.create_task(parent=queue.name, task=http_task('http://shop.test/x'))\n"
        "    tidegate.run()\n"
        "    assert False\n"
    )
    said = suite(tmp_path).stdout
    assert "tasks left:\n  mail/tasks/" in said
    assert "http://shop.test/x, 1 attempts; Attempt 1 failed with INTERNAL(13): HTTP status code 500; the next" in said
    assert "last attempts:\n  mail/tasks/" in said
    assert "POST http://shop.test/x -> 500" in said


def test_the_test_that_the_guide_begins_with_is_green_and_red(tmp_path: Path) -> None:
    program = snippet("docs/testing.md", "python")
    (tmp_path / "test_guide.py").write_text(program)
    broken = program.replace('sent.append(flask.request.get_json()["to"])', "1 / 0").replace("def test_a", "def test_b")
    (tmp_path / "test_broken.py").write_text(broken)
    said = suite(tmp_path).stdout
    assert "1 failed, 1 passed" in said
    title, *shown = snippet("docs/testing.md", "text").splitlines()
    assert re.search(f"^-+ {title.strip('- ')} -+$", said, re.MULTILINE)
    for line in shown:
        words = re.sub(r"\d{4}-\d\d-\d\d [\d:.]+\+00:00|\d+…", "…", line)
        assert re.search(f"^{re.escape(words).replace('…', '.+')}$", said, re.MULTILINE), said
