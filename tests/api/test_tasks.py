"""The task calls of v2, from request to response."""

from datetime import timedelta

import pytest
from tests.api.conftest import LOCATION, NOON, QUEUE, TASK

from tidegate.core.errors import AlreadyExists, InvalidArgument, NotFound
from tidegate.core.names import TaskName
from tidegate.schema import v2

HTTP = {"url": "https://example.com/a?b=c", "headers": {"X-A": "b", "Host": "evil"}, "body": b"hello"}
GENERATED = f"{QUEUE}/tasks/{1:020}"


@pytest.fixture(autouse=True)
async def _queue(call) -> None:
    await call("create_queue", parent=LOCATION, queue={"name": QUEUE})


async def create(call, view=None, **task):
    extra = {} if view is None else {"response_view": view}
    return await call("create_task", parent=QUEUE, task=task or {"http_request": HTTP}, **extra)


def stored(**fields):
    shown = {
        "name": GENERATED,
        "http_request": {
            "url": "https://example.com/a?b=c",
            "http_method": "POST",
            "headers": {"X-A": "b", "User-Agent": "Google-Cloud-Tasks"},
        },
        "schedule_time": NOON,
        "create_time": NOON.replace(microsecond=0),
        "dispatch_deadline": timedelta(minutes=10),
        "view": "BASIC",
    }
    return v2.Task.pb(v2.Task(**{**shown, **fields}))


async def test_a_task_is_created_with_a_name_and_the_defaults(call) -> None:
    assert await create(call) == stored()
    assert await call("get_task", name=GENERATED) == stored()


async def test_the_full_view_shows_the_body(call) -> None:
    created = await create(call, view="FULL")
    assert created.http_request.body == b"hello"
    assert created.view == 2
    assert await call("get_task", name=GENERATED, response_view="FULL") == created
    assert list((await call("list_tasks", parent=QUEUE, response_view="FULL")).tasks) == [created]


async def test_a_number_that_is_no_view_is_answered_as_basic_without_saying_so(call) -> None:
    created = await create(call, view=7)
    assert (created.view, created.http_request.body) == (0, b"")
    assert (await call("list_tasks", parent=QUEUE, response_view=7)).tasks[0].view == 1


async def test_settings_of_a_task_come_back(call) -> None:
    created = await create(
        call,
        name=TASK,
        http_request={
            "url": "https://example.com",
            "http_method": "PUT",
            "oidc_token": {"service_account_email": "a@b"},
        },
        schedule_time=NOON + timedelta(hours=1, microseconds=1),
        dispatch_deadline={"seconds": 20, "nanos": 123_456_789},
        retry_config={"max_attempts": 7, "max_retry_duration": {"seconds": 9}},
    )
    assert created == stored(
        name=TASK,
        http_request={
            "url": "https://example.com",
            "http_method": "PUT",
            "headers": {"User-Agent": "Google-Cloud-Tasks"},
            "oidc_token": {"service_account_email": "a@b", "audience": "https://example.com"},
        },
        schedule_time=NOON + timedelta(hours=1, microseconds=1),
        dispatch_deadline={"seconds": 20, "nanos": 123_000_000},
        retry_config={
            "max_attempts": 7,
            "max_retry_duration": {"seconds": 9},
            "min_backoff": {"nanos": 100_000_000},
            "max_backoff": {"seconds": 3600},
            "max_doublings": 16,
        },
    )


async def test_an_app_engine_task_says_its_host_and_shows_its_body_when_asked(call) -> None:
    request = {"relative_uri": "/a", "body": b"hello", "app_engine_routing": {"service": "worker"}}
    created = await create(call, view="FULL", app_engine_http_request=request)
    shown = created.app_engine_http_request
    assert shown.app_engine_routing.host == "worker.p.appspot.com"
    assert shown.body == b"hello"
    assert shown.headers["Content-Length"] == "5"
    assert not created.HasField("dispatch_deadline")
    assert not (await call("get_task", name=created.name)).app_engine_http_request.body


async def test_output_only_fields_of_a_request_are_ignored(call) -> None:
    assert await create(call, http_request=HTTP, dispatch_count=3, response_count=2, create_time=NOON) == stored()


