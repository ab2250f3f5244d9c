"""``tidegate dev``: the settings that it makes, what it prints, and from nothing to a delivered task."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.dev.dev_server import OTHERS, PATIENCE, application, started, until
from tests.cli.running import run

from tidegate.cli.dev.attempts import AttemptLines
from tidegate.cli.dev.banner import banner
from tidegate.cli.dev.command import free_port
from tidegate.cli.dev.emulator import from_variables, translated
from tidegate.cli.dev.setup import settings_of
from tidegate.core.lifecycle import Outcome, judge
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Queue
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.ports.events import AttemptEnded
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address
from tidegate.settings import Settings, SqliteUrl

DEFAULT = "projects/demo/locations/us-central1/queues/default"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("TIDEGATE_") or name in OTHERS:
            monkeypatch.delenv(name)


def settings(app: str | None = None, data: str | None = None, **flags: Any) -> Settings:
    return settings_of(flags, None, app=app, data=data).settings


def names(given: Settings) -> list[str]:
    return [each.name for each in given.queue]


def test_without_flags_there_is_a_queue_in_memory_for_this_machine_alone() -> None:
    given = settings()
    assert given.store.in_memory
    assert names(given) == [DEFAULT]
    assert (given.host, given.dev, given.queue_name_reuse_after) == ("127.0.0.1", True, timedelta())


def test_short_names_are_of_the_project_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    full = "projects/p/locations/l/queues/full"
    assert names(settings(queue=("mail", full))) == [DEFAULT.replace("default", "mail"), full]
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop")
    monkeypatch.setenv("TIDEGATE_LOCATION", "here")
    assert names(settings(queue=("mail",))) == ["projects/shop/locations/here/queues/mail"]


def test_a_queue_yaml_is_enough(tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text("queue: []")
    assert names(settings(queues="queue.yaml")) == []


def test_data_may_be_kept(tmp_path: Path) -> None:
    assert settings(data="some/where").store == SqliteUrl("some/where/tidegate.db")
    assert (tmp_path / "some/where").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OperatorError, match="cannot keep data in file: File exists; name another directory with --data"
    ):
        settings(data="file")


def test_an_app_gets_what_is_not_for_this_machine() -> None:
    given = settings(app="localhost:3000", map=("https://api.example.com=http://localhost:4000",))
    assert given.map == {"*": "http://localhost:3000", "https://api.example.com": "http://localhost:4000"}
    assert given.app_engine == {"default": "http://localhost:3000"}
    with pytest.raises(OperatorError, match=r"app must be a URL that starts with http:// or https://, not 'ftp://x'"):
        settings(app="ftp://x")


def test_it_is_known_where_each_setting_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_DRAIN", "5s")
    said = settings_of({"port": "8124"}, None, app="localhost:3000", data="kept").sources
    assert (said["port"], said["drain"], said["host"]) == ("flag --port", "TIDEGATE_DRAIN", "default")
    assert (said["map"], said["app_engine"], said["store"]) == ("flag --app", "flag --app", "flag --data")
    assert {name for name, source in said.items() if source == "tidegate dev"} == {
        "dev",
        "queue",
        "queue_name_reuse_after",
    }
    said = settings_of({"dev": True, "store": "sqlite:///x.db"}, None, app=None, data=None).sources
    assert (said["dev"], said["store"], said["map"]) == ("flag --dev", "flag --store", "default")


def test_the_flags_of_another_emulator_are_taken() -> None:
    line = "-host 0.0.0.0 -port=8124 -queue projects/p/locations/l/queues/a --queue=b -openid-issuer http://x"
    ours = "--host 0.0.0.0 --port=8124 --queue projects/p/locations/l/queues/a --queue=b --oidc-issuer http://x"
    assert translated(line.split()) == ours.split()
    assert translated(["-hard-reset-on-purge-queue"]) == ["--hard-reset-on-purge-queue"]
    assert translated(["-hard-reset-on-purge-queue=false"]) == []
    assert translated(["--app", "http://localhost:3000", "-h"]) == ["--app", "http://localhost:3000", "-h"]


@pytest.mark.parametrize(
    ("variables", "flags"),
    [
        ({"INITIAL_QUEUES": "a, b", "PORT": "8124"}, ["--queue=a", "--queue=b", "--port=8124"]),
        ({"PORT": "3000", "HOST": "laptop"}, []),  # those of somebody else
        ({"OPENID_ISSUER": "http://x", "HOST": "0.0.0.0"}, ["--oidc-issuer=http://x", "--host=0.0.0.0"]),
        ({"HARD_RESET_ON_PURGE_QUEUE": "true"}, ["--hard-reset-on-purge-queue"]),
        ({"APP_ENGINE_EMULATOR_HOST": "http://localhost:8080"}, ["--app-engine=default=http://localhost:8080"]),
    ],
)
def test_the_variables_of_another_emulator_are_taken(variables: Mapping[str, str], flags: list[str]) -> None:
    assert from_variables(variables) == flags


def test_the_banner_says_where_it_is_and_what_to_paste() -> None:
    text = banner(settings(app="http://localhost:3000"), Address("127.0.0.1", "127.0.0.1", 8124))
    lines = text.splitlines()
    assert lines[0].endswith(" dev, in memory: nothing is kept when it stops")
    assert lines[1:3] == [
        "gRPC and REST  localhost:8124        console  http://localhost:8124/console/",
        f"queue          {DEFAULT}",
    ]
    assert "calls to       * go to http://localhost:3000" in lines
    assert "export CLOUD_TASKS_EMULATOR_HOST=localhost:8124" in lines
    for language in ("Python", "Node", "Go", "gcloud"):
        assert any(line.startswith(language) for line in lines)


def ended(outcome: Outcome, url: str = "http://localhost:3000/work", count: int = 1) -> AttemptEnded:
    name = QueueName(DEFAULT)
    task = Task(
        name=TaskName(f"{DEFAULT}/tasks/t1"),
        target=HttpRequest(url),
        schedule_time=NOON,
        create_time=NOON,
        dispatch_count=count,
        dispatched_at=NOON,
    )
    queue = Queue(name=name)
    judgement = judge(task, queue, outcome, NOON)
    return AttemptEnded(queue, task, outcome, judgement, timedelta(milliseconds=41), NOON)


def written(*events: AttemptEnded, in_container: bool = False) -> list[str]:
    out = io.StringIO()
    lines = AttemptLines({}, out, in_container=in_container)
    for event in events:
        lines.emit(event)
    return [line.partition(" ")[2] for line in out.getvalue().splitlines()]


def test_each_attempt_is_a_line_with_its_result_and_what_comes_next() -> None:
    url = "http://localhost:3000/work"
    assert written(ended(Outcome(200))) == [f"default/t1 attempt 1 200 41 ms {url}"]
    assert written(ended(Outcome(503), count=3)) == [f"default/t1 attempt 3 503 41 ms next in 0.4 s {url}"]
    assert written(ended(Outcome(503), count=100)) == [f"default/t1 attempt 100 503 41 ms given up {url}"]
    refused = ended(Outcome(reason="connection refused"))
    assert written(refused) == [f"default/t1 attempt 1 connection refused 41 ms next in 0.1 s {url}"]


def test_in_a_container_a_refusing_localhost_is_explained_once() -> None:
    refused = ended(Outcome(reason="connection refused"))
    lines = written(refused, refused, in_container=True)
    assert len(lines) == 3
    assert lines[1] == ("listens on localhost:3000 in this container; on the host it is host.docker.internal:3000")


PROGRAM = """
import sys
import tidegate
tidegate.patch_google_cloud_tasks()
from google.cloud import tasks_v2
client = tasks_v2.CloudTasksClient()
task = {"http_request": {"url": "https://shop.example.com/work?a=b"}}
print(client.create_task(parent=sys.argv[1], task=task).name)
"""


def test_from_nothing_to_a_delivered_task_by_the_printed_lines_alone() -> None:
    with application() as (url, calls), started("--port", "0", "--app", url) as lines:
        queue = until(lines, "queue  ").split()[1]
        export = until(lines, "export CLOUD_TASKS_EMULATOR_HOST=")
        until(lines, "gcloud")
        done = subprocess.run(
            ["sh", "-c", f'{export}; exec "$0" -c "$1" "$2"', sys.executable, PROGRAM, queue],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        assert calls.get(timeout=PATIENCE) == ("/work?a=b", "shop.example.com")
        line = until(lines, " attempt ")
    task_id = done.stdout.strip().rpartition("/")[2]
    assert f" default/{task_id} attempt 1 200 " in line
    assert line.endswith(" ms https://shop.example.com/work?a=b")


def test_the_line_of_another_emulator_starts_it() -> None:
    variables = {"INITIAL_QUEUES": "projects/p/locations/l/queues/a"}
    with started("-port", "0", "-host=127.0.0.1", "--headless", **variables) as lines:
        address = lines.get(timeout=PATIENCE).removeprefix("listening on ")
        done = run("queues", "list", "--address", address, "--project", "p", "--location", "l", "--format", "json")
    assert [queue["name"] for queue in json.loads(done.stdout)] == [variables["INITIAL_QUEUES"]]


def test_a_purge_is_a_hard_reset_as_with_another_emulator() -> None:
    words = ("--queue", "default", "--project", "demo", "--location", "us-central1")
    with started("-port=0", "-hard-reset-on-purge-queue", "--headless") as lines:
        address = lines.get(timeout=PATIENCE).removeprefix("listening on ")

        def typed(*line: str) -> int:
            return run(*line, "--quiet", "--address", address).exit_code

        assert typed("queues", "pause", DEFAULT) == 0
        create = ("tasks", "create-http-task", "t1", *words, "--url", "http://127.0.0.1:9/")
        assert [typed(*create), typed(*create)] == [0, 1]
        assert [typed("queues", "purge", DEFAULT), typed(*create)] == [0, 0]


def test_a_port_that_another_program_has_is_passed_over_but_not_that_of_a_tidegate() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) > port
    with started("--headless", "--port", "0") as lines:
        port = int(lines.get(timeout=PATIENCE).rpartition(":")[2])
        with pytest.raises(OperatorError, match=f"tidegate runs already at http://127.0.0.1:{port}"):
            free_port("127.0.0.1", port)
