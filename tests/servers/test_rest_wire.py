"""REST over the wire: the whole server as a process, and clients that others wrote."""

from __future__ import annotations

import base64
import itertools
import json
import socket
from collections.abc import Iterator
from typing import Any

import firebase_admin
import httpx
import jwt
import pytest
from firebase_admin import functions
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import tasks_v2, tasks_v2beta2, tasks_v2beta3
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from tests.cli.serving import served

from tidegate.schema.versions import VERSIONS
from tidegate.servers.framing import MESSAGE_MAX

PROJECTS = itertools.count()
FAR = "2100-01-01T00:00:00Z"
OFFICIAL: dict[str, Any] = {"v2": tasks_v2, "v2beta2": tasks_v2beta2, "v2beta3": tasks_v2beta3}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("--store", "sqlite://:memory:", directory=tmp_path_factory.mktemp("rest")) as address:
        yield address


@pytest.fixture(params=[False, True], ids=["http1", "http2"])
def http(address: str, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}", http1=not request.param, http2=request.param, timeout=60) as client:
        yield client


@pytest.fixture
def location() -> str:
    """A place of the test's own."""
    return f"projects/project-{next(PROJECTS)}/locations/us-central1"


@pytest.fixture
def queue(address: str, location: str) -> str:
    """A queue of the test's own, paused."""
    name = f"{location}/queues/q"
    httpx.post(f"http://{address}/v2/{location}/queues", json={"name": name}).raise_for_status()
    httpx.post(f"http://{address}/v2/{name}:pause").raise_for_status()
    return name


def test_a_connection_serves_call_after_call_refused_ones_too(http: httpx.Client, queue: str) -> None:
    for _ in range(3):
        assert http.get(f"/v2/{queue}").status_code == 200
        assert http.post(f"/v2/{queue}/nowhere", json={"a": 1}).status_code == 404
        assert http.post(f"/v2/{queue}/tasks", content=b"{").status_code == 400
        assert http.head(f"/v2/{queue}").content == b""
        assert http.request("GET", f"/v2/{queue}", headers={"content-length": "0"}).status_code == 200


