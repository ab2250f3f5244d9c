"""JSON and lines of the log that pages show are what a server takes and says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.serving import served
from tests.endtoend.waiting import eventually
from tests.snippets.claims import snippet

SNIPPETS = {
    "docs/explain.md json 1": "the answer for such a task has these fields and, but for numbers and times, this text",
    "docs/faults.md json 1": "sent, with a time of expiry that is still ahead, and read again",
    "docs/operating.md json 1": "an attempt fails, and its line has these fields in this order",
    "docs/operating.md text 1": "an attempt fails, and its line has this form",
}

PLACE = "projects/demo/locations/here"
MAIL = f"{PLACE}/queues/mail"
MEMORY = ("--store", "sqlite://:memory:", "--queue", MAIL)


def shape(value: Any) -> Any:
    """A value with ``#`` in place of numbers and times."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d+(\.\d+)?", "#", value) if isinstance(value, str) else value


def test_a_task_that_waits_for_tokens_is_explained_as_it_is_shown(tmp_path: Path) -> None:
    with served(*MEMORY, directory=tmp_path) as address, httpx.Client(base_url=f"http://{address}", timeout=60) as rest:
        limits = {"maxDispatchesPerSecond": 0.1, "maxBurstSize": 1}
        changed = rest.patch(f"/v2/{MAIL}", json={"rateLimits": limits})
        assert changed.status_code == 200, changed.text
        for name in [*(f"before-{number}" for number in range(24)), "invoice-17"]:
            task = {"name": f"{MAIL}/tasks/{name}", "httpRequest": {"url": "http://127.0.0.1:9/"}}
            assert rest.post(f"/v2/{MAIL}/tasks", json={"task": task}).status_code == 200
        said = rest.get(f"/operator/v1/{MAIL}/tasks/invoice-17:explain").json()
    assert shape(said) == shape(json.loads(snippet("docs/explain.md", "json")))
    assert said["state"] == "DUE"


def test_a_fault_is_taken_as_it_is_shown(tmp_path: Path) -> None:
    fault = json.loads(snippet("docs/faults.md", "json"))
    assert datetime.fromisoformat(fault["expireTime"]).tzinfo is not None
    fault["expireTime"] = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    with served("--dev", *MEMORY, directory=tmp_path) as address:
        url = f"http://{address}/operator/v1/{MAIL}/faults"
        made = httpx.post(url, params={"faultId": "flaky"}, json=fault, timeout=60)
        assert made.status_code == 200, made.text
        (kept,) = httpx.get(url, timeout=60).json()["faults"]
    assert kept == {"name": f"{MAIL}/faults/flaky", **fault} | {key: kept[key] for key in kept.keys() & {"hitCount"}}


@pytest.mark.parametrize("form", ["json", "plain"])
def test_an_attempt_without_an_answer_is_a_line_as_it_is_shown(form: str, tmp_path: Path) -> None:
    log = tmp_path / "log"

    def lines() -> list[str]:
        return [line for line in log.read_text().splitlines() if "tidegate.attempts" in line]

    variables = {"TIDEGATE_LOG_FORMAT": form}
    with (
        log.open("w") as errors,
        served(*MEMORY, directory=tmp_path, variables=variables, stderr=errors) as address,
    ):
        task = {"httpRequest": {"url": "http://127.0.0.1:9/"}}
        assert httpx.post(f"http://{address}/v2/{MAIL}/tasks", json={"task": task}, timeout=60).status_code == 200
        eventually("the line of the attempt", lambda: bool(lines()))
    said = lines()[0]
    if form == "json":
        shown, found = json.loads(snippet("docs/operating.md", "json")), json.loads(said)
        assert list(shown) == list(found)
        for name in ("severity", "logger", "reason"):
            assert shown[name] == found[name]
        assert found["message"].startswith(shown["message"].rstrip("…"))
        assert len(shown["time"]) == len(found["time"])
        return
    shown = re.sub(r"^\S+ \S+", "…", snippet("docs/operating.md", "text").strip())  # the time
    pattern = re.escape(shown).replace("…", ".+")
    pattern = pattern.replace(re.escape("handler.example:443"), re.escape("127.0.0.1:9"))
    pattern = pattern.replace(re.escape("TLS certificate not accepted"), "connection refused")
    assert re.fullmatch(pattern, said), said
