"""BufferTask."""

from types import SimpleNamespace

import pytest
from google.api.httpbody_pb2 import HttpBody
from tests.api.conftest import LOCATION, QUEUE

from tidegate.core.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound

URI = {"scheme": "HTTP", "host": "example.com", "port": 8080, "path_override": {"path": "/a"}}


@pytest.fixture
def buffer(call):
    async def buffer(headers=None, **fields):
        row = call.rows["buffer_task"]
        request = row.request_pb(queue=QUEUE, **fields)
        return (await call.api.method(row)(request, SimpleNamespace(metadata=headers or {}))).task

    return buffer


async def queue(call, **target):
    await call("create_queue", parent=LOCATION, queue={"name": QUEUE, "http_target": target})


async def test_the_queue_says_where_the_payload_goes(call, buffer) -> None:
    await queue(call, uri_override={**URI, "query_override": {"query_params": "b=c"}})
    about_the_call = {"authorization": "secret", "content-length": "5", "host": "here", "content-encoding": "gzip"}
    sent = {"X-A": "b", "content-type": "text/plain", "expect": "100-continue", **about_the_call}
    task = await buffer(sent, task_id="t", body=HttpBody(content_type="text/plain", data=b"hello"))
    assert task.name == f"{QUEUE}/tasks/t"
    assert task.view == 1
    assert task.http_request.url == "http://example.com:8080/a?b=c"
    assert task.http_request.http_method == 1
    assert dict(task.http_request.headers) == {
        "X-A": "b",
        "Content-Type": "text/plain",
        "User-Agent": "Google-Cloud-Tasks",
    }
    stored = await call("get_task", name=task.name, response_view="FULL")
    assert stored.http_request.body == b"hello"


async def test_without_more_the_url_is_https_and_the_root(call, buffer) -> None:
    await queue(call, uri_override={"host": "example.com"})
    assert (await buffer()).http_request.url == "https://example.com/"


async def test_a_body_without_a_type_is_said_to_be_json(call, buffer) -> None:
    await queue(call, uri_override=URI)
    assert (await buffer(body=HttpBody(data=b"{}"))).http_request.headers["Content-Type"] == "application/json"


async def test_the_queue_says_the_method(call, buffer) -> None:
    await queue(call, uri_override=URI, http_method="GET")
    assert (await buffer()).http_request.http_method == 2
    with pytest.raises(InvalidArgument, match="Body can only be set"):
        await buffer(body=HttpBody(data=b"{}"))


@pytest.mark.parametrize("target", [{}, {"uri_override": {"port": 1}}])
async def test_a_queue_without_a_host_buffers_nothing(call, buffer, target) -> None:
    await queue(call, **target)
    with pytest.raises(FailedPrecondition):
        await buffer()


async def test_errors_are_those_of_creating_a_task(call, buffer) -> None:
    with pytest.raises(NotFound, match="Queue does not exist"):
        await buffer()
    with pytest.raises(InvalidArgument, match="Task ID"):  # what was sent is looked at before the queue
        await buffer(task_id="a.b")
    await queue(call, uri_override=URI)
    with pytest.raises(InvalidArgument, match="Task ID"):
        await buffer(task_id="a.b")
    await buffer(task_id="t")
    with pytest.raises(AlreadyExists):
        await buffer(task_id="t")


async def test_nothing_is_buffered_where_there_is_a_key(call, buffer) -> None:
    await queue(call, uri_override=URI)
    key = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"
    await call("update_cmek_config", cmek_config={"name": f"{LOCATION}/cmekConfig", "kms_key": key})
    with pytest.raises(FailedPrecondition, match="CMEK"):
        await buffer()
