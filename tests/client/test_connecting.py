"""Clients of a server of one's own: by address, by environment, and for programs that keep Google's import."""

from __future__ import annotations

import functools
from typing import Any, cast

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from tests.client.recorder import Answer, GrpcRecorder, RestRecorder, Script

import tidegate
from tidegate import tasks_v2, tasks_v2beta2, tasks_v2beta3
from tidegate.client.emulator import VARIABLE, EmulatorAddress
from tidegate.tasks_v2.services.cloud_tasks.transports import (
    CloudTasksGrpcTransport,
    CloudTasksRestInterceptor,
    CloudTasksRestTransport,
)

NAME = "projects/p/locations/l/queues/q/tasks/t"
FACES: dict[str, Any] = {"v2": tasks_v2, "v2beta2": tasks_v2beta2, "v2beta3": tasks_v2beta3}


def told(script: Script, *, times: int = 1) -> None:
    task = tasks_v2.Task.serialize(tasks_v2.Task(name=NAME))
    script.begin([Answer(task, b'{"name": "%s"}' % NAME.encode())] * times)


@pytest.mark.parametrize("version", FACES)
def test_one_call_connects_over_grpc(grpc_server: GrpcRecorder, script: Script, version: Any) -> None:
    told(script)
    with tidegate.connect(grpc_server.address, version=version) as client:
        assert isinstance(client, FACES[version].CloudTasksClient)
        assert client.get_task(name=NAME).name == NAME
        assert client.api_endpoint == grpc_server.address
    (call,) = script.seen
    assert call["path"] == f"/google.cloud.tasks.{version}.CloudTasks/GetTask"
    assert not [name for name, _ in call["headers"] if name == "authorization"]


@pytest.mark.parametrize("version", FACES)
def test_one_call_connects_over_rest(rest_server: RestRecorder, script: Script, version: Any) -> None:
    told(script)
    with tidegate.connect(rest_server.address, version=version, transport="rest") as client:
        assert client.get_task(name=NAME).name == NAME
    assert script.seen[0]["path"].startswith(f"GET /{version}/{NAME}?")


async def test_one_call_connects_with_asyncio(
    grpc_server: GrpcRecorder, rest_server: RestRecorder, script: Script
) -> None:
    told(script, times=2)
    async with tidegate.connect(grpc_server.address, asynchronous=True) as client:
        assert (await client.get_task(name=NAME)).name == NAME
    async with tidegate.connect(rest_server.address, transport="rest", asynchronous=True) as client:
        assert client.transport.kind == "rest_asyncio"
        assert (await client.get_task(name=NAME)).name == NAME


