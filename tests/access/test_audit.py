"""The audit log: who did what, to which end; never a token or a body."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from tests.access.world import ADMIN, LOCATION, PROJECT, QUEUE, TASK, Guarded, status_of

from tidegate.api.audit import Entry
from tidegate.audit_log import entry_of, line_writer
from tidegate.core.access.permissions import EXPLAIN_ACCESS, METRICS_GET, SERVER_RESET
from tidegate.core.errors import Code
from tidegate.schema import v2
from tidegate.schema.operator import Operator
from tidegate.servers.reflection import reflection_mounts

V2 = v2.CloudTasks
ANN = "user:ann@example.com"
LIST = Operator.list_audit_entries
SECRET = "the-secret-of-a-task"


@pytest.fixture
async def server() -> Guarded:
    roles = {"projects/shop/roles/updater": frozenset({"cloudtasks.queues.update"})}
    server = await Guarded(audit_reads=False, roles=roles).start()
    server.token(ADMIN)
    server.token(ANN)
    return server


def told(entry: Entry) -> tuple[str, str, str, str, bool, int]:
    method = entry.method.rpartition(".")[2]
    return entry.log, method, entry.resource, entry.member, entry.granted, int(entry.code)


async def create_task(server: Guarded, token: str | None, task: str = TASK) -> int:
    target = {"url": "http://127.0.0.1:9/", "body": SECRET.encode(), "headers": {"x-secret": SECRET}}
    request = V2.create_task.request_pb(parent=QUEUE, task={"name": task, "http_request": target})
    return status_of(await server.grpc(V2.create_task, request, token))


async def audited(server: Guarded, token: str = ADMIN, **request: Any) -> Any:
    """The answer of ListAuditEntries over gRPC."""
    said = LIST.request_pb(**{"parent": "-", **request})
    answer = await server.grpc(LIST, said, token)
    assert status_of(answer) == 0, answer.text
    return LIST.response_pb.FromString(answer.payload)


async def test_a_change_a_policy_and_a_refusal_are_told_and_a_read_is_not(server: Guarded) -> None:
    assert status_of(await server.grpc(V2.pause_queue, V2.pause_queue.request_pb(name=QUEUE), ADMIN)) == 0
    binding = {"role": "roles/cloudtasks.enqueuer", "members": [ANN]}
    setting = V2.set_iam_policy.request_pb(resource=QUEUE, policy={"bindings": [binding]})
    assert status_of(await server.grpc(V2.set_iam_policy, setting, ADMIN)) == 0
    assert await create_task(server, ANN) == 0
    assert await create_task(server, ANN) == 6
    assert status_of(await server.grpc(V2.get_queue, V2.get_queue.request_pb(name=QUEUE), ADMIN)) == 0
    assert status_of(await server.grpc(V2.get_queue, V2.get_queue.request_pb(name=QUEUE), ANN)) == 7
    assert await create_task(server, "wrong") == 16
    assert await create_task(server, None) == 16
    assert [told(entry) for entry in server.entries] == [
        ("activity", "PauseQueue", QUEUE, ADMIN, True, 0),
        ("activity", "SetIamPolicy", QUEUE, ADMIN, True, 0),
        ("data_access", "CreateTask", QUEUE, ANN, True, 0),
        ("data_access", "CreateTask", QUEUE, ANN, True, 6),
        ("policy", "GetQueue", QUEUE, ANN, False, 7),
        ("policy", "CreateTask", QUEUE, "", False, 16),
        ("policy", "CreateTask", QUEUE, "", False, 16),
    ]
    assert {entry.address for entry in server.entries} == {"10.0.0.9"}


async def test_reads_are_told_where_that_is_wanted() -> None:
    server = await Guarded().start()
    assert status_of(await server.rest(V2.get_queue, V2.get_queue.request_pb(name=QUEUE), server.token(ADMIN))) == 0
    assert [told(entry) for entry in server.entries] == [("data_access", "GetQueue", QUEUE, ADMIN, True, 0)]


async def test_a_policy_of_a_project_and_a_key_are_told(server: Guarded) -> None:
    email = await server.account()
    policy = {"policy": {"bindings": [{"role": "roles/viewer", "members": [ANN]}]}}
    for path, body in (
        (f"/v1/{PROJECT}:setIamPolicy", policy),
        (f"/v1/{PROJECT}/serviceAccounts/{email}/keys", {}),
    ):
        assert (await server.http("POST", path, body, ADMIN)).http_status == 200
    said = [told(entry) for entry in server.entries]
    assert [(log, method, member) for log, method, _, member, *_ in said] == [
        ("activity", "SetProjectPolicy", ADMIN),
        ("activity", "CreateServiceAccountKey", ADMIN),
    ]


async def test_a_refusal_beside_the_rows_is_told_and_a_reset_too(server: Guarded) -> None:
    (reflection, *_) = reflection_mounts()
    assert status_of(await server.http("GET", "/metrics")) == 16
    assert status_of(await server.http("GET", "/metrics", token=ANN)) == 7
    assert status_of(await server.http("GET", "/metrics", token="wrong")) == 16
    assert status_of(await server.http("POST", reflection.path, headers={"content-type": "application/grpc"})) == 16
    assert (await server.http("GET", "/metrics", token=ADMIN)).http_status == 200  # a read
    assert status_of(await server.http("POST", "/emulator:reset", token=ANN)) == 7
    assert (await server.http("POST", "/emulator:reset", token=ADMIN)).http_status == 200
    assert [(each.log, each.method, each.member, each.permission, int(each.code)) for each in server.entries] == [
        ("policy", "/metrics", "", METRICS_GET, 16),
        ("policy", "/metrics", ANN, METRICS_GET, 7),
        ("policy", "/metrics", "", METRICS_GET, 16),
        ("policy", reflection.path, "", "", 16),
        ("policy", "/emulator:reset", ANN, SERVER_RESET, 7),
        ("activity", "/emulator:reset", ADMIN, SERVER_RESET, 0),
    ]
    assert {each.resource for each in server.entries} == {"server"}


async def test_a_refusal_names_the_permission_that_is_lacking(server: Guarded) -> None:
    """A call can need more than its row says, and some of it only its handler knows."""
    await server.allow(PROJECT, ("roles/cloudtasks.enqueuer", ANN), ("projects/shop/roles/updater", "user:bob@a.b"))
    token = {"service_account_email": "boss@shop.iam.gserviceaccount.com"}
    task = {"http_request": {"url": "http://127.0.0.1:9/", "oidc_token": token}}
    sent = V2.create_task.request_pb(parent=QUEUE, task=task)
    assert status_of(await server.grpc(V2.create_task, sent, ANN)) == 7
    sent = V2.update_queue.request_pb(queue={"name": f"{LOCATION}/queues/new"})
    assert status_of(await server.grpc(V2.update_queue, sent, server.token("user:bob@a.b"))) == 7
    query = f"permission=cloudtasks.tasks.get&resource={PROJECT}&member=user:boss@a.b"
    assert status_of(await server.http("GET", "/v1/server:explainAccess", token=ANN, query=query)) == 7
    assert [(each.log, each.permission, each.granted, int(each.code)) for each in server.entries] == [
        ("policy", "iam.serviceAccounts.actAs", False, 7),
        ("policy", "cloudtasks.queues.create", False, 7),
        ("policy", EXPLAIN_ACCESS, False, 7),
    ]


async def test_what_streams_is_told_once_where_reads_are_wanted() -> None:
    server = await Guarded().start()
    watch = Operator.watch_events
    answer = await server.grpc(watch, watch.request_pb(parent="-"), "wrong")
    assert status_of(answer) == 16
    export = Operator.export_state
    answer = await server.grpc(export, export.request_pb(parent="-"), server.token(ADMIN))
    assert status_of(answer) == 0
    assert [told(each)[:2] for each in server.entries] == [("policy", "WatchEvents"), ("data_access", "ExportState")]


async def test_neither_tokens_nor_bodies_nor_headers_are_told(server: Guarded) -> None:
    ann = "hidden-ann"
    server.tokens[sha256(ann.encode()).digest()] = next(iter(server.tokens.values()))
    assert await create_task(server, ann) == 0
    assert await create_task(server, "hidden-wrong") == 16
    path, body = f"/v2/{QUEUE}/tasks", {"task": {"httpRequest": {"url": "http://127.0.0.1:9/", "body": "aGlkZGVu"}}}
    for query in ("key=hidden-key", "access_token=hidden-query"):
        assert (await server.http("POST", path, body, query=query)).http_status == 401
    lines: list[bytes] = []
    put = line_writer(lines.append)
    for entry in server.entries:
        put(entry)
    assert len(lines) == 4
    said = b"".join(lines).decode() + str(await audited(server))
    for hidden in ("hidden", "aGlkZGVu", SECRET):
        assert hidden not in said


async def test_a_line_has_the_shape_of_cloud_audit_logs(server: Guarded) -> None:
    assert await create_task(server, ANN) == 7
    lines: list[bytes] = []
    line_writer(lines.append)(server.entries[0])
    (line,) = lines
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    denied = (
        'The principal (user or service account) lacks IAM permission "cloudtasks.tasks.create" for the resource '
        f'"{QUEUE}" (or the resource may not exist).'
    )
    assert msgspec.json.decode(line) == {
        "timestamp": "2026-06-01T12:00:00Z",
        "severity": "ERROR",
        "logName": f"{PROJECT}/logs/cloudaudit.googleapis.com%2Fpolicy",
        "resource": {
            "type": "cloud_tasks_queue",
            "labels": {"project_id": "shop", "location": "here", "queue_id": "mail"},
        },
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "cloudtasks.googleapis.com",
            "methodName": "google.cloud.tasks.v2.CloudTasks.CreateTask",
            "resourceName": QUEUE,
            "authenticationInfo": {"principalEmail": "ann@example.com", "principalSubject": ANN},
            "authorizationInfo": [{"permission": "cloudtasks.tasks.create", "granted": False, "resource": QUEUE}],
            "requestMetadata": {"callerIp": "10.0.0.9"},
            "status": {"code": 7, "message": denied},
        },
    }


async def test_a_name_with_line_breaks_makes_one_line(server: Guarded) -> None:
    lines: list[bytes] = []
    line_writer(lines.append)(msgspec.structs.replace(entry(server), resource='projects/x\n{"a": 1}', message="\r\n"))
    assert lines[0].count(b"\n") == 1


def entry(server: Guarded) -> Entry:
    return Entry(1, server.clock.now(), "policy", "m", QUEUE, "", "", False, "", Code.OK, "")


def test_who_is_no_email_is_a_subject_alone() -> None:
    server = Guarded()
    said = entry_of(msgspec.structs.replace(entry(server), member="principal://cluster/x"))
    assert said["protoPayload"]["authenticationInfo"] == {"principalSubject": "principal://cluster/x"}
    assert entry_of(entry(server))["protoPayload"]["authenticationInfo"] == {}


async def test_entries_are_listed_newest_first_by_pages_parent_and_filter(server: Guarded) -> None:
    for number in range(3):
        assert await create_task(server, ADMIN, f"{QUEUE}/tasks/t{number}") == 0
    assert await create_task(server, ANN) == 7
    page = await audited(server, page_size=2)
    assert [(each.member, each.granted, each.status.code) for each in page.entries] == [
        (ANN, False, 7),
        (ADMIN, True, 0),
    ]
    page = await audited(server, page_size=2, page_token=page.next_page_token)
    assert [each.member for each in page.entries] == [ADMIN, ADMIN]
    assert page.next_page_token == ""
    assert len((await audited(server, parent=LOCATION)).entries) == 4
    assert len((await audited(server, parent="projects/other")).entries) == 0
    assert [each.member for each in (await audited(server, filter="granted = false")).entries] == [ANN]


async def test_only_who_may_list_entries_sees_them(server: Guarded) -> None:
    await server.allow(QUEUE, ("roles/owner", ANN))
    for parent, token, expected in (("-", ANN, 7), (LOCATION, ANN, 7), ("-", None, 16), ("-", ADMIN, 0)):
        answer = await server.grpc(LIST, LIST.request_pb(parent=parent), token)
        assert status_of(answer) == expected
