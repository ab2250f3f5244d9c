import json

import pytest
from google.longrunning.operations_pb2 import Operation
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty

from tidegate.core.errors import InvalidArgument
from tidegate.schema import names, v2, v2beta3
from tidegate.schema.transcoding.options import Options, read_options, split_query
from tidegate.schema.transcoding.response import write_response, write_response_steps

QUEUE = v2.Queue(
    name="n",
    rate_limits={"max_dispatches_per_second": 500, "max_burst_size": 100},
    retry_config={"min_backoff": "0.1s", "max_backoff": "3600s"},
    state=v2.Queue.State.RUNNING,
    purge_time="2030-01-01T00:00:00.123456Z",
)


def test_an_answer_is_indented_in_the_order_of_field_numbers_and_ends_with_a_line_break() -> None:
    assert (
        write_response(v2.Queue.pb(QUEUE)).decode()
        == """{
  "name": "n",
  "rateLimits": {
    "maxDispatchesPerSecond": 500,
    "maxBurstSize": 100
  },
  "retryConfig": {
    "minBackoff": "0.100s",
    "maxBackoff": "3600s"
  },
  "state": "RUNNING",
  "purgeTime": "2030-01-01T00:00:00.123456Z"
}
"""
    )


def test_a_compact_answer_has_no_space_at_all() -> None:
    assert write_response(v2.Queue.pb(QUEUE), pretty=False) == (
        b'{"name":"n","rateLimits":{"maxDispatchesPerSecond":500,"maxBurstSize":100},"retryConfig":'
        b'{"minBackoff":"0.100s","maxBackoff":"3600s"},"state":"RUNNING","purgeTime":"2030-01-01T00:00:00.123456Z"}'
    )


def test_an_empty_answer_is_an_empty_object_and_a_line_break() -> None:
    assert write_response(Empty()) == b"{}\n"
    assert write_response(v2.Queue.pb()()) == b"{}\n"
    assert write_response(Empty(), pretty=False) == b"{}"


def test_enums_are_numbers_on_request() -> None:
    assert json.loads(write_response(v2.Queue.pb(QUEUE), int_enums=True))["state"] == 1
    assert json.loads(write_response(v2.Queue.pb()(state=77)))["state"] == 77


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (500.0, "500"),
        (0.5, "0.5"),
        (-3.0, "-3"),
        (1e300, "1e300"),
        (float("inf"), '"Infinity"'),
        (float("nan"), '"NaN"'),
    ],
)
def test_whole_doubles_have_no_fraction(value: float, text: str) -> None:
    message = v2.RateLimits.pb()(max_dispatches_per_second=value)
    assert write_response(message, pretty=False).decode() == f'{{"maxDispatchesPerSecond":{text}}}'


def test_long_integers_and_bytes_are_text() -> None:
    stats = v2beta3.QueueStats.pb()(tasks_count=5)
    assert write_response(stats, pretty=False) == b'{"tasksCount":"5"}'
    request = v2.HttpRequest.pb()(body=b"\xfb\xff", headers={"b": "ü", "a": "\n"})
    assert write_response(request, pretty=False).decode() == '{"headers":{"a":"\\n","b":"ü"},"body":"+/8="}'


def test_a_reserved_python_name_is_its_plain_self() -> None:
    assert write_response(v2beta3.Queue.pb()(type_=1), pretty=False) == b'{"type":"PULL"}'


def test_a_present_zero_is_shown_and_an_absent_one_is_not() -> None:
    assert write_response(v2.UriOverride.pb()(port=0, host=""), pretty=False) == b'{"host":"","port":"0"}'
    assert write_response(v2.Task.pb()(dispatch_count=0), pretty=False) == b"{}"
    assert write_response(v2.Task.pb()(http_request={}), pretty=False) == b'{"httpRequest":{}}'


def test_an_operation_names_its_types_as_google_does() -> None:
    done = Operation(
        name="o",
        metadata=names.pack(v2.BatchCreateTasksMetadata.pb()(state=2)),
        done=True,
        response=names.pack(v2.BatchCreateTasksResponse.pb()(tasks=[{"name": "t"}])),
    )
    assert (
        write_response(done).decode()
        == """{
  "name": "o",
  "metadata": {
    "@type": "type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksMetadata",
    "state": "SUCCEEDED"
  },
  "done": true,
  "response": {
    "@type": "type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksResponse",
    "tasks": [
      {
        "name": "t"
      }
    ]
  }
}
"""
    )