@pytest.mark.parametrize("text", ["", "   ", "http://", "ftp://a:1", "http://a:1/v2"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        tidegate.connect(text)


@pytest.mark.parametrize("text", ["a b:1", "user@a:1", "a?b", "::1", "[::1", "a:1:2", ":8123", "a:1/?x"])
def test_what_could_be_read_as_another_host_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an address such as localhost:8123"):
        EmulatorAddress.parse(text)


@pytest.mark.parametrize(
    "port", ["99999", "65536", "0", "-1", "http", "", "8123x", "\uff18\uff11\uff12\uff13", "1" * 5000]
)
@pytest.mark.parametrize("scheme", ["", "http://", "https://"])
def test_a_port_that_there_cannot_be_is_refused_before_anything_is_dialled(scheme: str, port: str) -> None:
    with pytest.raises(ValueError, match=f"its port must be a number from 1 to 65535, not '{port}'"):
        tidegate.connect(f"{scheme}localhost:{port}")


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("text", ["localhost", "http://localhost", " LOCALHOST/ "])
def test_an_address_without_a_port_is_that_of_a_server_on_its_usual_one(text: str, transport: Any) -> None:
    with tidegate.connect(text, transport=transport) as client:
        assert client.transport.host.lower().removeprefix("http://") == "localhost:8123"


def test_the_port_of_an_ipv6_address_stands_behind_its_brackets() -> None:
    assert EmulatorAddress.parse("[::1]") == EmulatorAddress("[::1]:8123")
    assert EmulatorAddress.parse("http://[fe80::1%eth0]:9000") == EmulatorAddress("[fe80::1%eth0]:9000")


def test_a_bad_address_in_the_environment_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "localhost:99999")
    for make in (tidegate.connect, tasks_v2.CloudTasksClient, tidegate.patch_google_cloud_tasks):
        with pytest.raises(ValueError, match=f"{VARIABLE}: 'localhost:99999' is not an address"):
            make()


def test_a_version_or_transport_that_is_none_is_refused() -> None:
    connect: Any = tidegate.connect
    with pytest.raises(ValueError, match="version must be v2, v2beta2 or v2beta3, not 'v3'"):
        connect(version="v3")
    with pytest.raises(ValueError, match="transport must be grpc or rest, not 'http'"):
        connect(transport="http")


def test_an_address_may_say_http_or_https() -> None:
    assert EmulatorAddress.parse("http://localhost:8123/") == EmulatorAddress("localhost:8123")
    assert EmulatorAddress.parse(" tasks:1 ") == EmulatorAddress("tasks:1")
    assert EmulatorAddress.parse("https://tasks.example.com") == EmulatorAddress("tasks.example.com", tls=True)
    assert EmulatorAddress.parse("https://tasks.example.com").url == "https://tasks.example.com"
    assert EmulatorAddress.parse("HTTP://localhost:8123") == EmulatorAddress("localhost:8123")
    assert EmulatorAddress.parse("Https://tasks.example.com") == EmulatorAddress("tasks.example.com", tls=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"credentials": AnonymousCredentials()},
        {"client_options": {"api_endpoint": "cloudtasks.googleapis.com"}},
        {"client_options": {"api_key": "secret"}},
        {"transport": CloudTasksGrpcTransport},
    ],
    ids=["nothing", "credentials", "an endpoint", "a key", "a transport class"],
)
def test_the_emulator_variable_makes_any_client_talk_plain_text_without_credentials(
    grpc_server: GrpcRecorder, script: Script, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setenv(VARIABLE, grpc_server.address)
    told(script)
    with tasks_v2.CloudTasksClient(**options) as client:
        assert client.get_task(name=NAME).name == NAME
    names = {name for name, _ in script.seen[0]["headers"]}
    assert not names & {"authorization", "x-goog-api-key"}


def test_the_emulator_variable_holds_for_rest_and_for_transports_of_ones_own_making(
    rest_server: RestRecorder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, rest_server.address)
    told(script, times=2)
    with tasks_v2.CloudTasksClient(transport="rest") as client:
        assert client.get_task(name=NAME).name == NAME

    def made(*, host: str, credentials: Any, **_: Any) -> CloudTasksRestTransport:
        assert isinstance(credentials, AnonymousCredentials)
        return CloudTasksRestTransport(host=host, credentials=credentials, url_scheme="http")

    with tasks_v2.CloudTasksClient(transport=made) as client:
        assert client.get_task(name=NAME).name == NAME


def test_the_emulator_variable_holds_for_a_transport_class_with_arguments_of_its_own(
    grpc_server: GrpcRecorder, rest_server: RestRecorder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(script, times=2)
    monkeypatch.setenv(VARIABLE, rest_server.address)
    interceptor = CloudTasksRestInterceptor()
    with tasks_v2.CloudTasksClient(
        transport=functools.partial(CloudTasksRestTransport, interceptor=interceptor)
    ) as client:
        assert client.get_task(name=NAME).name == NAME
        assert cast("Any", client.transport)._interceptor is interceptor
    monkeypatch.setenv(VARIABLE, grpc_server.address)
    given: dict[str, Any] = {"host": "tasks.example.com", "credentials_file": "none.json", "client_info": None}
    with tasks_v2.CloudTasksClient(transport=functools.partial(CloudTasksGrpcTransport, **given)) as client:
        assert client.get_task(name=NAME).name == NAME


async def test_the_emulator_variable_holds_for_asyncio(
    grpc_server: GrpcRecorder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, grpc_server.address)
    told(script)
    async with tasks_v2.CloudTasksAsyncClient() as client:
        assert (await client.get_task(name=NAME)).name == NAME


def test_a_transport_that_is_made_already_is_left_alone(
    grpc_server: GrpcRecorder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "localhost:1")
    told(script)
    channel = grpc.insecure_channel(grpc_server.address)
    with tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel)) as client:
        assert client.get_task(name=NAME).name == NAME


def test_connect_reads_the_variable_but_an_address_given_wins(
    grpc_server: GrpcRecorder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, grpc_server.address)
    told(script)
    with tidegate.connect() as client:
        assert client.get_task(name=NAME).name == NAME
    with tidegate.connect("localhost:1") as client:
        assert client.api_endpoint == "localhost:1"


@pytest.mark.parametrize("version", FACES)
def test_programs_that_keep_googles_import_can_be_patched_for_a_while(
    grpc_server: GrpcRecorder, rest_server: RestRecorder, script: Script, version: str
) -> None:
    google: Any = __import__(f"google.cloud.tasks_{version}", fromlist=["CloudTasksClient"])
    before = google.CloudTasksClient.__init__
    told(script, times=2)
    options = {"api_key": "secret", "quota_project_id": "p"}
    with (
        tidegate.patch_google_cloud_tasks(grpc_server.address),
        google.CloudTasksClient(client_options=options) as client,
    ):
        assert client.get_task(name=NAME).name == NAME
    with tidegate.patch_google_cloud_tasks(rest_server.address), google.CloudTasksClient(transport="rest") as client:
        assert client.get_task(name=NAME).name == NAME
    assert google.CloudTasksClient.__init__ is before
    headers = {name for call in script.seen for name, _ in call["headers"]}
    assert not headers & {"authorization", "x-goog-api-key"}


async def test_a_patch_holds_until_it_is_undone_also_for_asyncio(
    grpc_server: GrpcRecorder, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.cloud import tasks_v2 as google  # noqa: PLC0415

    monkeypatch.setenv(VARIABLE, grpc_server.address)
    patch = tidegate.patch_google_cloud_tasks()
    told(script)
    async with google.CloudTasksAsyncClient() as client:
        assert (await client.get_task(name=NAME)).name == NAME
    with pytest.raises(ValueError, match="does not accept an option 'foo'"):
        google.CloudTasksClient(client_options={"foo": 1})
    patch.undo()
    patch.undo()
    with pytest.raises(Exception, match="default credentials"):
        google.CloudTasksClient()
