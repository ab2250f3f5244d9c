"""What tokens of tasks may name, what policies may say, and when a server does not start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.access.world import ADMIN, LOCATION, NOON, OWN_URL, PROJECT, QUEUE, Guarded, HandClock, status_of
from tests.cli.running import run

from tidegate.access_control import NO_ADMIN, PLAIN_TEXT, AccessControl, read_policy
from tidegate.core.access import Principal
from tidegate.core.access.resources import lineage, project_of, queue_of
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.policy import Binding, Policy
from tidegate.operator_errors import OperatorError
from tidegate.schema import v2
from tidegate.servers.address import Address
from tidegate.servers.authentication.tokens_file import read_tokens
from tidegate.settings import Settings, load
from tidegate.storage.sqlite import MemoryStore

ANN = "user:ann@example.com"
EMAIL = "mailer@shop.iam.gserviceaccount.com"
ACCOUNT = f"{PROJECT}/serviceAccounts/{EMAIL}"
CREATE = v2.CloudTasks.create_task
TOKENS = ["oidc_token", "oauth_token"]


def task(email: str, kind: str = "oidc_token") -> dict[str, Any]:
    return {"http_request": {"url": "https://x.googleapis.com/", kind: {"service_account_email": email}}}


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("resource", ["server", PROJECT, ACCOUNT])
async def test_a_task_with_an_account_s_token_needs_act_as_on_the_account(resource: str, kind: str) -> None:
    server = await Guarded().start()
    await server.account()
    ann = server.token(ANN)
    await server.allow(QUEUE, ("roles/cloudtasks.admin", ann))
    request = CREATE.request.pb(CREATE.request(parent=QUEUE, task=task(EMAIL, kind)))
    answer = await server.grpc(CREATE, request, ann)
    assert answer.status == 7
    assert f'"iam.serviceAccounts.actAs" for the resource "{EMAIL}"' in answer.text
    await server.allow(resource, ("roles/iam.serviceAccountUser", ann))
    assert status_of(await server.grpc(CREATE, request, ann)) == 0


async def test_act_as_on_another_project_s_account_is_not_given_by_one_s_own_project() -> None:
    server = await Guarded().start()
    ann = server.token(ANN)
    await server.allow(PROJECT, ("roles/owner", ann))
    for email in ("mailer@other.iam.gserviceaccount.com", "other@appspot.gserviceaccount.com", "ann@example.com"):
        request = CREATE.request.pb(CREATE.request(parent=QUEUE, task=task(email)))
        assert status_of(await server.grpc(CREATE, request, ann)) == 7


async def test_only_accounts_made_here_may_be_named_where_that_is_wanted() -> None:
    server = await Guarded(known_accounts=True).start()
    admin = server.token(ADMIN)
    request = CREATE.request.pb(CREATE.request(parent=QUEUE, task=task(EMAIL)))
    assert status_of(await server.grpc(CREATE, request, admin)) == 5
    await server.account()
    assert status_of(await server.grpc(CREATE, request, admin)) == 0


async def test_an_update_that_leaves_a_queue_s_account_alone_needs_no_act_as() -> None:
    server = await Guarded().start()
    admin, ann = server.token(ADMIN), server.token(ANN)
    await server.allow(PROJECT, ("roles/cloudtasks.queueAdmin", ann))
    update = v2.CloudTasks.update_queue
    target = {"oidc_token": {"service_account_email": EMAIL}}
    setting = update.request.pb(update.request(queue={"name": QUEUE, "http_target": target}))
    assert status_of(await server.grpc(update, setting, ann)) == 7
    assert status_of(await server.grpc(update, setting, admin)) == 0
    assert status_of(await server.grpc(update, setting, ann)) == 0


async def test_an_update_that_creates_a_queue_needs_to_be_allowed_to_create() -> None:
    server = await Guarded(roles={"projects/shop/roles/r": frozenset({"cloudtasks.queues.update"})}).start()
    ann = server.token(ANN)
    await server.allow(PROJECT, ("projects/shop/roles/r", ann))
    update = v2.CloudTasks.update_queue
    for name, expected in ((QUEUE, 0), (f"{LOCATION}/queues/new", 7)):
        request = update.request.pb(update.request(queue={"name": name}))
        assert status_of(await server.grpc(update, request, ann)) == expected


async def test_tested_permissions_are_those_that_calls_then_have() -> None:
    server = await Guarded().start()
    ann = server.token(ANN)
    await server.allow(QUEUE, ("roles/cloudtasks.enqueuer", ann))
    row = v2.CloudTasks.test_iam_permissions
    asked = ["cloudtasks.tasks.list", "cloudtasks.tasks.create", "cloudtasks.queues.get"]
    request = row.request_pb(resource=QUEUE, permissions=asked)
    for token, expected in ((ann, ["cloudtasks.tasks.create"]), (None, [])):
        answer = await server.grpc(row, request, token)
        assert list(row.response_pb.FromString(answer.payload).permissions) == expected


async def test_a_queue_made_anew_has_none_of_the_old_one_s_policy() -> None:
    server = await Guarded().start()
    ann = server.token(ANN)
    await server.allow(QUEUE, ("roles/viewer", ann))
    request = v2.CloudTasks.get_queue.request_pb(name=QUEUE)
    assert status_of(await server.grpc(v2.CloudTasks.get_queue, request, ann)) == 0
    await server.engine.queues.delete(QueueName(QUEUE))
    assert status_of(await server.grpc(v2.CloudTasks.get_queue, request, ann)) == 7


async def test_a_role_for_a_time_ends_with_it() -> None:
    server = await Guarded().start()
    ann = server.token(ANN)
    until = (NOON + timedelta(hours=1)).isoformat()
    binding = Binding("roles/viewer", (ann,), conditional=True, expression=f'request.time < timestamp("{until}")')
    await server.engine.policies.set_at(PROJECT, Policy(3, (binding,)))
    request = v2.CloudTasks.get_queue.request_pb(name=QUEUE)
    assert status_of(await server.grpc(v2.CloudTasks.get_queue, request, ann)) == 0
    server.clock.advance(hours=1)
    assert status_of(await server.grpc(v2.CloudTasks.get_queue, request, ann)) == 7


@pytest.mark.parametrize("expression", ["", "true", "resource.name == 'x'", 'request.time < timestamp("soon")'])
async def test_other_conditions_are_refused(expression: str) -> None:
    server = await Guarded().start()
    binding = Binding("roles/viewer", (ANN,), conditional=True, expression=expression)
    with pytest.raises(InvalidArgument):
        await server.engine.policies.set_at(PROJECT, Policy(3, (binding,)))


async def test_what_another_node_changed_is_seen_when_the_store_is_read_again() -> None:
    server = await Guarded().start()
    ann = Principal(ANN)
    other = await Guarded().start()
    other.access._store = server.store
    await server.allow(PROJECT, ("roles/viewer", ANN))
    assert not other.access.allows(ann, "cloudtasks.queues.get", QUEUE)
    await other.access.load()
    assert other.access.allows(ann, "cloudtasks.queues.get", QUEUE)


def test_a_name_belongs_to_its_queue_project_or_the_server() -> None:
    assert queue_of(f"{QUEUE}/tasks/t/attempts/1") == QUEUE
    assert queue_of(f"{LOCATION}/operations/o") == PROJECT
    assert queue_of("-") == "server"
    assert lineage(QUEUE) == (QUEUE, PROJECT, "server")
    assert project_of("a@shop.example.com.iam.gserviceaccount.com") == "example.com:shop"


def settings(**said: str) -> Settings:
    return load({"access": "on", "store": "sqlite://:memory:", **said}).settings


def control(**said: str) -> AccessControl:
    values = settings(**said)
    address = Address(values.host, "127.0.0.1", 8123)
    return AccessControl(values, address, MemoryStore(), HandClock(), own_issuer=OWN_URL)


async def test_a_server_that_nobody_could_administer_does_not_start() -> None:
    with pytest.raises(OperatorError) as refused:
        await control().start()
    assert refused.value.message == NO_ADMIN


async def test_a_server_does_not_take_tokens_in_plain_text_from_elsewhere() -> None:
    with pytest.raises(OperatorError) as refused:
        control(host="0.0.0.0", admin=ANN)
    assert refused.value.message == PLAIN_TEXT
    control(host="0.0.0.0", admin=ANN, plain_text_tokens="on")


async def test_a_server_does_not_trust_itself_as_an_issuer() -> None:
    with pytest.raises(OperatorError, match="is this server itself"):
        control(admin=ANN, issuer=f"me={OWN_URL}")


@pytest.mark.parametrize("name", ["admin", "tokens", "audit_log", "policy"])
def test_a_setting_of_access_without_access_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match=f"{name} needs access"):
        load({name: ANN})


@pytest.mark.parametrize(
    "line",
    [
        "x",
        f"{ANN} sha256:12",
        f"allUsers sha256:{'0' * 64}",
        f"domain:x sha256:{'0' * 64}",
        f"{ANN} sha256:{'0' * 64} until=soon",
    ],
)
def test_a_wrong_line_of_tokens_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text(f"# ours\n{line}\n")
    with pytest.raises(OperatorError, match="line 2"):
        read_tokens(file)


def test_a_token_that_the_command_makes_is_one_that_the_server_reads(tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    done = run("iam", "tokens", "create", ANN, "--file", str(file), "--until", "2027-01-31", "--note", "laptop")
    assert (done.exit_code, done.stderr) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.stdout.strip() not in file.read_text()
    (token,) = read_tokens(file).values()
    assert token.principal.member == ANN


@pytest.mark.parametrize(
    "text",
    ["[]", "bindings: 7", "bindings: [{role: x, members: [user:a]}]", "bindings: [{role: roles/x, members: [a]}]", "{"],
)
def test_a_policy_file_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(OperatorError) as refused:
        read_policy(str(file))
    assert "\n" not in refused.value.message
