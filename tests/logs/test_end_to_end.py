"""The log of a whole server: lines that programs read, and nothing in them that is nobody's business."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.serving import served
from tests.endtoend.waiting import eventually

import tidegate

QUEUE = "projects/p/locations/here/queues/mail"
SECRET = "c0ffee-secret"


def test_every_line_is_json_with_names_and_without_secrets(tmp_path: Path) -> None:
    log = tmp_path / "log"
    setup = ("--queue", QUEUE, "--store", "sqlite://:memory:")
    with (
        log.open("w") as stderr,
        served(*setup, directory=tmp_path, variables={"TIDEGATE_LOG_FORMAT": "json"}, stderr=stderr) as address,
        tidegate.connect(address) as client,
    ):
        task = client.create_task(
            parent=QUEUE,
            task=tidegate.http_task(
                f"http://user:{SECRET}@127.0.0.1:9/{SECRET}?key={SECRET}",
                body=SECRET.encode(),
                headers={"X-Key": SECRET, "Authorization": f"Bearer {SECRET}"},
            ),
        )
        eventually("the failed attempt is warned of", lambda: "connection refused" in log.read_text())
    text = log.read_text()
    assert SECRET not in text
    said = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(each, dict) and {"time", "severity", "logger", "message"} <= set(each) for each in said)
    (failed,) = [each for each in said if each["logger"] == "tidegate.attempts"]
    assert failed["severity"] == "WARNING"
    assert (failed["queue"], failed["task"], failed["host"]) == (QUEUE, task.name, "127.0.0.1:9")
    assert failed["reason"] == "connection refused"
