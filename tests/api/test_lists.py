"""Lists: pages, tokens, filters."""

import pytest
from tests.api.conftest import LOCATION, QUEUE

from tidegate.core.errors import InvalidArgument


async def make(call, *queues, **settings):
    for queue in queues:
        await call("create_queue", parent=LOCATION, queue={"name": f"{LOCATION}/queues/{queue}", **settings})


async def listed(call, **fields):
    page = await call("list_queues", parent=LOCATION, **fields)
    return [queue.name.rsplit("/", 1)[1] for queue in page.queues], page.next_page_token


async def all_pages(call, **fields):
    pages, token = [], ""
    while True:
        page, token = await listed(call, page_token=token, **fields)
        pages.append(page)
        if not token:
            return pages


async def test_queues_come_by_name_and_only_an_empty_page_ends_the_list(call) -> None:
    await make(call, "c", "a", "b", "d")
    await make(call, "other")
    assert await all_pages(call, page_size=2) == [["a", "b"], ["c", "d"], ["other"], []]
    assert await all_pages(call) == [["a", "b", "c", "d", "other"], []]


async def test_the_size_may_change_between_pages(call) -> None:
    await make(call, "a", "b", "c")
    page, token = await listed(call, page_size=1)
    assert page == ["a"]
    assert (await listed(call, page_size=5, page_token=token))[0] == ["b", "c"]


async def test_queues_made_and_removed_meanwhile_do_not_disturb(call) -> None:
    await make(call, "b", "d")
    _, token = await listed(call, page_size=1)
    await make(call, "a", "c")
    await call("delete_queue", name=f"{LOCATION}/queues/b")
    assert (await listed(call, page_token=token))[0] == ["c", "d"]


@pytest.mark.parametrize(
    "change",
    [
        {"parent": "projects/p/locations/elsewhere"},
        {"filter": "state: RUNNING"},
        {"page_token": "nonsense"},
        {"page_token": "bm9uc2Vuc2U"},
    ],
)
async def test_a_token_of_another_list_is_refused(call, change) -> None:
    await make(call, "a")
    _, token = await listed(call)
    with pytest.raises(InvalidArgument) as refused:
        await call("list_queues", **{"parent": LOCATION, "page_token": token, **change})
    assert refused.value.message == "Invalid page_token"


async def test_a_token_is_good_for_two_hours(call, clock) -> None:
    await make(call, "a")
    _, token = await listed(call)
    clock.advance(hours=2)
    await listed(call, page_token=token)
    clock.advance(seconds=1)
    with pytest.raises(InvalidArgument, match="Invalid page_token"):
        await listed(call, page_token=token)


async def test_tasks_are_listed_a_page_at_a_time(call) -> None:
    await make(call, "q")
    for task in "cab":
        named = {"name": f"{QUEUE}/tasks/{task}", "http_request": {"url": "https://a.b"}}
        await call("create_task", parent=QUEUE, task=named)
    first = await call("list_tasks", parent=QUEUE, page_size=2)
    second = await call("list_tasks", parent=QUEUE, page_size=2, page_token=first.next_page_token)
    assert [task.name[-1] for task in [*first.tasks, *second.tasks]] == ["a", "b", "c"]
    last = await call("list_tasks", parent=QUEUE, page_token=second.next_page_token)
    assert (len(last.tasks), last.next_page_token) == (0, "")
    with pytest.raises(InvalidArgument, match="Invalid page_token"):
        await call("list_tasks", parent=f"{LOCATION}/queues/other", page_token=first.next_page_token)


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ("", ["paused", "plain", "routed"]),
        ("state: PAUSED", ["paused"]),
        ("State != paused", ["plain", "routed"]),
        ("state > RUNNING", ["paused"]),
        ("rateLimits.maxDispatchesPerSecond < 100", ["paused"]),
        ("rate_limits.max_burst_size = 100", ["plain", "routed"]),
        ("retry_config.max_backoff = 3600s", ["paused", "plain", "routed"]),
        ("http_target: *", ["routed"]),
        ("http_target.uri_override.scheme: SCHEME_UNSPECIFIED", ["paused", "plain", "routed"]),
        ("http_target.header_overrides.header.key: X", ["routed"]),
        ("purge_time: * OR state: PAUSED", ["paused", "plain"]),
        ('purge_time > "2026-06-01T12:00:00Z"', ["plain"]),
        ("-plain AND NOT routed", ["paused"]),
        ("plai", ["plain"]),
    ],
)
async def test_a_filter_chooses(call, filter_, found) -> None:
    await make(call, "paused", rate_limits={"max_dispatches_per_second": 54})
    await make(call, "plain")
    header = {"header": {"key": "X-A", "value": "b"}}
    await make(call, "routed", http_target={"uri_override": {"host": "a"}, "header_overrides": [{}, header]})
    await call("pause_queue", name=f"{LOCATION}/queues/paused")
    await call("purge_queue", name=f"{LOCATION}/queues/plain")
    assert (await listed(call, filter=filter_))[0] == found
    pages = await all_pages(call, filter=filter_, page_size=1)
    assert pages == [*([each] for each in found), []]


@pytest.mark.parametrize(
    ("filter_", "text"),
    [
        ("bogus: 1", "Field not found: 'bogus'."),
        ("state: Sleeping", "The value 'sleeping' is of incorrect type."),
        ("retryConfig: 1", "Cannot match a nested type 'retryConfig'."),
        ("state:", "Failed to parse filter expression: syntax error at token '<EOF>'"),
    ],
)
async def test_a_bad_filter_is_refused(call, filter_, text) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await listed(call, filter=filter_)
    assert text in refused.value.message


@pytest.mark.parametrize("rpc", ["list_queues", "list_tasks"])
async def test_a_page_has_no_negative_size(call, rpc) -> None:
    parent = LOCATION if rpc == "list_queues" else QUEUE
    with pytest.raises(InvalidArgument, match=r"\.pageSize cannot be negative\."):
        await call(rpc, parent=parent, page_size=-1)
