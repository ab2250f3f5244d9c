"""What the service says to bad queues and tasks: one table, walked each way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.conformance.cases.tables import NOT_FOUND, QUEUE_MISSING
from tests.conformance.cloud import Cloud, Wire
from tests.conformance.conftest import PROJECTS, SERVED

URI = "Error in parsing HttpTarget. "
HEADERS = (
    "Error in parsing HttpTarget.headers. Header name cannot be empty or start with reserved prefixes. "
    "Invalid headers found: "
)
QUEUES: list[tuple[dict[str, Any], str]] = [
    ({"rate_limits": {"max_dispatches_per_second": -1}}, "RateLimits.maxDispatchesPerSecond cannot be negative."),
    (
        {"rate_limits": {"max_dispatches_per_second": 500.5}},
        "RateLimits.maxDispatchesPerSecond must be less than or equal to 500.",
    ),
    ({"rate_limits": {"max_concurrent_dispatches": -1}}, "RateLimits.maxConcurrentDispatches cannot be negative."),
    (
        {"rate_limits": {"max_concurrent_dispatches": 5001}},
        "RateLimits.maxConcurrentDispatches must be less than or equal to 5000.",
    ),
    ({"retry_config": {"max_attempts": -2}}, "RetryConfig.maxAttempts must be greater or equal to -1."),
    ({"retry_config": {"max_doublings": -1}}, "RetryConfig.maxDoublings cannot be negative."),
    ({"retry_config": {"min_backoff": {"nanos": -1}}}, "RetryConfig.minBackoff cannot be negative."),
    ({"retry_config": {"max_backoff": {"seconds": -1}}}, "RetryConfig.maxBackoff cannot be negative."),
    (
        {"retry_config": {"max_retry_duration": {"seconds": -1}}},
        "RetryConfig.max_retry_duration.seconds cannot be negative.",
    ),
    (
        {"retry_config": {"max_retry_duration": {"seconds": 1, "nanos": 1}}},
        "RetryConfig.max_retry_duration.nanos cannot be set.",
    ),
    (
        {"retry_config": {"min_backoff": {"seconds": 3601}}},
        "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
    ),
    ({"stackdriver_logging_config": {"sampling_ratio": 1.5}}, "sampling_ratio must be between 0.0 and 1.0."),
    ({"stackdriver_logging_config": {"sampling_ratio": float("nan")}}, "sampling_ratio must be between 0.0 and 1.0."),
    ({"http_target": {"uri_override": {"host": "https://a"}}}, f"{URI}Invalid Host."),
    ({"http_target": {"uri_override": {"port": -1}}}, f"{URI}Port number should be a positive integer."),
    ({"http_target": {"uri_override": {}}}, f"{URI}Invalid uri_override."),
    ({"http_target": {"http_method": 9}}, URI),
    ({"http_target": {"header_overrides": [{"header": {"key": "Host"}}, {"header": {}}]}}, f"{HEADERS}Host, "),
    ({"http_target": {"oauth_token": {"scope": "a"}}}, "service_account_email must be set."),
    ({"http_target": {"oidc_token": {"service_account_email": "a"}}}, "Request contains an invalid argument."),
]
HTTP = {"url": "https://example.com"}
TASKS: list[tuple[dict[str, Any], str]] = [
    ({}, "Task.payload_type is not set."),
    ({"http_request": {}}, "HttpRequest.url is required."),
    ({"http_request": {"url": "//a"}}, "HttpTarget.url must start with 'http://' or 'https://'."),
    (
        {"http_request": {**HTTP, "http_method": "DELETE", "body": b"a"}},
        "Body can only be set if the http_method is POST, PUT, or PATCH.",
    ),
    (
        {"http_request": {**HTTP, "oauth_token": {"service_account_email": "a@b"}}},
        'Invalid url for HttpRequest.oauth_token. The hostname in the url must end with ".googleapis.com"',
    ),
    ({"http_request": {**HTTP, "oidc_token": {}}}, "service_account_email must be set."),
    (
        {"http_request": HTTP, "dispatch_deadline": {"seconds": 14}},
        "Task.dispatchDeadline must be between [15s, 30m].",
    ),
    (
        {"app_engine_http_request": {}, "dispatch_deadline": {"seconds": 86416}},
        "Task.dispatchDeadline must be between [15s, 24h15s].",
    ),
    (
        {"http_request": HTTP, "schedule_time": {"seconds": 4102444800, "nanos": 500_000_000}},
        "The Task.scheduleTime, 2099-12-31T16:00:00.5-08:00, is too far in the future. "
        "Schedule time must be no more than 720h in the future.",
    ),
    ({"http_request": {**HTTP, "body": b"x" * 2**20}}, "Task size too large"),
    (
        {"http_request": HTTP, "retry_config": {"max_attempts": -2}},
        "RetryConfig.maxAttempts must be greater or equal to -1.",
    ),
]


@pytest.fixture(params=SERVED)
def v2(request: pytest.FixtureRequest, wires: Mapping[str, Wire]) -> Cloud:
    return Cloud(wires[request.param], "v2", f"project-{next(PROJECTS)}")


@pytest.mark.parametrize(("settings", "text"), QUEUES)
def test_a_bad_queue_is_told_what_is_wrong(v2: Cloud, settings: dict[str, Any], text: str) -> None:
    queue = {"name": v2.queue, **settings}
    for refusal in (
        v2.refused("CreateQueue", parent=v2.location, queue=queue),
        v2.refused("UpdateQueue", queue=queue),
    ):
        assert (refusal.code, refusal.message) == ("INVALID_ARGUMENT", text)
    assert v2.refused("GetQueue", name=v2.queue).code == "NOT_FOUND"


@pytest.mark.parametrize(("task", "text"), TASKS)
def test_a_bad_task_is_told_what_is_wrong(v2: Cloud, task: dict[str, Any], text: str) -> None:
    v2.create_queue()
    refusal = v2.refused("CreateTask", parent=v2.queue, task=task)
    assert (refusal.code, refusal.message) == ("INVALID_ARGUMENT", text)
    entries = [{"parent": v2.queue, "task": task}]
    batch = v2("BatchCreateTasks", parent=v2.queue, requests=entries)
    assert batch.WhichOneof("result") is None
    assert not v2("ListTasks", parent=v2.queue).tasks


def test_a_pull_queue_is_missing_to_v2(v2: Cloud) -> None:
    beta = Cloud(v2.wire, "v2beta2", v2.location.split("/")[1])
    beta.create_queue(pull_target={})
    beta("CreateTask", parent=beta.queue, task={"name": beta.task, "pull_message": {}})
    task = {"http_request": HTTP}
    for refusal in (
        v2.refused("CreateTask", parent=v2.queue, task=task),
        v2.refused("RunTask", name=v2.task),
        v2.refused("ListTasks", parent=v2.queue),
        v2.refused("PurgeQueue", name=v2.queue),
        v2.refused("PauseQueue", name=v2.queue),
        v2.refused("ResumeQueue", name=v2.queue),
        v2.refused("GetQueue", name=v2.queue),
        v2.refused("UpdateQueue", queue={"name": v2.queue}),
        v2.refused("GetIamPolicy", resource=v2.queue),
        v2.refused("SetIamPolicy", resource=v2.queue),
        v2.refused("TestIamPermissions", resource=v2.queue, permissions=["cloudtasks.queues.get"]),
    ):
        assert refusal == ("NOT_FOUND", QUEUE_MISSING, [])
    assert not v2("ListQueues", parent=v2.location).queues
    v2("BatchCreateTasks", parent=v2.queue, requests=[{"parent": v2.queue, "task": task}])
    v2("BatchDeleteTasks", parent=v2.queue, names=[v2.task])
    for rpc, name in (("GetTask", v2.task), ("DeleteTask", v2.task), ("DeleteQueue", v2.queue)):
        assert v2.refused(rpc, name=name) == ("NOT_FOUND", NOT_FOUND, [])
    assert [each.name for each in beta("ListTasks", parent=beta.queue).tasks] == [beta.task]
