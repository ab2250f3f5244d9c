import json
from typing import Any

import pytest
from google.iam.v1.iam_policy_pb2 import SetIamPolicyRequest
from google.protobuf import json_format

from tidegate.core.errors import BadRequest, InvalidArgument
from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding.request import read_request

ROWS = v2.CloudTasks
BATCH = ROWS.batch_create_tasks
QUEUE = "projects/p/locations/l/queues/q"
PARENT = {"parent": "projects/p/locations/l/queues/q"}


def create(body: Any, query: str = "") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(ROWS.create_task, PARENT, query, raw, "application/json")


def lists(query: str, row: Rpc[Any, Any] = ROWS.list_tasks) -> Any:
    return read_request(row, PARENT, query)


def refusal(row: Rpc[Any, Any], query: str = "", body: Any = b"") -> InvalidArgument:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidArgument) as caught:
        read_request(row, {}, query, raw)
    return caught.value


def lines(row: Rpc[Any, Any], query: str = "", body: Any = b"") -> list[tuple[str, str]]:
    """Each violation with its field; together they are the message."""
    error = refusal(row, query, body)
    (details,) = error.details
    assert isinstance(details, BadRequest)
    assert error.message == "\n".join(violation.description for violation in details.violations)
    return [(violation.description, violation.field) for violation in details.violations]


UNKNOWN = "Invalid JSON payload received. Unknown name "
TASKS = "type.googleapis.com/google.cloud.tasks.v2."


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


# Queries


def test_a_query_fills_the_request() -> None:
    request = lists("pageSize=5&page_token=a%2Bb+c&responseView=FULL")
    assert (request.page_size, request.page_token, request.response_view) == (5, "a+b c", v2.Task.View.FULL)


@pytest.mark.parametrize("sent", ["FULL", "2"])
def test_enums_in_queries_are_names_or_numbers(sent: str) -> None:
    assert lists(f"responseView={sent}").response_view == v2.Task.View.FULL


def test_keys_without_a_value_are_unset() -> None:
    java = "filter&$alt=json;enum-encoding%3Dint&pageSize=0&pageToken&responseView=0&updateMask"
    with pytest.raises(InvalidArgument, match="updateMask"):
        lists(java.replace("filter&", ""))
    assert lists("$alt=json;enum-encoding%3Dint&pageSize=0&pageToken&responseView=0&pageSize=") == lists("")
    assert not read_request(ROWS.update_queue, {}, "updateMask").HasField("update_mask")
    assert not read_request(ROWS.update_queue, {}, "updateMask=").HasField("update_mask")


def test_a_mask_is_one_parameter_in_either_spelling() -> None:
    sent = "updateMask=rateLimits.maxDispatchesPerSecond,retry_config.min_backoff,type"
    assert read_request(ROWS.update_queue, {}, sent).update_mask.paths == [
        "rate_limits.max_dispatches_per_second",
        "retry_config.min_backoff",
        "type",
    ]


def test_a_query_is_not_split_at_semicolons() -> None:
    assert lists("$alt=json;enum-encoding=int&pageToken=a;b").page_token == "a;b"


def test_standard_parameters_are_everywhere() -> None:
    standard = (
        "$.xgafv=2&$alt=json&access_token=a&alt=json&callback=c&fields=tasks&key=k&oauth_token=o&prettyPrint=false"
        "&quotaUser=q&uploadType=u&upload_protocol=raw&$prettyPrint=true&$userProject=p"
    )
    assert lists(standard) == lists("")


@pytest.mark.parametrize("alt", ["proto", "media", "json;enum-encoding=name", "sse"])
def test_an_answer_other_than_json_is_refused(alt: str) -> None:
    assert "only json is served" in refusal(ROWS.list_tasks, f"alt={alt}").message


def test_a_list_takes_a_parameter_for_each_item() -> None:
    assert read_request(ROWS.batch_delete_tasks, {}, "names=a&names=b", b"").names == ["a", "b"]


def test_fields_of_fields_have_dots() -> None:
    request = read_request(ROWS.get_iam_policy, {}, "options.requestedPolicyVersion=3")
    assert request.options.requested_policy_version == 3


def test_a_parameter_that_only_rest_has_is_taken() -> None:
    for query in ("extraLocationTypes=a&extraLocationTypes=b", "extra_location_types=a"):
        read_request(v2.Locations.list_locations, {"name": "projects/p"}, query)
    assert lines(ROWS.list_queues, "extra_location_types=a")


def test_an_unknown_parameter_is_refused() -> None:
    text = f"{UNKNOWN}\"x.y\": Cannot bind query parameter. Field 'x.y' could not be found in request message."
    assert lines(ROWS.list_tasks, "x.y=1") == [(text, "")]
    assert lines(ROWS.list_tasks, "parent.x")[0][1] == ""


def test_a_message_is_no_parameter() -> None:
    assert lines(ROWS.create_task, "task=1") == [
        (
            f"{UNKNOWN}\"task\": Cannot bind query parameter. 'task' is a message type. "
            "Parameters can only be bound to primitive types.",
            "",
        )
    ]


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("pageSize=abc", "Invalid value at 'page_size' (TYPE_INT32), \"abc\""),
        ("pageSize=99999999999", "Invalid value at 'page_size' (TYPE_INT32), \"99999999999\""),
        ("responseView=NOPE", f"Invalid value at 'response_view' ({TASKS}Task.View), \"NOPE\""),
    ],
)
def test_a_wrong_parameter_is_refused(query: str, line: str) -> None:
    assert lines(ROWS.list_tasks, query) == [(line, line.split("'")[1])]


def test_a_query_that_is_not_utf8_is_refused() -> None:
    assert "not UTF-8" in refusal(ROWS.list_tasks, "pageToken=%ff").message
    assert "not UTF-8" in refusal(ROWS.list_tasks, "pageToken=\udcff").message


# Bodies that are wrong


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


def test_two_members_of_a_oneof_are_refused_in_a_query_too() -> None:
    both = "task.httpRequest.url=x&task.httpRequest.httpMethod=GET&task.appEngineHttpRequest.relativeUri=/y"
    line = (
        "Invalid value at 'task' (oneof), oneof field 'message_type' is already set. "
        "Cannot set 'app_engine_http_request'"
    )
    assert lines(ROWS.create_task, both) == [(line, "task")]
    assert lines(ROWS.create_task, "task.appEngineHttpRequest.relativeUri=/y", {"task": {"httpRequest": {}}}) == [
        (line, "task")
    ]
    one = create({}, "task.httpRequest.url=x&task.httpRequest.httpMethod=GET&task.appEngineHttpRequest.relativeUri")
    assert (one.task.http_request.url, one.task.http_request.http_method) == ("x", 2)


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


def test_a_query_has_a_length_and_a_number_of_parameters() -> None:
    assert "at most 65536 bytes" in refusal(ROWS.list_queues, "filter=" + "x" * 65536).message
    assert "at most 1000 parameters" in refusal(ROWS.list_queues, "a&" * 1000).message
    assert "more than 200" in refusal(ROWS.update_queue, "updateMask=" + "name," * 200).message


def test_a_field_selection_is_checked_before_the_call() -> None:
    error = refusal(ROWS.list_tasks, "fields=tasks/bogus")
    assert error.message == "Request contains an invalid argument."


# Shared messages and raw bodies


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
