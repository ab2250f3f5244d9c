"""What clients ask besides the published paths: BufferTask's many forms, firebase-admin, queue.yaml, documents."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.servers.api import LATER, LOCATION, QUEUE, TASK, call, refused, rest_of, said, still_engine

from tidegate.core.errors import Unavailable
from tidegate.core.names import QueueName
from tidegate.core.queue import HttpTarget, Queue, UriOverride
from tidegate.engine.engine import Engine
from tidegate.schema.discovery import discovery_document
from tidegate.schema.versions import VERSIONS
from tidegate.servers.asgi import App
from tidegate.servers.pages import Document, discovery_pages, page_mounts
from tidegate.servers.rest import RestServer

ROUTED = HttpTarget(uri_override=UriOverride(host="handlers.example.com", path="/run"))


@pytest.fixture
async def engine() -> Engine:
    engine = still_engine()
    await engine.queues.create(Queue(name=QueueName(QUEUE)))
    return engine


@pytest.fixture
def rest(engine: Engine) -> RestServer:
    return rest_of(engine)


async def route(engine: Engine) -> None:
    """Give the queue a routing of its own."""

    def change(queue: Queue | None) -> Queue:
        assert queue is not None
        return replace(queue, http_target=ROUTED)

    await engine.queues.update(QueueName(QUEUE), change)


async def only_task(rest: RestServer) -> Any:
    _, listed = said(await call(rest, "GET", f"/v2/{QUEUE}/tasks?responseView=FULL"))
    (task,) = listed["tasks"]
    return task


# BufferTask


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("verb", ["POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("form", ["tasks/t:buffer", "tasks:buffer", "tasks/:buffer"])
async def test_buffering_takes_any_verb_on_any_form_of_its_path(
    engine: Engine, rest: RestServer, version: str, verb: str, form: str
) -> None:
    await route(engine)
    answer = await call(rest, verb, f"/{version}/{QUEUE}/{form}")
    assert answer.http_status == 200
    task = await only_task(rest)
    assert task["name"] == (TASK if form == "tasks/t:buffer" else f"{QUEUE}/tasks/1")
    if verb != "HEAD":
        assert said(answer)[1]["task"]["name"] == task["name"]


async def test_a_payload_is_buffered_as_it_came(engine: Engine, rest: RestServer) -> None:
    await route(engine)
    headers = {"content-type": "image/png", "authorization": "Bearer mine", "x-mine": "1"}
    assert (await call(rest, "PUT", f"/v2/{QUEUE}/tasks:buffer", b"\x89PNG", headers=headers)).http_status == 200
    request = (await only_task(rest))["httpRequest"]
    assert request["body"] == "iVBORw=="
    assert request["url"] == "https://handlers.example.com/run"
    assert request["headers"] == {"Content-Type": "image/png", "x-mine": "1", "User-Agent": "Google-Cloud-Tasks"}


async def test_a_payload_in_its_published_wrapping_is_unwrapped(engine: Engine, rest: RestServer) -> None:
    await route(engine)
    wrapped = {"body": {"contentType": "text/plain", "data": "aGk="}}
    headers = {"content-type": "application/json"}
    assert (await call(rest, "POST", f"/v2/{QUEUE}/tasks/t:buffer", wrapped, headers=headers)).http_status == 200
    request = (await only_task(rest))["httpRequest"]
    assert (request["body"], request["headers"]["Content-Type"]) == ("aGk=", "text/plain")


# firebase-admin


def firebase_task(**request: Any) -> Any:
    """A task as firebase-admin sends it."""
    token = {"serviceAccountEmail": "emulated-service-acct@email.com"}
    http = {"url": "", "oidcToken": token, "body": "e30=", "headers": {"Content-Type": "application/json"}, **request}
    return {"task": {"httpRequest": http, "name": None, "scheduleTime": None, "dispatchDeadline": None}}


async def test_firebase_gets_its_task_with_a_slash_before_the_name(rest: RestServer) -> None:
    status, answer = said(await call(rest, "POST", f"/{QUEUE}/tasks", firebase_task(url="https://example.com/f")))
    assert (status, answer["task"]["name"]) == (200, f"/{QUEUE}/tasks/1")
    task = await only_task(rest)
    assert (task["name"], task["httpRequest"]["url"]) == (f"{QUEUE}/tasks/1", "https://example.com/f")


async def test_firebase_may_leave_the_url_to_the_queue(engine: Engine, rest: RestServer) -> None:
    await route(engine)
    assert (await call(rest, "POST", f"/{QUEUE}/tasks", firebase_task())).http_status == 200
    assert (await only_task(rest))["httpRequest"]["url"] == "https://handlers.example.com/run"


async def test_without_a_url_on_either_side_firebase_is_refused(rest: RestServer) -> None:
    answer = await call(rest, "POST", f"/{QUEUE}/tasks", firebase_task())
    assert refused(answer) == (400, "INVALID_ARGUMENT", "HttpRequest.url is required.")
    assert refused(await call(rest, "POST", f"/{QUEUE}/tasks", {"task": {}}))[:2] == (400, "INVALID_ARGUMENT")
    assert refused(await call(rest, "POST", f"/{QUEUE}x/tasks", firebase_task()))[:2] == (404, "NOT_FOUND")


async def test_firebase_deletes_its_task_and_learns_of_names_that_are_taken(rest: RestServer) -> None:
    task = firebase_task(url="https://example.com/f")
    task["task"] |= {"name": TASK, "scheduleTime": LATER}
    assert said(await call(rest, "POST", f"/{QUEUE}/tasks", task))[1]["task"]["name"] == f"/{TASK}"
    assert refused(await call(rest, "POST", f"/{QUEUE}/tasks", task))[:2] == (409, "ALREADY_EXISTS")
    assert said(await call(rest, "DELETE", f"/{TASK}")) == (200, {})
    assert refused(await call(rest, "DELETE", f"/{TASK}"))[:2] == (404, "NOT_FOUND")


async def test_nothing_else_is_served_without_a_version(rest: RestServer) -> None:
    for verb, path in [("GET", QUEUE), ("GET", TASK), ("POST", f"{LOCATION}/queues"), ("GET", f"{QUEUE}/tasks")]:
        assert refused(await call(rest, verb, f"/{path}"))[:2] == (404, "NOT_FOUND")


# queue.yaml


@pytest.mark.parametrize("query", ["", "?extraLocationTypes=a", "?extra_location_types=a"])
async def test_locations_are_told_under_the_path_of_their_first_service(rest: RestServer, query: str) -> None:
    everywhere = said(await call(rest, "GET", "/v2/projects/p/locations"))
    assert said(await call(rest, "GET", f"/v1/projects/p/locations{query}")) == everywhere
    assert everywhere[0] == 200


async def test_a_queue_yaml_is_uploaded_as_it_is(engine: Engine, rest: RestServer) -> None:
    file = b"queue:\n- name: mail\n  rate: 5/s\n"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await call(rest, "POST", "/api/queue/update?appId=s~p", file, headers=headers)
    assert said(answer) == (200, {})
    _, mail = said(await call(rest, "GET", f"/v2beta2/{LOCATION}/queues/mail"))
    assert mail["rateLimits"]["maxTasksDispatchedPerSecond"] == 5


@pytest.mark.parametrize("file", [b"\xff", b"queue: 5", b"- [", b"queue:\n- name: 5/s\n"])
async def test_what_is_no_queue_yaml_is_refused(rest: RestServer, file: bytes) -> None:
    answer = await call(rest, "POST", "/api/queue/update?appId=p", file)
    assert refused(answer)[:2] == (400, "INVALID_ARGUMENT")
    assert said(await call(rest, "GET", f"/v2/{QUEUE}"))[1]["state"] == "RUNNING"


# Documents


PAGES = App(mounts=page_mounts(discovery_pages()))
LOCAL = {"host": "localhost:8123"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "place",
    [
        "/$discovery/rest?version={}",
        "/%24discovery/rest?version={}&key=k",
        "/discovery/v1/apis/cloudtasks/{}/rest",
    ],
)
async def test_the_discovery_document_is_where_clients_look_for_it(version: str, place: str) -> None:
    status, document = said(await call(PAGES, "GET", place.format(version), headers=LOCAL))
    assert (status, document) == (200, discovery_document(version, "http://localhost:8123"))


async def test_without_a_version_the_document_is_that_of_v2() -> None:
    assert said(await call(PAGES, "GET", "/$discovery/rest", headers=LOCAL))[1]["version"] == "v2"


@pytest.mark.parametrize("place", ["/$discovery/rest?version=v9"])
async def test_there_is_no_document_of_an_unknown_version(place: str) -> None:
    assert refused(await call(PAGES, "GET", place))[:2] == (404, "NOT_FOUND")


async def test_the_host_that_was_asked_cannot_break_the_document() -> None:
    for host in ('evil"/', "back\\slash", "a", "b"):
        _, document = said(await call(PAGES, "GET", "/$discovery/rest", headers={"host": host}))
        assert document["rootUrl"] == f"http://{host}/"


async def test_only_reading_a_document_is_served() -> None:
    head = await call(PAGES, "HEAD", "/$discovery/rest", headers=LOCAL)
    assert (head.http_status, head.body) == (200, b"")
    for verb, path in [("POST", "/$discovery/rest"), ("GET", "/elsewhere")]:
        assert refused(await call(PAGES, verb, path))[0] == 404


async def test_a_document_has_the_type_it_says_and_may_fail() -> None:
    async def numbers(scope: Any) -> Document:
        return Document(b"up 1\n", b"text/plain")

    async def failing(scope: Any) -> Document:
        raise Unavailable("Not now.")

    pages = App(mounts=page_mounts({"/numbers": numbers, "/failing": failing}))
    answer = await call(pages, "GET", "/numbers")
    assert (answer.headers[b"content-type"], answer.body) == (b"text/plain", b"up 1\n")
    assert refused(await call(pages, "GET", "/failing")) == (503, "UNAVAILABLE", "Not now.")
