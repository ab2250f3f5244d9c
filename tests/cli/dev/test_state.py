"""``tidegate dev`` that begins with a file and leaves one behind."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.dev.dev_server import started, until
from tests.cli.running import run

import tidegate

QUEUE = "projects/demo/locations/us-central1/queues/mail"


def test_what_one_run_leaves_the_next_one_begins_with(tmp_path: Path) -> None:
    file = tmp_path / "state.jsonl"
    with started("--port", "0", "--headless", "--queue", "mail", "--export-on-exit", str(file)) as lines:
        address = until(lines, "listening on").rpartition("//")[2]
        with tidegate.connect(address) as client:
            client.pause_queue(name=QUEUE)
            task = tidegate.http_task("http://127.0.0.1:9/x", body=b"hello", name=f"{QUEUE}/tasks/t1")
            client.create_task(parent=QUEUE, task=task)
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert records[-1]["trailer"] == {"queues": "1", "tasks": "1"}
    with started("--port", "0", "--headless", "--queue", "other", "--import", str(file)) as lines:
        address = until(lines, "listening on").rpartition("//")[2]
        with tidegate.connect(address) as client:
            found = client.get_task(
                request={"name": f"{QUEUE}/tasks/t1", "response_view": "FULL"},
                retry=_until_it_is_there(),
            )
    assert found.http_request.body == b"hello"


def _until_it_is_there():
    from google.api_core.exceptions import NotFound  # noqa: PLC0415
    from google.api_core.retry import Retry, if_exception_type  # noqa: PLC0415

    return Retry(if_exception_type(NotFound), initial=0.05, maximum=0.2, timeout=30)


def test_a_file_that_is_not_there_is_said_before_the_start(tmp_path: Path) -> None:
    done = run("dev", "--port", "0", "--headless", "--import", str(tmp_path / "none"))
    assert done.exit_code == 1
    assert "cannot read" in done.stderr
    assert "--import" in done.stderr
