"""Python that docs/testing.md and docs/client.md show beside their main examples."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.serving import served
from tests.snippets.claims import snippet, snippets
from website.reference.pages import pages as reference_pages

import tidegate
from tidegate import http_task
from tidegate.handlers import RetryLater
from tidegate.testing import Tidegate

SNIPPETS = {
    "docs/testing.md python 2 4": "run: the server without pytest has the queue; the handler reads a real task's token",
    "docs/client.md text 1": "both imports work, and the second is of the same names",
    "reference/python-client.md text 1 2 3 4": "run, with a server of the test in place of the page's",
}

ISSUER, AUDIENCE = "https://tasks.example.com", "https://shop.example.com/work"
QUEUE = "projects/demo/locations/here/queues/mail"


def run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_server_without_pytest_has_the_queue_that_is_made() -> None:
    look = "    assert client.get_queue(name='projects/demo/locations/here/queues/mail').name\n"
    run(snippet("docs/testing.md", "python", 2) + look)


def test_the_handler_knows_who_sent_its_task_and_asks_for_time_when_it_was_tried_often() -> None:
    with closing(Tidegate()) as server:
        program = snippet("docs/testing.md", "python", 4)
        assert ISSUER in program
        scope: dict[str, Any] = {}
        exec(program.replace(ISSUER, f"http://{server.address}"), scope)
        seen: list[Any] = []

        def answer(request: Any) -> int:
            seen.append(SimpleNamespace(headers=dict(request.headers)))
            return 200

        server.responds(answer)
        token = {"service_account_email": "mailer@shop.iam.gserviceaccount.com", "audience": AUDIENCE}
        task = http_task("http://app.test/work")
        task["http_request"]["oidc_token"] = token
        with server.client() as client:
            client.create_task(parent=server.queue().name, task=task)
        assert server.run() == 1
        (request,) = seen
        assert scope["work"](request) == "mailer@shop.iam.gserviceaccount.com"
        request.headers = {
            name: "6" if name.lower() == "x-cloudtasks-taskretrycount" else value
            for name, value in request.headers.items()
        }
        with pytest.raises(RetryLater):
            scope["work"](request)


def test_both_imports_of_the_client_page_bring_the_same_names() -> None:
    old, _, new = snippet("docs/client.md", "text").strip().partition("   →   ")
    names = "{name for name in dir(tasks_v2) if name.endswith(('Request', 'Client')) and 'CloudTasks' in name}"
    run(f"{old}\nbefore = {names}\n{new}\nassert {names} >= before and before")


def test_the_examples_of_the_reference_of_the_client_run(tmp_path: Path) -> None:
    page = "reference/python-client.md"
    shown = [each.text for each in snippets(page, dict(reference_pages())[page])]
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, directory=tmp_path) as address:
        known = f"import tidegate\nqueue, url = {QUEUE!r}, 'https://example.com/'\n"
        again = f"client = tidegate.connect({address!r})\n"  # the one before may be closed
        run(known + "".join(again + text.replace("localhost:8123", address) for text in shown))
        with tidegate.connect(address) as client:
            assert len(list(client.list_tasks(parent=QUEUE))) == 2
