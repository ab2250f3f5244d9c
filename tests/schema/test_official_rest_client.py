"""The official client over REST against our reading and writing, without a server between them."""

import importlib
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.protobuf import json_format

from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding import Router, read_options, read_request, split_query, write_response
from tidegate.schema.versions import VERSIONS, rows

PLACE = "projects/example.com:app/locations/l"
QUEUE = f"{PLACE}/queues/q"
TASK = f"{QUEUE}/tasks/t"
WHEN = "2030-01-01T00:00:00.123456Z"

TASK_SENT = {
    "name": TASK,
    "http_request": {"url": "http://h/ü?a=b", "http_method": "PUT", "headers": {"X-A": "ü"}, "body": "+/8="},
    "schedule_time": WHEN,
}
QUEUE_SENT = {
    "name": QUEUE,
    "retry_config": {"max_attempts": 5, "min_backoff": "0.1s"},
    "http_target": {"uri_override": {"scheme": "HTTP", "port": "0"}, "header_overrides": [{"header": {"key": "k"}}]},
}
MASK = "retryConfig.minBackoff,httpTarget"
SENT: dict[str, dict[str, Any]] = {
    "list_queues": {"parent": PLACE, "filter": "state: PAUSED & x=1", "page_size": 5, "page_token": "a+b/c"},
    "get_queue": {"name": QUEUE},
    "create_queue": {"parent": PLACE, "queue": QUEUE_SENT},
    "update_queue": {"queue": QUEUE_SENT, "update_mask": MASK},
    "delete_queue": {"name": QUEUE},
    "purge_queue": {"name": QUEUE},
    "pause_queue": {"name": QUEUE},
    "resume_queue": {"name": QUEUE},
    "get_iam_policy": {"resource": QUEUE, "options": {"requested_policy_version": 3}},
    "set_iam_policy": {
        "resource": QUEUE,
        "policy": {"bindings": [{"role": "r", "members": ["a", "b"]}], "etag": "ACAB"},
    },
    "test_iam_permissions": {"resource": QUEUE, "permissions": ["a", "b"]},
    "list_tasks": {"parent": QUEUE, "response_view": "FULL", "page_size": 5},
    "get_task": {"name": TASK, "response_view": "FULL"},
    "create_task": {"parent": QUEUE, "task": TASK_SENT, "response_view": "FULL"},
    "delete_task": {"name": TASK},
    "run_task": {"name": TASK, "response_view": "BASIC"},
    "lease_tasks": {"parent": QUEUE, "max_tasks": 5, "lease_duration": "60s", "filter": "tag=a"},
    "acknowledge_task": {"name": TASK, "schedule_time": WHEN},
    "renew_lease": {"name": TASK, "schedule_time": WHEN, "lease_duration": "60s", "response_view": "FULL"},
    "cancel_lease": {"name": TASK, "schedule_time": WHEN},
    "batch_create_tasks": {"parent": QUEUE, "requests": [{"parent": QUEUE, "task": TASK_SENT}], "request_id": "r"},
    "batch_delete_tasks": {"parent": QUEUE, "names": [TASK, f"{QUEUE}/tasks/u"]},
    "get_cmek_config": {"name": f"{PLACE}/cmekConfig"},
    "update_cmek_config": {"cmek_config": {"name": f"{PLACE}/cmekConfig", "kms_key": "k"}, "update_mask": "kmsKey"},
    "list_locations": {"name": "projects/example.com:app", "filter": "f", "page_size": 5},
    "get_location": {"name": PLACE},
    "get_operation": {"name": f"{PLACE}/operations/o"},
}
ANSWERED: dict[str, dict[str, Any]] = {
    "Queue": {"name": QUEUE, "state": "RUNNING", "purgeTime": WHEN, "retryConfig": {"maxBackoff": "3600s"}},
    "Task": {"name": TASK, "view": "FULL", "httpRequest": {"url": "u", "body": "+/8=", "headers": {"a": "b"}}},
    "ListQueuesResponse": {"queues": [{"name": QUEUE}], "nextPageToken": "t"},
    "ListTasksResponse": {"tasks": [{"name": TASK}, {"name": "u"}]},
    "LeaseTasksResponse": {"tasks": [{"name": TASK}]},
    "Empty": {},
    "Policy": {"version": 1, "bindings": [{"role": "r", "members": ["a"]}], "etag": "ACAB"},
    "TestIamPermissionsResponse": {"permissions": ["a"]},
    "CmekConfig": {"name": "n", "kmsKey": "k"},
    "ListLocationsResponse": {"locations": [{"name": PLACE, "labels": {"a": "b"}}]},
    "Location": {"name": PLACE, "locationId": "l"},
    "Operation": {"name": f"{PLACE}/operations/o", "done": True},
}


class Wire:
    """Stands behind the client's session: takes its calls to our router and reader, and answers with our writer."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.row: Rpc[Any, Any] | None = None
        self.read: Any = None

    def request(self, verb: str, url: str, params: Any = (), data: str | None = None, **_: Any) -> requests.Response:
        prepared = requests.Request(verb, url, params=params).prepare()
        assert prepared.url is not None
        sent = urlsplit(prepared.url)
        match = self.router.match(verb, sent.path)
        assert match is not None, url
        self.row = match.row
        self.read = read_request(match.row, match.variables, sent.query, (data or "").encode())
        answer = json_format.ParseDict(ANSWERED[match.row.response_pb.DESCRIPTOR.name], match.row.response_pb())
        options = read_options(split_query(sent.query))
        response = requests.Response()
        response.status_code = 200
        response._content = write_response(answer, int_enums=options.int_enums, pretty=options.pretty)
        return response


def official(version: str) -> tuple[Any, Wire]:
    package = importlib.import_module(f"google.cloud.tasks_{version}")
    client = package.CloudTasksClient(
        credentials=AnonymousCredentials(),
        transport="rest",
        client_options={"api_endpoint": "http://localhost:1"},
    )
    wire = Wire(Router(rows(version)))
    client.transport._session.request = wire.request
    return client, wire


CALLS = [
    (version, row)
    for version in VERSIONS
    for row in rows(version)
    if row.grpc and row.http and row.name != "upload_queue_yaml"  # the official client has no REST form for that
]


def made(kind: type[Any], fields: dict[str, Any]) -> Any:
    """A raw message of a raw or wrapped class."""
    return json_format.ParseDict(fields, (kind if hasattr(kind, "DESCRIPTOR") else kind.pb())())


@pytest.mark.parametrize(("version", "row"), CALLS, ids=lambda each: each if isinstance(each, str) else each.name)
def test_the_official_client_and_we_read_what_the_other_writes(version: str, row: Rpc[Any, Any]) -> None:
    client, wire = official(version)
    package = importlib.import_module(f"google.cloud.tasks_{version}")
    ours = made(row.request, SENT[row.name])
    theirs: Any = ours
    if not hasattr(row.request, "DESCRIPTOR"):
        theirs = getattr(package, row.request.__name__).deserialize(ours.SerializeToString())

    answer = getattr(client, row.name)(request=theirs)

    assert wire.row is row
    assert json_format.MessageToDict(wire.read) == json_format.MessageToDict(ours)
    if row.answers_nothing:
        assert answer is None
        return
    if row.long_running:
        answer = answer.operation
    if hasattr(answer, "_response"):  # a pager
        answer = answer._response
    raw = type(answer).pb(answer) if hasattr(type(answer), "pb") else answer
    expected = made(row.response, ANSWERED[row.response_pb.DESCRIPTOR.name])
    assert raw.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
