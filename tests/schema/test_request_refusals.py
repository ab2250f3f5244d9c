"""How a body that is wrong, too deep or too long is refused."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from tests.schema.read_requests import BATCH, QUEUE, ROWS, TASKS, UNKNOWN, lines, refusal

from tidegate.schema.transcoding.request import read_request


def test_an_unknown_name_is_told_with_its_place() -> None:
    assert lines(ROWS.create_task, "", {"bogus": 1}) == [(f'{UNKNOWN}"bogus": Cannot find field.', "")]
    assert lines(ROWS.create_task, "", {"task": {"httpRequest": {"bogus": 1}}}) == [
        (f"{UNKNOWN}\"bogus\" at 'task.http_request': Cannot find field.", "task.http_request")
    ]
    assert lines(ROWS.update_queue, "", {"bogus": 1})[0] == (
        f"{UNKNOWN}\"bogus\" at 'queue': Cannot find field.",
        "queue",
    )
    entry = {"requests": [{}, {"bogus": None}]}
    assert lines(ROWS.batch_create_tasks, "", entry)[0][1] == "requests[1]"


@pytest.mark.parametrize(
    ("task", "line"),
    [
        ({"name": 5}, "Invalid value at 'task.name' (TYPE_STRING), 5"),
        ({"name": True}, "Invalid value at 'task.name' (TYPE_STRING), true"),
        ({"view": "NOPE"}, f"Invalid value at 'task.view' ({TASKS}Task.View), \"NOPE\""),
        ({"view": 1.5}, f"Invalid value at 'task.view' ({TASKS}Task.View), 1.5"),
        ({"dispatchCount": "x"}, "Invalid value at 'task.dispatch_count' (TYPE_INT32), \"x\""),
        ({"dispatchCount": True}, "Invalid value at 'task.dispatch_count' (TYPE_INT32), true"),
        ({"httpRequest": "x"}, f"Invalid value at 'task.http_request' ({TASKS}HttpRequest), \"x\""),
        (
            {"httpRequest": {"body": "%"}},
            "Invalid value at 'task.http_request.body' (TYPE_BYTES), Base64 decoding failed for \"%\"",
        ),
        (
            {"httpRequest": {"headers": {"a": "b", "c": 5}}},
            "Invalid value at 'task.http_request.headers[1].value' (TYPE_STRING), 5",
        ),
        (
            {"scheduleTime": "2030-01-01"},
            "Invalid value at 'task.schedule_time' (type.googleapis.com/google.protobuf.Timestamp), "
            "Field 'scheduleTime', Illegal timestamp format; "
            "timestamps must end with 'Z' or have a valid timezone offset.",
        ),
        (
            {"dispatchDeadline": "5"},
            "Invalid value at 'task.dispatch_deadline' (type.googleapis.com/google.protobuf.Duration), "
            "Field 'dispatchDeadline', Illegal duration format; duration must end with 's'",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_type(task: dict[str, Any], line: str) -> None:
    assert lines(ROWS.create_task, "", {"task": task}) == [(line, line.split("'")[1])]


@pytest.mark.parametrize(
    "when",
    [
        "2030-13-01T00:00:00Z",
        "2030-02-30T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:00:60Z",
        "2030-01-01T00:00:00.1234567890Z",
        "2030-01-01 00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2030-01-01T00:00:00+24:00",
        "\u0662030-01-01T00:00:00Z",
        "",
        5,
        {},
        [],
    ],
)
def test_a_wrong_time_is_refused(when: Any) -> None:
    assert lines(ROWS.create_task, "", {"task": {"scheduleTime": when}})


@pytest.mark.parametrize(
    "sent", ["s", "1 s", "1.s", "1.1234567890s", "315576000000.1s", "1e3s", "--1s", "\u0665s", 5, {}, []]
)
def test_a_wrong_duration_is_refused(sent: Any) -> None:
    assert lines(ROWS.create_task, "", {"task": {"dispatchDeadline": sent}})


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"task": []}, f'{UNKNOWN}"task": Proto field is not repeating, cannot start list.'),
        ({"task": {"name": {}}}, f"{UNKNOWN}\"name\" at 'task': Starting an object on a scalar field"),
        (
            {"task": {"httpRequest": {"headers": []}}},
            f"{UNKNOWN}\"headers\" at 'task.http_request': Cannot bind a list to map for field 'headers'.",
        ),
    ],
)
def test_a_list_or_object_in_the_wrong_place_is_refused(body: Any, line: str) -> None:
    assert [said for said, _ in lines(ROWS.create_task, "", body)] == [line]


def test_two_members_of_a_oneof_are_refused() -> None:
    body: Any = {"task": {"httpRequest": {}, "appEngineHttpRequest": {}}}
    assert lines(ROWS.create_task, "", body) == [
        (
            "Invalid value at 'task' (oneof), oneof field 'message_type' is already set. "
            "Cannot set 'appEngineHttpRequest'",
            "task",
        )
    ]


def test_findings_come_in_the_order_of_the_body_then_of_the_query() -> None:
    body = {"z": 1, "task": {"name": 5, "y": {"deeper": 1}, "httpRequest": {"x": 1}}, "a": 1}
    assert [field for _, field in lines(ROWS.create_task, "q=1&responseView=NOPE", body)] == [
        "",
        "task.name",
        "task",
        "task.http_request",
        "",
        "",
        "response_view",
    ]


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null", b"true"])
def test_a_body_must_be_an_object(body: bytes) -> None:
    for row in (ROWS.create_task, ROWS.update_queue):
        assert lines(row, "", body) == [(f'{UNKNOWN}"": Root element must be a message.', "")]


@pytest.mark.parametrize("body", [b"{", b"{1}", b"\xff", b'{"a":NaN}', b"\xef\xbb\xbf{}", b"{}x", b'{"a":"\\ud800"}'])
def test_a_body_that_is_not_json_is_refused_without_details(body: bytes) -> None:
    error = refusal(ROWS.create_task, "", body)
    assert error.message.startswith("Invalid JSON payload received. ")
    assert error.details == ()


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 1_000_000])
def test_a_body_of_any_depth_is_refused(body: bytes) -> None:
    assert refusal(ROWS.create_task, "", body).message.startswith("Invalid JSON payload received. ")


def test_an_answer_to_nonsense_stays_small() -> None:
    many = {f"x{number}": 1 for number in range(3000)}
    assert len(lines(ROWS.create_task, "", many)) == 100
    long = {"task": {"name": 5, "y" * 1_000_000: 1, "view": "z" * 1_000_000}}
    assert len(refusal(ROWS.create_task, "", long).message) < 3000


def test_a_body_of_more_values_than_any_task_has_is_refused_before_they_are_made() -> None:
    many = json.dumps({"task": [{}] * 30_000}).encode()
    assert refusal(ROWS.create_task, "", many).message == (
        "Invalid JSON payload received. It has more than 20000 values."
    )


def test_a_long_body_is_read_like_a_short_one() -> None:
    tasks = [{"task": {"httpRequest": {"url": f'http://x/"[{n},', "body": "QUJD" * 5000}}} for n in range(20)]
    for body in ({"requests": tasks}, {"requests": tasks, "requestId": "x"}, {"requests": [*tasks, None]}):
        text = json.dumps(body)
        short = BATCH.request_pb()
        json_format.Parse(text.replace(", null]", "]"), short)
        short.parent = QUEUE
        assert read_request(BATCH, {"parent": QUEUE}, "", text.encode()) == short


@pytest.mark.parametrize("count", [101, 5000, 30_000])
def test_too_many_items_of_a_long_body_are_counted_for_the_error(count: int) -> None:
    body = json.dumps({"requests": [{"task": {}}] * count}).encode()
    shown = count if count <= 10_000 else "more than 10000"
    assert refusal(BATCH, "", body).message == (
        f"A maximum of 100 tasks can be created in a single batch, but got {shown} tasks."
    )


@pytest.mark.parametrize(
    "body", [b'{"requests": [{},', b'{"requests": "' + b"x" * 100_000, b'{"a": [[]], "requests": [1' + b" " * 70_000]
)
def test_a_long_body_that_is_no_json_is_refused(body: bytes) -> None:
    assert "malformed" in refusal(BATCH, "", body).message or "Invalid" in refusal(BATCH, "", body).message


def test_a_list_may_not_have_more_entries_than_its_field_takes() -> None:
    headers = {f"x-{number}": "y" for number in range(4097)}
    task = {"task": {"httpRequest": {"url": "http://x", "headers": headers}}}
    assert refusal(ROWS.create_task, "", task).message == (
        "HttpRequest.headers must have at most 4096 entries, but got 4097."
    )
    overrides = [{"header": {"key": "a"}}] * 1001
    assert (
        "at most 1000 entries" in refusal(ROWS.create_queue, "", {"httpTarget": {"headerOverrides": overrides}}).message
    )
