"""Our declarations against the official package: the same messages, the same rows, for every version there is.

What REST offers and the official package lacks is named in ``EXTRAS``, and nowhere else.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

BUFFER: dict[str, list[str]] = {"types": ["BufferTaskRequest", "BufferTaskResponse"], "rpcs": ["buffer_task"]}
EXTRAS = {
    "v2": BUFFER,
    "v2beta3": BUFFER,
    "v2beta2": {
        "types": [
            *BUFFER["types"],
            "Task/fields/retry_config",
            "BatchCreateTasksMetadata",
            "BatchCreateTasksMetadata.FailedRequestsEntry",
            "BatchCreateTasksMetadata.State",
            "BatchCreateTasksRequest",
            "BatchCreateTasksResponse",
            "BatchDeleteTasksMetadata",
            "BatchDeleteTasksMetadata.FailedRequestsEntry",
            "BatchDeleteTasksMetadata.State",
            "BatchDeleteTasksRequest",
            "CmekConfig",
            "GetCmekConfigRequest",
            "UpdateCmekConfigRequest",
        ],
        "rpcs": [
            *BUFFER["rpcs"],
            "batch_create_tasks",
            "batch_delete_tasks",
            "get_cmek_config",
            "get_operation",
            "update_cmek_config",
            "upload_queue_yaml/http",
        ],
    },
}
VERSIONS = list(EXTRAS)


@cache
def describe(side: str, version: str) -> dict[str, Any]:
    """One side's schema, from a process in which the other side does not exist."""
    script = [sys.executable, str(Path(__file__).with_name("describe.py")), side, version]
    done = subprocess.run(script, check=True, capture_output=True, text=True, timeout=120)
    description: dict[str, Any] = json.loads(done.stdout)
    return description


def without_extras(description: dict[str, Any], version: str) -> dict[str, Any]:
    """``description`` less the extras of ``version``, each of which must be there."""
    rest: dict[str, Any] = json.loads(json.dumps(description))
    for part, paths in EXTRAS[version].items():
        for path in paths:
            *way, last = path.split("/")
            holder = rest[part]
            for step in way:
                holder = holder[step]
            del holder[last]
    return rest


@pytest.mark.parametrize("version", VERSIONS)
def test_there_are_the_same_messages_and_enums(version: str) -> None:
    ours = without_extras(describe("ours", version), version)
    assert sorted(ours["types"]) == sorted(describe("google", version)["types"])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_message_and_enum_is_the_same(version: str) -> None:
    ours = without_extras(describe("ours", version), version)
    for name, theirs in describe("google", version)["types"].items():
        assert ours["types"][name] == theirs, name


@pytest.mark.parametrize("version", VERSIONS)
def test_there_are_the_same_rpcs(version: str) -> None:
    ours = without_extras(describe("ours", version), version)
    assert sorted(ours["rpcs"]) == sorted(describe("google", version)["rpcs"])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_row_is_the_same(version: str) -> None:
    ours = without_extras(describe("ours", version), version)
    for name, theirs in describe("google", version)["rpcs"].items():
        for part, value in theirs.items():
            assert ours["rpcs"][name].get(part, []) == value, (name, part)


@pytest.mark.parametrize("version", VERSIONS)
def test_extras_are_what_google_lacks(version: str) -> None:
    google = describe("google", version)
    for part, paths in EXTRAS[version].items():
        for path in paths:
            *way, last = path.split("/")
            holder = google[part]
            for step in way:
                holder = holder[step]
            assert not holder.get(last), path


@pytest.mark.parametrize("order", [("ours", "google"), ("google", "ours")])
def test_both_live_in_one_interpreter(order: tuple[str, str]) -> None:
    imports = {
        "ours": "from tidegate.schema import " + ", ".join(f"{version} as our_{version}" for version in VERSIONS),
        "google": "from google.cloud import " + ", ".join(f"tasks_{version}" for version in VERSIONS),
    }
    carry = "\n".join(
        f"sent = our_{version}.Task(name='n', schedule_time='2030-01-01T00:00:00Z', http_request={{'url': 'u'}})\n"
        f"got = tasks_{version}.Task.deserialize(our_{version}.Task.serialize(sent))\n"
        "assert got.http_request.url == 'u' and got.schedule_time == sent.schedule_time and got.name == 'n'"
        for version in VERSIONS
    )
    program = "\n".join([*(imports[side] for side in order), carry])
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
