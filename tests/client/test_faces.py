"""The faces are what the rows say, and show it to whoever looks."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from tests.client.faces.rows import SOURCE
from tests.client.faces.written import faces

from tidegate import tasks_v2, tasks_v2beta2

ROOT = Path(__file__).parents[2]


def test_the_faces_are_written_from_the_rows_as_they_are_now() -> None:
    written = dict(faces())
    for path, text in written.items():
        assert path.read_text() == text, "run: make faces"
    there = {path for package in ("tasks", "tasks_v2*", "operator_v1") for path in SOURCE.glob(f"{package}/**/*.py")}
    assert there == set(written)


def test_help_shows_what_a_method_takes_and_answers() -> None:
    signature = inspect.signature(tasks_v2.CloudTasksClient.create_task)
    assert list(signature.parameters) == ["self", "request", "parent", "task", "retry", "timeout", "metadata"]
    assert signature.parameters["task"].annotation == "Task | dict[str, Any] | None"
    assert signature.return_annotation == "Task"
    assert "At most 1 MiB" in (tasks_v2.CloudTasksClient.create_task.__doc__ or "")


@pytest.mark.parametrize("face", ["tasks_v2", "tasks_v2beta2", "tasks_v2beta3", "tasks"])
def test_importing_a_face_imports_neither_grpcio_nor_google_api_core(face: str) -> None:
    code = (
        f"import sys; from tidegate import {face}; {face}.__version__; assert 'proto' not in sys.modules;"
        f"{face}.Task; {face}.CloudTasksClient; {face}.CloudTasksAsyncClient; {face}.Task.View;"
        "print([name for name in ('grpc', 'google.api_core', 'requests') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


WALK = """
import importlib, os, sys
from operator import attrgetter

face = importlib.import_module(sys.argv[1])
for path in sys.argv[2:]:
    if os.fork() == 0:  # nothing else was asked for in there, which would have brought the module along
        found = attrgetter(path)(face)
        os._exit(found.__name__ != f"{face.__name__}.{path}")
    if os.wait()[1] != 0:
        sys.exit(f"{path} is out of reach")
"""


@pytest.mark.parametrize("face", ["tasks_v2", "tasks_v2beta2", "tasks_v2beta3", "tasks"])
def test_every_module_of_a_face_is_an_attribute_of_the_one_above(face: str) -> None:
    package = SOURCE / face
    files = [path.relative_to(package) for path, _ in faces() if path.is_relative_to(package)]
    modules = [file.parent if file.name == "__init__.py" else file.with_suffix("") for file in files]
    names = {".".join(module.parts) for module in modules} - {""}
    assert "gapic_version" in names
    command = [sys.executable, "-c", WALK, f"tidegate.{face}", *sorted(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_server_starts_without_grpcio() -> None:
    code = "import sys, tidegate.app, tidegate.servers.asgi; print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_name_that_a_face_lacks_is_an_attribute_error() -> None:
    assert not hasattr(tasks_v2beta2, "BatchCreateTasksRequest")
    with pytest.raises(AttributeError, match=r"module 'tidegate.tasks_v2' has no attribute 'Nothing'"):
        _ = tasks_v2.Nothing  # type: ignore[attr-defined]
    assert "CloudTasksClient" in dir(tasks_v2)


USES = """
from typing import assert_type
from collections.abc import Iterator
import tidegate
from google.api_core.operation import Operation
from tidegate import tasks_v2, tasks_v2beta2, tasks_v2beta3
from tidegate.tasks_v2.services.cloud_tasks.pagers import ListTasksPager

client = tidegate.connect("localhost:8123")
assert_type(client, tasks_v2.CloudTasksClient)
assert_type(client.create_task(parent="", task={}), tasks_v2.Task)
assert_type(client.create_task(tasks_v2.CreateTaskRequest(), timeout=3), tasks_v2.Task)
assert_type(client.list_tasks(parent=""), ListTasksPager)
assert_type(next(iter(client.list_tasks(parent=""))), tasks_v2.Task)
assert_type(next(client.list_queues(parent="").pages), tasks_v2.ListQueuesResponse)
assert_type(client.batch_delete_tasks(parent="", names=[]), Operation)
leases = tidegate.connect(version="v2beta2", transport="rest")
assert_type(leases.lease_tasks(parent=""), tasks_v2beta2.LeaseTasksResponse)
client.delete_task(name="")

async def awaited() -> None:
    waits = tidegate.connect(version="v2beta3", asynchronous=True)
    assert_type(await waits.get_queue(name=""), tasks_v2beta3.Queue)
    async for task in await waits.list_tasks(parent=""):
        assert_type(task, tasks_v2beta3.Task)
"""
MISUSES = {
    "client.create_task(parent=5)": "arg-type",
    "client.create_task(queue='')": "call-arg",
    "client.create_task(tasks_v2.GetTaskRequest())": "arg-type",
    "leases.batch_delete_tasks(parent='')": "attr-defined",
    "tidegate.connect(version='v3')": "call-overload",
    "tasks_v2.Nothing": "attr-defined",
}


def test_a_type_checker_sees_the_messages_of_every_method(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    wrong = "\n".join(f"{line}  # type: ignore[{code}]" for line, code in MISUSES.items())
    program.write_text(f"{USES}\n{wrong}\n")
    options = [
        "--strict",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--warn-unused-ignores",
        "--follow-imports=silent",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