def test_an_any_shows_an_empty_message_without_a_value_and_a_text_with_one() -> None:
    assert write_response(Operation(response=names.pack(Empty())), pretty=False) == (
        b'{"response":{"@type":"type.googleapis.com/google.protobuf.Empty"}}'
    )
    assert write_response(Operation(response=names.pack(Duration(seconds=5))), pretty=False) == (
        b'{"response":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"5s"}}'
    )


@pytest.mark.parametrize("url", ["type.googleapis.com/not.Known", "type.googleapis.com/google.cloud.tasks.v2.Queue"])
def test_an_any_that_cannot_be_read_shows_its_bytes(url: str) -> None:
    packed = AnyMessage(type_url=url, value=b"\xff")
    assert json.loads(write_response(Operation(response=packed)))["response"] == {"@type": url, "value": "/w=="}


# Partial answers

TASKS = v2.ListTasksResponse.pb()(
    tasks=[
        {"name": "a", "view": 1, "http_request": {"url": "u", "headers": {"h_a": "1", "b": "2"}}},
        {"name": "b", "view": 2},
    ],
    next_page_token="t",
)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ("nextPageToken", {"nextPageToken": "t"}),
        ("next_page_token", {"nextPageToken": "t"}),
        ("tasks/name", {"tasks": [{"name": "a"}, {"name": "b"}]}),
        ("tasks(name,view),nextPageToken", {
            "tasks": [{"name": "a", "view": "BASIC"}, {"name": "b", "view": "FULL"}],
            "nextPageToken": "t",
        }),
        ("tasks(httpRequest/url)", {"tasks": [{"httpRequest": {"url": "u"}}, {}]}),
        ("tasks/http_request/headers/h_a", {"tasks": [{"httpRequest": {"headers": {"h_a": "1"}}}, {}]}),
        ("tasks/*/url", {"tasks": [
            {"name": "a", "view": "BASIC", "httpRequest": {"url": "u"}},
            {"name": "b", "view": "FULL"},
        ]}),
        ("tasks/name,tasks/view", {"tasks": [{"name": "a", "view": "BASIC"}, {"name": "b", "view": "FULL"}]}),
    ],
)  # fmt: skip
def test_fields_select_a_part_of_the_answer(fields: str, kept: object) -> None:
    assert json.loads(write_response(TASKS, fields=fields)) == kept


@pytest.mark.parametrize("fields", ["*", ""])
def test_everything_is_a_part_too(fields: str) -> None:
    assert write_response(TASKS, fields=fields) == write_response(TASKS)


@pytest.mark.parametrize(
    "fields",
    [
        "bogus",
        "tasks/bogus",
        "tasks/name/x",
        "tasks(",
        "tasks)",
        "tasks()",
        ",",
        "a,",
        "/",
        "tasks//name",
        "(" * 5000,
        "*/" * 5000,
    ],
)
def test_fields_that_select_nothing_known_are_refused(fields: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Request contains an invalid argument\."):
        write_response(TASKS, fields=fields)


# Options


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", Options()),
        ("alt=json&alt", Options()),
        ("$alt=json%3Benum-encoding%3Dint", Options(int_enums=True)),
        ("$alt=json;enum-encoding=int&prettyPrint=false", Options(int_enums=True, pretty=False)),
        ("%24alt=json;enum-encoding=int", Options(int_enums=True)),
        ("$prettyPrint=0&fields=a/b,c", Options(pretty=False, fields="a/b,c")),
        ("prettyPrint=true&prettyPrint", Options()),
    ],
)
def test_standard_parameters_say_how_to_answer(query: str, options: Options) -> None:
    assert read_options(split_query(query)) == options


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize("fields", ["", "tasks(name)", "nextPageToken", "tasks/httpRequest/url,nextPageToken"])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_an_answer_written_in_steps_is_the_same(pretty: bool, fields: str, count: int) -> None:
    page = v2.ListTasksResponse(next_page_token="t" if count else "")
    for number in range(count):
        page.tasks.append(v2.Task(name=f"t{number}", http_request=v2.HttpRequest(url="http://x\n", body=b"a\nb")))
    steps = write_response_steps(v2.ListTasksResponse.pb(page), pretty=pretty, fields=fields)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            written = end.value
            break
    assert written == write_response(v2.ListTasksResponse.pb(page), pretty=pretty, fields=fields)
