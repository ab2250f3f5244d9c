import json

import pytest
from google.protobuf.json_format import ParseError

from tidegate.schema import names, v2
from tidegate.schema.transcoding import RestCall, read_response, write_request

ROWS = v2.CloudTasks
QUEUE = "projects/p/locations/l/queues/q"


def test_a_body_of_its_own_holds_everything_but_the_path() -> None:
    request = v2.CreateTaskRequest(parent=QUEUE, task={"http_request": {"url": "u"}}, response_view="FULL")
    call = write_request(ROWS.create_task, v2.CreateTaskRequest.pb(request))
    assert call == RestCall("POST", f"/v2/{QUEUE}/tasks", (), b'{"task":{"httpRequest":{"url":"u"}},"responseView":2}')
    assert request.parent == QUEUE


def test_an_action_has_an_empty_object_for_a_body() -> None:
    call = write_request(ROWS.pause_queue, v2.PauseQueueRequest.pb()(name=QUEUE))
    assert call == RestCall("POST", f"/v2/{QUEUE}:pause", (), b"{}")


def test_a_patch_sends_the_queue_without_its_name_and_the_mask_in_the_query() -> None:
    request = v2.UpdateQueueRequest(
        queue={"name": QUEUE, "rate_limits": {"max_burst_size": 5}},
        update_mask={"paths": ["rate_limits.max_burst_size", "state"]},
    )
    call = write_request(ROWS.update_queue, v2.UpdateQueueRequest.pb(request))
    assert call == RestCall(
        "PATCH",
        f"/v2/{QUEUE}",
        (("updateMask", "rateLimits.maxBurstSize,state"),),
        b'{"rateLimits":{"maxBurstSize":5}}',
    )


def test_a_read_has_only_a_query() -> None:
    request = v2.ListTasksRequest(parent=QUEUE, page_size=5, response_view="FULL")
    call = write_request(ROWS.list_tasks, v2.ListTasksRequest.pb(request))
    assert call == RestCall("GET", f"/v2/{QUEUE}/tasks", (("responseView", "2"), ("pageSize", "5")), None)


def test_the_form_that_fits_is_taken() -> None:
    without = v2.BufferTaskRequest.pb()(queue=QUEUE)
    assert write_request(ROWS.buffer_task, without).path == f"/v2/{QUEUE}/tasks:buffer"
    given = v2.BufferTaskRequest.pb()(queue=QUEUE, task_id="t")
    assert write_request(ROWS.buffer_task, given).path == f"/v2/{QUEUE}/tasks/t:buffer"


@pytest.mark.parametrize("name", ["", "q", "projects/p/locations/l/queues/", f"{QUEUE}/tasks/t"])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^Invalid request.*GetQueue"):
        write_request(ROWS.get_queue, v2.GetQueueRequest.pb()(name=name))


def test_an_answer_may_hold_fields_that_are_unknown_here() -> None:
    answer = read_response(ROWS.get_queue, b'{"name": "n", "new": {"x": 1}, "retryConfig": {"newer": 1}}')
    assert answer.name == "n"
    assert answer.HasField("retry_config")


def test_an_answer_may_hold_enum_names_that_are_unknown_here() -> None:
    answer = read_response(ROWS.get_queue, b'{"name": "n", "state": "RESTING"}')
    assert (answer.name, answer.state) == ("n", v2.Queue.State.STATE_UNSPECIFIED)
    for number in (b"99", b'"99"'):
        assert read_response(ROWS.get_queue, b'{"state": %s}' % number).state == 99


def test_an_operation_is_read_with_what_it_holds() -> None:
    body = {
        "name": "o",
        "done": True,
        "response": {
            "@type": "type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksResponse",
            "tasks": [{"name": "t"}],
        },
    }
    answer = read_response(ROWS.batch_create_tasks, json.dumps(body).encode())
    assert names.unpack(answer.response).tasks[0].name == "t"


@pytest.mark.parametrize("body", [b"", b" ", b"<html>", b"[]", b"\xff", b'{"name": 5}', b'{"purgeTime": "x"}'])
def test_an_answer_that_is_no_such_message_is_an_error(body: bytes) -> None:
    with pytest.raises(ParseError, match="Not a Queue"):
        read_response(ROWS.get_queue, body)
