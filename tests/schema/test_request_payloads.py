"""Bodies that are no message of ours: policies, files, payloads to buffer, an Any."""

import json
from typing import Any

import pytest
from google.iam.v1.iam_policy_pb2 import SetIamPolicyRequest
from tests.schema.read_requests import ROWS

from tidegate.core.errors import InvalidArgument
from tidegate.schema import v2, v2beta2
from tidegate.schema.transcoding.request import read_request


def test_a_policy_is_read() -> None:
    body = {"policy": {"bindings": [{"role": "roles/viewer", "members": ["allUsers"]}], "etag": "ACAB"}}
    request = read_request(ROWS.set_iam_policy, {"resource": "r"}, "", json.dumps(body).encode())
    assert isinstance(request, SetIamPolicyRequest)
    assert request.policy.bindings[0].members == ["allUsers"]
    assert request.policy.etag == b"\x00\x20\x01"


def test_a_queue_yaml_comes_as_it_is() -> None:
    row = v2beta2.CloudTasks.upload_queue_yaml
    request = read_request(row, {}, "appId=app", b"queue:\n", "text/yaml")
    assert (request.app_id, request.http_body.data, request.http_body.content_type) == ("app", b"queue:\n", "text/yaml")


BUFFER = {"queue": "q", "task_id": "t"}


@pytest.mark.parametrize("body", [{"data": "aGk=", "contentType": "a/b"}, {"data": "aGk=", "content_type": "a/b"}])
def test_a_wrapped_payload_is_unwrapped(body: dict[str, str]) -> None:
    raw = json.dumps({"body": body}).encode()
    request = read_request(ROWS.buffer_task, BUFFER, "", raw, "Application/JSON; charset=utf-8")
    assert (request.queue, request.task_id) == ("q", "t")
    assert (request.body.data, request.body.content_type) == (b"hi", "a/b")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"body": {"data": "aGk="}}', "text/plain"),
        (b'{"body": {"data": "aGk=", "more": 1}}', "application/json"),
        (b'{"body": "text"}', "application/json"),
        (b'{"body": {}, "more": 1}', "application/json"),
        (b"[1]", "application/json"),
        (b"not json", "application/json"),
        (b"\x00\xff", ""),
    ],
)
def test_any_other_payload_is_taken_as_it_is(body: bytes, content_type: str) -> None:
    request = read_request(ROWS.buffer_task, BUFFER, "", body, content_type)
    assert (request.body.data, request.body.content_type) == (body, content_type)


def test_no_payload_is_no_payload() -> None:
    assert not read_request(ROWS.buffer_task, BUFFER).HasField("body")


def test_a_wrapped_payload_that_is_wrong_is_told() -> None:
    raw = b'{"body": {"data": 5}}'
    with pytest.raises(InvalidArgument, match=r"Invalid value at 'body\.data' \(TYPE_BYTES\), 5"):
        read_request(ROWS.buffer_task, BUFFER, "", raw, "application/json")


def test_an_any_is_found_by_its_type() -> None:
    def buffered(extension: Any) -> Any:
        raw = json.dumps({"body": {"extensions": [extension]}}).encode()
        return read_request(ROWS.buffer_task, BUFFER, "", raw, "application/json").body.extensions[0]

    task = "type.googleapis.com/google.cloud.tasks.v2.Task"
    packed = buffered({"@type": task, "name": "n"})
    assert packed.type_url == task
    assert v2.Task.deserialize(packed.value).name == "n"
    duration = buffered({"@type": "type.googleapis.com/google.protobuf.Duration", "value": "5s"})
    assert duration.value == b"\x08\x05"
    assert buffered({}).type_url == ""
    nested: Any = {"@type": task}
    for _ in range(150):
        nested = {"@type": "type.googleapis.com/google.api.HttpBody", "extensions": [nested]}
    for wrong in [{"name": "n"}, {"@type": 5}, {"@type": "x/unknown.Type"}, {"@type": task, "bogus": 1}, nested]:
        with pytest.raises(InvalidArgument, match=r"body\.extensions\[0\]"):
            buffered(wrong)
