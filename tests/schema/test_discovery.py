import json
from pathlib import Path
from typing import Any

import googleapiclient
import pytest
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpMockSequence

from tidegate.schema.discovery import discovery_document, operator_document
from tidegate.schema.operator import Operator
from tidegate.schema.versions import VERSIONS, rows

QUEUE = "projects/example.com:app/locations/l/queues/q"
PROSE = {"description", "enumDescriptions", "readOnly"}
# What only Google's own front serves, and what changes from week to week.
NOT_OURS = {"batchPath", "icons", "mtlsRootUrl", "revision"}


def published(version: str) -> Any:
    """The document that google-api-python-client carries."""
    documents = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    return json.loads((documents / f"cloudtasks.{version}.json").read_text())


def bare(value: Any) -> Any:
    """``value`` without prose; a member called ``description`` that is an object is a field of that name."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: bare(member) for key, member in value.items() if key not in PROSE or isinstance(member, dict)}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("part", ["resources", "schemas", "parameters", "auth"])
def test_the_document_says_what_the_published_one_says(version: str, part: str) -> None:
    ours = discovery_document(version, "https://cloudtasks.googleapis.com")
    theirs = published(version)
    assert ours.keys() == theirs.keys() - NOT_OURS | {"mtlsRootUrl", "revision"}
    assert bare(ours[part]) == bare(theirs[part])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_has_a_method_for_every_row(version: str) -> None:
    def count(resource: Any) -> int:
        inner = resource.get("resources", {}).values()
        return len(resource.get("methods", {})) + sum(count(below) for below in inner)

    assert count(discovery_document(version, "http://h")) == len([row for row in rows(version) if row.http])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_address_is_that_of_the_host_that_was_asked(version: str) -> None:
    document = discovery_document(version, "http://localhost:8123")
    assert {document[key] for key in ("rootUrl", "mtlsRootUrl", "baseUrl")} == {"http://localhost:8123/"}


def test_our_own_words_describe_messages_and_methods() -> None:
    document = discovery_document("v2", "http://h")
    assert document["schemas"]["RateLimits"]["description"].startswith("How fast a queue dispatches")
    methods = document["resources"]["projects"]["resources"]["locations"]["resources"]["queues"]["methods"]
    assert methods["delete"]["description"].startswith("Deletes a queue")


class Service:
    """The client that google-api-python-client makes of our document, and what it sent."""

    def __init__(self, version: str, status: int = 200) -> None:
        self.http = HttpMockSequence([({"status": str(status)}, "{}")])
        document = json.dumps(discovery_document(version, "http://localhost:8123"))
        self.made = build_from_document(document, http=self.http)

    @property
    def queues(self) -> Any:
        return self.made.projects().locations().queues()

    def sent(self, request: Any) -> tuple[str, str, Any]:
        request.execute()
        (uri, method, body, _headers), *_ = self.http.request_sequence
        return method, uri.removeprefix("http://localhost:8123"), json.loads(body) if body else None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_generated_client_creates_a_task(version: str) -> None:
    service = Service(version)
    body = {"task": {"httpRequest": {"url": "http://h"}}}
    request = service.queues.tasks().create(parent=QUEUE, body=body)
    path = f"/{version}/projects/example.com:app/locations/l/queues/q/tasks?alt=json"
    assert service.sent(request) == ("POST", path, body)


def test_the_generated_client_patches_with_a_mask() -> None:
    service = Service("v2")
    request = service.queues.patch(name="projects/p/locations/l/queues/q", updateMask="state", body={"state": "PAUSED"})
    path = "/v2/projects/p/locations/l/queues/q?updateMask=state&alt=json"
    assert service.sent(request) == ("PATCH", path, {"state": "PAUSED"})


def test_the_generated_client_buffers_a_task() -> None:
    service = Service("v2beta3")
    request = service.queues.tasks().buffer(queue="projects/p/locations/l/queues/q", taskId="t", body={})
    assert service.sent(request)[:2] == ("POST", "/v2beta3/projects/p/locations/l/queues/q/tasks/t:buffer?alt=json")


def test_the_generated_client_uploads_a_queue_yaml() -> None:
    service = Service("v2beta2")
    request = service.made.api().queue().update(appId="app", body={})
    assert service.sent(request)[:2] == ("POST", "/api/queue/update?appId=app&alt=json")


def test_the_generated_client_pages_through_lists() -> None:
    service = Service("v2")
    listed = service.queues.list(parent="projects/p/locations/l")
    assert service.queues.list_next(listed, {"nextPageToken": "t"}).uri.endswith("queues?alt=json&pageToken=t")


def test_the_generated_client_refuses_what_does_not_fit() -> None:
    queues = Service("v2").queues
    with pytest.raises(TypeError, match="does not match the pattern"):
        queues.get(name="projects/p/queues/q")
    with pytest.raises(TypeError, match="unexpected keyword"):
        queues.get(name="projects/p/locations/l/queues/q", readMask="name")
    with pytest.raises(HttpError):
        Service("v2", status=404).queues.get(name="projects/p/locations/l/queues/q").execute()


def test_the_operators_document_makes_a_client_that_calls_every_method() -> None:
    document = operator_document("http://localhost:8123")
    assert document["schemas"]["DeadTask"]["properties"]["task"] == {"$ref": "GoogleCloudTasksV2beta3Task"}
    assert document["schemas"]["Attempt"]["properties"]["number"]["type"] == "integer"
    http = HttpMockSequence([({"status": "200"}, "{}")] * 3)
    made = build_from_document(json.dumps(document), http=http)
    queues = made.projects().locations().queues()
    name = "projects/p/locations/l/queues/q"
    queues.tasks().searchTasks(parent=name, filter="x", pageSize=3).execute()
    made.server().drain(body={}).execute()
    queues.tasks().replayTask(name=f"{name}/tasks/t", body={"url": "http://h"}).execute()
    sent = [
        (method, uri.removeprefix("http://localhost:8123/operator/v1/")) for uri, method, _, _ in http.request_sequence
    ]
    assert sent == [
        ("GET", f"{name}/tasks:search?filter=x&pageSize=3&alt=json"),
        ("POST", "server:drain?alt=json"),
        ("POST", f"{name}/tasks/t:replay?alt=json"),
    ]

    def count(resource: Any) -> int:
        return len(resource.get("methods", {})) + sum(count(below) for below in resource.get("resources", {}).values())

    assert count(document) == len(Operator.rpcs)