async def test_the_token_of_the_queue_replaces_the_task_s(call) -> None:
    token = {"oidc_token": {"service_account_email": "queue@b"}}
    await call("update_queue", queue={"name": QUEUE, "http_target": token})
    created = await create(
        call, http_request={"url": "https://example.com/x", "oauth_token": {"service_account_email": "task@b"}}
    )
    assert created.http_request.oidc_token.service_account_email == "queue@b"
    assert created.http_request.oidc_token.audience == "https://example.com/x"


async def test_a_name_is_taken_once_and_for_a_while_after(call, clock) -> None:
    named = {"name": TASK, "http_request": HTTP}
    await create(call, **named)
    with pytest.raises(AlreadyExists) as refused:
        await create(call, **named)
    assert refused.value.message == "Requested entity already exists"
    await call("delete_task", name=TASK)
    with pytest.raises(AlreadyExists, match="existed too recently"):
        await create(call, **named)
    clock.advance(hours=1, seconds=1)
    await create(call, **named)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ({"name": TASK}, "Task.payload_type is not set."),
        ({"http_request": {}}, "HttpRequest.url is required."),
        ({"http_request": {"url": "ftp://a"}}, "HttpTarget.url must start with 'http://' or 'https://'."),
        ({"name": "t", "http_request": HTTP}, "Task name must be formatted"),
        ({"name": f"{QUEUE}/tasks/a.b", "http_request": HTTP}, 'Task ID "a.b" can contain only letters'),
        ({"name": f"{QUEUE}x/tasks/a", "http_request": HTTP}, "The queue name from request"),
        ({"http_request": {**HTTP, "http_method": "GET"}}, "Body can only be set"),
        ({"http_request": HTTP, "dispatch_deadline": {"seconds": 1}}, "between [15s, 30m]."),
        ({"http_request": HTTP, "schedule_time": {"seconds": 4102444800}}, "too far in the future"),
        ({"http_request": HTTP, "retry_config": {"max_attempts": -2}}, "greater or equal to -1"),
        ({"http_request": {"url": "https://a.b", "body": b"x" * 2**20}}, "Task size too large"),
    ],
)
async def test_a_bad_task_is_refused_and_changes_nothing(call, task, text) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await create(call, **task)
    assert text in refused.value.message
    assert not (await call("list_tasks", parent=QUEUE)).tasks


async def test_a_task_goes_into_a_queue_that_exists(call) -> None:
    for rpc, fields in [("create_task", {"task": {"http_request": HTTP}}), ("list_tasks", {})]:
        with pytest.raises(NotFound, match="Queue does not exist"):
            await call(rpc, parent=f"{QUEUE}x", **fields)


@pytest.mark.parametrize("rpc", ["get_task", "delete_task", "run_task"])
async def test_an_unknown_task_is_not_found(call, rpc) -> None:
    with pytest.raises(NotFound) as refused:
        await call(rpc, name=TASK)
    assert refused.value.message == "Requested entity was not found."


async def test_a_deleted_task_is_remembered_by_get_alone(call) -> None:
    await create(call, name=TASK, http_request=HTTP)
    assert (await call("delete_task", name=TASK)).ByteSize() == 0
    with pytest.raises(NotFound, match="existed recently"):
        await call("get_task", name=TASK)
    for rpc in ("delete_task", "run_task"):
        with pytest.raises(NotFound, match="Requested entity was not found"):
            await call(rpc, name=TASK)


async def test_running_a_task_shows_the_attempt_counted_and_not_yet_sent(call) -> None:
    later = NOON + timedelta(hours=1)
    await create(call, name=TASK, http_request=HTTP, schedule_time=later)
    ran = await call("run_task", name=TASK)
    assert ran == stored(name=TASK, schedule_time=later, dispatch_count=1, last_attempt={"schedule_time": later})


async def test_headers_that_differ_only_in_case_are_kept_in_an_order_that_every_start_sees(call, engine) -> None:
    names = ["cookie", "Content-Type", "COOKIE", "content-type"]
    request = {"url": "https://example.com", "headers": dict.fromkeys(names, "v")}
    task = await create(call, name=TASK, http_request=request)
    assert set(task.http_request.headers) == {*names, "User-Agent"}
    kept = (await engine.tasks.get(TaskName(TASK), body=False)).target.headers
    assert [name for name in kept if name in names] == sorted(names)
