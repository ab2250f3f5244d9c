"""What a query makes of a request, and how it is refused."""

import pytest
from tests.schema.read_requests import ROWS, TASKS, UNKNOWN, create, lines, lists, refusal

from tidegate.core.errors import InvalidArgument
from tidegate.schema import v2
from tidegate.schema.transcoding.request import read_request


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


def test_a_query_has_a_length_and_a_number_of_parameters() -> None:
    assert "at most 65536 bytes" in refusal(ROWS.list_queues, "filter=" + "x" * 65536).message
    assert "at most 1000 parameters" in refusal(ROWS.list_queues, "a&" * 1000).message
    assert "more than 200" in refusal(ROWS.update_queue, "updateMask=" + "name," * 200).message


def test_a_field_selection_is_checked_before_the_call() -> None:
    error = refusal(ROWS.list_tasks, "fields=tasks/bogus")
    assert error.message == "Request contains an invalid argument."
