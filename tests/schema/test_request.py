"""What path and body make of a request."""

import json
from typing import Any

import pytest
from tests.schema.read_requests import PARENT, ROWS, UNKNOWN, create, lines

from tidegate.schema import v2, v2beta3
from tidegate.schema.transcoding.request import read_request


def test_path_and_body_fill_the_request() -> None:
    request = create({"task": {"httpRequest": {"url": "http://h", "body": "aGk="}}, "responseView": "FULL"})
    assert request.parent == PARENT["parent"]
    assert request.task.http_request.url == "http://h"
    assert request.task.http_request.body == b"hi"
    assert request.response_view == v2.Task.View.FULL


def test_names_may_be_camel_case_or_snake_case() -> None:
    request = create(
        {"task": {"http_request": {"url": "u", "http_method": "GET"}, "scheduleTime": "2030-01-01T00:00:00Z"}}
    )
    assert request.task.http_request.http_method == v2.HttpMethod.GET
    assert request.task.schedule_time.seconds == 1893456000


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}"])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert create(body) == ROWS.create_task.request_pb(**PARENT)


def test_an_empty_body_still_makes_the_field_it_stands_for_present() -> None:
    request = read_request(ROWS.create_queue, {"parent": "projects/p/locations/l"})
    assert request.HasField("queue")


def test_the_name_in_the_path_wins() -> None:
    request = read_request(ROWS.update_queue, {"queue.name": "path"}, "", b'{"name": "body", "state": "PAUSED"}')
    assert request.queue.name == "path"
    assert request.queue.state == v2.Queue.State.PAUSED


def test_null_is_unset() -> None:
    request = create(
        {"task": {"name": None, "httpRequest": {"url": "u", "headers": None}, "appEngineHttpRequest": None}}
    )
    assert not request.task.name
    assert request.task.WhichOneof("message_type") == "http_request"


@pytest.mark.parametrize("sent", ["POST", 1, "1", 1.0])
def test_enums_are_names_or_numbers(sent: Any) -> None:
    assert create({"task": {"httpRequest": {"httpMethod": sent}}}).task.http_request.http_method == 1


def test_an_unknown_enum_number_is_kept() -> None:
    assert create({"responseView": 77}).response_view == 77


@pytest.mark.parametrize("sent", [5, "5", 5.0, "5.0", "0.5e1", "50E-1", "5e+0"])
def test_integers_are_numbers_or_text(sent: Any) -> None:
    body = {"httpTarget": {"uriOverride": {"port": sent}}, "rateLimits": {"maxConcurrentDispatches": sent}}
    queue = read_request(ROWS.create_queue, {}, "", json.dumps(body).encode()).queue
    assert queue.http_target.uri_override.port == 5
    assert queue.rate_limits.max_concurrent_dispatches == 5


def test_a_large_integer_in_any_form_is_exact() -> None:
    for sent in ("9007199254740993", "9007199254740993.0", "9.007199254740993e15", "90071992547409930e-1"):
        body = json.dumps({"httpTarget": {"uriOverride": {"port": sent}}}).encode()
        queue = read_request(ROWS.create_queue, {}, "", body).queue
        assert queue.http_target.uri_override.port == 9007199254740993


@pytest.mark.parametrize(
    "sent", ["5.5", "1e-1", "5.", ".5", "e1", "1e", "0x5", " 5", "1e19", "1e99", "1e999999999", ""]
)
def test_what_is_no_integer_of_its_size_is_refused(sent: str) -> None:
    body = {"httpTarget": {"uriOverride": {"port": sent}}}
    assert lines(ROWS.create_queue, "", body)[0][0].endswith(f'(TYPE_INT64), "{sent}"')


@pytest.mark.parametrize(("sent", "read"), [(5, 5.0), (0.5, 0.5), ("1e2", 100.0), ("Infinity", float("inf"))])
def test_doubles_are_numbers_or_text(sent: Any, read: float) -> None:
    body = json.dumps({"rateLimits": {"maxDispatchesPerSecond": sent}}).encode()
    assert read_request(ROWS.create_queue, {}, "", body).queue.rate_limits.max_dispatches_per_second == read


@pytest.mark.parametrize("sent", ["+/+/aQ==", "-_-_aQ", "-_-_aQ==", "+/+/\naQ==\n"])
def test_bytes_are_base64_of_either_alphabet_padded_or_not(sent: str) -> None:
    assert create({"task": {"httpRequest": {"body": sent}}}).task.http_request.body == b"\xfb\xff\xbfi"


@pytest.mark.parametrize(
    ("sent", "seconds", "nanos"),
    [
        ("1970-01-01T00:00:01Z", 1, 0),
        ("1970-01-01T01:00:01.5+01:00", 1, 500_000_000),
        ("1969-12-31T23:59:59.000000001Z", -1, 1),
        ("1969-12-31T16:00:00-08:00", 0, 0),
        ("0001-01-01T00:00:00Z", -62135596800, 0),
        ("9999-12-31T23:59:59.999999999Z", 253402300799, 999_999_999),
    ],
)
def test_times_have_any_offset_and_nanoseconds(sent: str, seconds: int, nanos: int) -> None:
    read = create({"task": {"scheduleTime": sent}}).task.schedule_time
    assert (read.seconds, read.nanos) == (seconds, nanos)


@pytest.mark.parametrize(
    ("sent", "seconds", "nanos"),
    [("3600s", 3600, 0), ("0.1s", 0, 100_000_000), ("-1.500s", -1, -500_000_000), ("315576000000s", 315576000000, 0)],
)
def test_durations_are_seconds(sent: str, seconds: int, nanos: int) -> None:
    read = create({"task": {"dispatchDeadline": sent}}).task.dispatch_deadline
    assert (read.seconds, read.nanos) == (seconds, nanos)


def test_a_single_value_is_a_list_of_one() -> None:
    assert read_request(ROWS.batch_delete_tasks, {}, "", b'{"names": "a"}').names == ["a"]
    assert read_request(ROWS.batch_delete_tasks, {}, "", b'{"names": ["a", null, "b"]}').names == ["a", "b"]


def test_a_reserved_python_name_is_its_plain_self() -> None:
    row = v2beta3.CloudTasks.create_queue
    assert read_request(row, {}, "", b'{"type": "PULL"}').queue.type_ == v2beta3.Queue.Type.PULL
    assert lines(row, "", {"type": []}) == [
        (f"{UNKNOWN}\"type\" at 'queue': Proto field is not repeating, cannot start list.", "queue")
    ]
    assert lines(row, "", {"type": "X"})[0][1] == "queue.type"