def test_names_arrive_as_they_were_encoded(http: httpx.Client, queue: str) -> None:
    url = httpx.URL(http.base_url, raw_path=f"/v2/{queue}".replace("us-central1", "us%2Dcentral1").encode())
    assert http.get(url).json()["name"] == queue
    url = httpx.URL(http.base_url, raw_path=f"/v2/{queue}%2Ftasks%2Ft".encode())
    assert http.get(url).status_code == 403


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
def test_a_body_too_large_is_refused_once_it_was_sent(http: httpx.Client, queue: str, told: bool) -> None:
    mebibytes = MESSAGE_MAX * 4 // 3 // 2**20 + 2  # more than the JSON of any batch
    pieces = (bytes(2**20) for _ in range(mebibytes))
    headers = {"content-length": str(mebibytes * 2**20)} if told else {}
    answer = http.post(f"/v2/{queue}/tasks:batchCreate", content=pieces, headers=headers)
    assert (answer.status_code, answer.json()["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert http.get(f"/v2/{queue}").status_code == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(address: str, queue: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(f"POST /v2/{queue}/tasks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{".encode())
    assert httpx.get(f"http://{address}/v2/{queue}/tasks").json() == {}


@pytest.mark.parametrize("protocol", ["h2c", "a, b"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(address: str, queue: str, protocol: str) -> None:
    upgrade = {"connection": "upgrade", "upgrade": protocol, "sec-websocket-version": "13"}
    url = f"http://{address}/v2/{queue}"
    assert httpx.get(url, headers=upgrade).json()["name"] == queue
    assert httpx.post(f"{url}:pause", headers=upgrade, json={}).json()["state"] == "PAUSED"


def test_a_web_socket_is_refused(address: str, queue: str) -> None:
    key = base64.b64encode(bytes(16)).decode()
    asked = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": key}
    assert httpx.get(f"http://{address}/v2/{queue}", headers=asked).status_code == 403


def test_handlers_find_the_keys_that_verify_their_tokens(http: httpx.Client, address: str) -> None:
    about = http.get("/.well-known/openid-configuration").json()
    assert about["issuer"] == f"http://{address}"
    keys = http.get(about["jwks_uri"]).json()
    assert jwt.PyJWKSet.from_dict(keys).keys
    pem = http.get("/oauth2/v1/certs").json()
    assert pem.keys() == {key["kid"] for key in keys["keys"]}


def test_metrics_are_what_prometheus_reads(http: httpx.Client, queue: str) -> None:
    http.post(f"/v2/{queue}/tasks", json={"task": {"httpRequest": {"url": "http://h"}}}).raise_for_status()
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f'tidegate_tasks_created_total{{queue="{queue}"}} 1.0' in answer.text.splitlines()


def test_metrics_come_as_openmetrics_to_those_who_ask_for_it(http: httpx.Client) -> None:
    answer = http.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_calls_are_counted(http: httpx.Client, queue: str) -> None:
    http.get(f"/v2/{queue}").raise_for_status()
    http.get(f"/v2/{queue}/tasks/none")
    lines = http.get("/metrics").text.splitlines()
    calls = "tidegate_api_calls_total"
    method = 'method="google.cloud.tasks.v2.CloudTasks.GetTask",transport="rest"'
    assert any(line.startswith(f'{calls}{{code="NOT_FOUND",{method}}}') for line in lines)


# Google's generated client


@pytest.mark.parametrize("version", VERSIONS)
def test_googles_client_over_rest(address: str, location: str, version: str) -> None:
    options = ClientOptions(api_endpoint=f"http://{address}")
    client = OFFICIAL[version].CloudTasksClient(
        credentials=AnonymousCredentials(), transport="rest", client_options=options
    )
    name = f"{location}/queues/q"
    made = client.create_queue(parent=location, queue={"name": name, "retry_config": {"max_attempts": 3}})
    assert (made.name, made.state.name) == (name, "RUNNING")
    changed = client.update_queue(
        queue={"name": name, "retry_config": {"max_attempts": 4}}, update_mask={"paths": ["retry_config.max_attempts"]}
    )
    assert changed.retry_config.max_attempts == 4
    assert client.pause_queue(name=name).state.name == "PAUSED"
    assert [queue.name for queue in client.list_queues(parent=location)] == [name]
    target = "http_request" if version != "v2beta2" else "app_engine_http_request"
    task = {"name": f"{name}/tasks/t", target: {"url": "http://h/ü"} if version != "v2beta2" else {}}
    assert client.create_task(parent=name, task=task).name == f"{name}/tasks/t"
    with pytest.raises(Conflict):
        client.create_task(parent=name, task=task)
    assert [each.name for each in client.list_tasks(parent=name)] == [f"{name}/tasks/t"]
    client.delete_task(name=f"{name}/tasks/t")
    with pytest.raises(NotFound):
        client.get_task(name=f"{name}/tasks/t")
    with pytest.raises(BadRequest, match="Invalid mask"):
        client.update_queue(queue={"name": name}, update_mask={"paths": ["nonsense"]})
    assert client.get_location({"name": location}).location_id == "us-central1"
    client.delete_queue(name=name)
    client.transport.close()


# googleapiclient


@pytest.mark.parametrize("version", VERSIONS)
def test_googleapiclient_builds_itself_from_our_document(address: str, location: str, version: str) -> None:
    service = build(
        "cloudtasks",
        version,
        discoveryServiceUrl=f"http://{address}/$discovery/rest?version={{apiVersion}}",
        static_discovery=False,
        credentials=AnonymousCredentials(),
        cache_discovery=False,
    )
    queues = service.projects().locations().queues()
    name = f"{location}/queues/q"
    assert queues.create(parent=location, body={"name": name}).execute()["state"] == "RUNNING"
    assert queues.pause(name=name, body={}).execute()["state"] == "PAUSED"
    long = " OR ".join(f"state: {state}" for state in ["PAUSED", "RUNNING"] * 100)  # goes as a POST that means GET
    assert [queue["name"] for queue in queues.list(parent=location, filter=long).execute()["queues"]] == [name]
    patched = queues.patch(name=name, updateMask="retryConfig.maxAttempts", body={"retryConfig": {"maxAttempts": 9}})
    assert patched.execute()["retryConfig"]["maxAttempts"] == 9
    task = {"name": f"{name}/tasks/t", "scheduleTime": FAR.replace("2100", "2000"), "httpRequest": {"url": "http://h"}}
    if version == "v2beta2":
        task = {"name": f"{name}/tasks/t", "appEngineHttpRequest": {}}
    assert queues.tasks().create(parent=name, body={"task": task}).execute()["name"] == f"{name}/tasks/t"
    full = queues.tasks().get(name=f"{name}/tasks/t", responseView="FULL", fields="name,view").execute()
    assert full == {"name": f"{name}/tasks/t", "view": "FULL"}
    assert queues.tasks().delete(name=f"{name}/tasks/t").execute() == {}
    with pytest.raises(HttpError) as refused:
        queues.tasks().get(name=f"{name}/tasks/t").execute()
    assert json.loads(refused.value.content)["error"]["status"] == "NOT_FOUND"
    service.close()


# firebase-admin


@pytest.fixture
def firebase(address: str, location: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[firebase_admin.App]:
    monkeypatch.setenv("CLOUD_TASKS_EMULATOR_HOST", address)
    project = location.split("/")[1]
    app = firebase_admin.initialize_app(options={"projectId": project}, name=project)
    yield app
    firebase_admin.delete_app(app)


def test_firebase_admin_takes_us_for_its_emulator(address: str, queue: str, firebase: firebase_admin.App) -> None:
    mine = functions.task_queue("q", app=firebase)
    options = functions.TaskOptions(task_id="t", uri="https://example.com/f", schedule_delay_seconds=3600)
    assert mine.enqueue({"a": 1}, options) == "t"
    sent = httpx.get(f"http://{address}/v2/{queue}/tasks/t?responseView=FULL").json()["httpRequest"]
    assert sent["url"] == "https://example.com/f"
    assert sent["oidcToken"]["serviceAccountEmail"] == "emulated-service-acct@email.com"
    with pytest.raises(firebase_admin.exceptions.AlreadyExistsError):
        mine.enqueue({"a": 1}, options)
    mine.delete("t")
    with pytest.raises(firebase_admin.exceptions.NotFoundError):
        mine.delete("t")


def test_firebase_admin_may_leave_the_url_to_the_queue(address: str, queue: str, firebase: firebase_admin.App) -> None:
    mine = functions.task_queue("q", app=firebase)
    with pytest.raises(firebase_admin.exceptions.InvalidArgumentError, match="url is required"):
        mine.enqueue({})
    target = {"httpTarget": {"uriOverride": {"host": "example.com", "pathOverride": {"path": "/f"}}}}
    httpx.patch(f"http://{address}/v2/{queue}?updateMask=httpTarget", json=target).raise_for_status()
    task = mine.enqueue({})
    sent = httpx.get(f"http://{address}/v2/{queue}/tasks/{task}").json()["httpRequest"]
    assert sent["url"] == "https://example.com/f"
