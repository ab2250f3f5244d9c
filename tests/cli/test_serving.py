"""``tidegate serve`` as a process: the settings reach the server, and what cannot be is one line."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.cloud.tasks_v2 import CloudTasksClient, Queue, RateLimits, RetryConfig
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from tests.cli.serving import MAIL_AND_WORK, refused, served
from tests.endtoend.waiting import eventually

from tidegate.schema import v2beta2

PARENT = "projects/demo/locations/here"

SETTINGS_FILE = f"""
store = "sqlite:///tasks.db"

[[queue]]
name = "{PARENT}/queues/mail"
max_dispatches_per_second = 10
max_concurrent_dispatches = 3
max_attempts = 5
min_backoff = "250ms"
"""


@contextmanager
def client(address: str) -> Iterator[CloudTasksClient]:
    with grpc.insecure_channel(address) as channel:
        yield CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


def queue(address: str, name: str) -> Queue:
    with client(address) as tasks:
        return tasks.get_queue(name=f"{PARENT}/queues/{name}")


def test_queues_of_the_settings_are_there_with_their_limits(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text(SETTINGS_FILE)
    with served(directory=tmp_path) as address:
        mail = queue(address, "mail")
    assert mail.rate_limits.max_dispatches_per_second == 10
    assert mail.rate_limits.max_concurrent_dispatches == 3
    assert mail.retry_config.max_attempts == 5
    assert mail.retry_config.min_backoff == timedelta(milliseconds=250)
    assert mail.retry_config.max_backoff == timedelta(hours=1)


def test_a_start_applies_what_the_settings_say_and_leaves_the_rest(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text(SETTINGS_FILE)
    with served(directory=tmp_path) as address, client(address) as tasks:
        retry = RetryConfig(max_attempts=7, max_doublings=2)
        tasks.update_queue(queue=Queue(name=f"{PARENT}/queues/mail", retry_config=retry))
    with served(directory=tmp_path) as address:
        retry = queue(address, "mail").retry_config
    assert (retry.max_attempts, retry.max_doublings) == (5, 2)


def test_variables_reach_the_server(tmp_path: Path) -> None:
    variables = {"TIDEGATE_STORE": "sqlite://:memory:", "TIDEGATE_QUEUE": f"{PARENT}/queues/a,{PARENT}/queues/b"}
    with served(directory=tmp_path, variables=variables) as address:
        assert queue(address, "b").name == f"{PARENT}/queues/b"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [
        (["--host", "0.0.0.0"], True),
        (["--host", "0.0.0.0", "--oidc-issuer", "http://tidegate:8123"], False),
        (["--host", "127.0.0.1"], False),
    ],
)
def test_whoever_listens_everywhere_is_told_that_handlers_cannot_fetch_keys_from_there(
    tmp_path: Path, arguments: list[str], warned: bool
) -> None:
    log = tmp_path / "log"
    memory = ("--store", "sqlite://:memory:")
    with log.open("w") as stderr, served(*arguments, *memory, directory=tmp_path, stderr=stderr):
        pass
    assert ("--oidc-issuer" in log.read_text()) is warned


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_whoever_listens_beyond_this_machine_without_tls_is_warned_in_one_line(
    tmp_path: Path, host: str, warned: bool
) -> None:
    log = tmp_path / "log"
    quiet = ("--store", "sqlite://:memory:", "--oidc-issuer", "http://tidegate:8123")
    with log.open("w") as stderr, served("--host", host, *quiet, directory=tmp_path, stderr=stderr):
        pass
    lines = [line for line in log.read_text().splitlines() if "WARNING" in line]
    assert [
        f"listening on {host} without TLS: whoever reaches the port can use every queue" in line for line in lines
    ] == ([True] if warned else [])


def test_a_store_that_is_in_use_is_refused_in_one_line(tmp_path: Path) -> None:
    with served(directory=tmp_path):
        says = refused(directory=tmp_path)
    assert says == "the store tidegate.db is in use by another process; stop it or name another --store\n"


def test_a_store_that_cannot_be_opened_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_text("this is no database " * 100)
    assert refused("--store", "sqlite:///bad.db", directory=tmp_path) == (
        "cannot open the store bad.db: file is not a database; check that file or name another --store\n"
    )
    assert refused("--store", "sqlite:///missing/a.db", directory=tmp_path) == (
        "cannot open the store missing/a.db: No such file or directory; make the directory missing or name another"
        " --store\n"
    )


def test_signing_keys_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    keys = tmp_path / "tidegate.db-keys.json"
    cure = "put back a copy of the signing keys, or move it away to have new ones\n"
    keys.mkdir()
    assert refused(directory=tmp_path) == f"cannot read {keys.name}: Is a directory; {cure}"
    keys.rmdir()
    keys.write_text("{}")
    keys.chmod(0o600)
    assert refused(directory=tmp_path) == f"{keys.name}: no ring of signing keys: KeyError; {cure}"


QUEUES = f"""
application: demo
{MAIL_AND_WORK}"""
HERE = ("--queues", "queue.yaml", "--location", "here", "--store", "sqlite:///tasks.db")


def test_a_queue_yaml_is_applied_at_a_start(tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text(QUEUES)
    with served(*HERE, directory=tmp_path) as address, client(address) as tasks:
        assert [(each.name, each.state) for each in tasks.list_queues(parent=PARENT)] == [
            (f"{PARENT}/queues/mail", Queue.State.RUNNING)
        ]
        assert queue(address, "mail").rate_limits.max_dispatches_per_second == 5
    (tmp_path / "queue.yaml").write_text("queue: [{name: other, rate: 1/m}]")
    beside = ("--queue", f"{PARENT}/queues/beside")
    for _ in range(2):
        with served(*HERE, *beside, "--project", "demo", directory=tmp_path) as address, client(address) as tasks:
            states = {each.name.rsplit("/", 1)[1]: each.state.name for each in tasks.list_queues(parent=PARENT)}
        assert states == {"beside": "RUNNING", "mail": "DISABLED", "other": "RUNNING"}


def queue_states(tasks: CloudTasksClient) -> dict[str, str]:
    return {each.name.rsplit("/", 1)[1]: each.state.name for each in tasks.list_queues(parent=PARENT)}


def test_a_queue_yaml_that_was_applied_before_undoes_nothing_at_a_start(tmp_path: Path) -> None:
    file, log = tmp_path / "queue.yaml", tmp_path / "log"
    file.write_text(QUEUES)
    with log.open("w") as stderr, served(*HERE, directory=tmp_path, stderr=stderr) as address, client(address) as tasks:
        tasks.create_queue(parent=PARENT, queue=Queue(name=f"{PARENT}/queues/own"))
        limits = RateLimits(max_dispatches_per_second=3)
        tasks.update_queue(queue=Queue(name=f"{PARENT}/queues/mail", rate_limits=limits))
        tasks.pause_queue(name=f"{PARENT}/queues/mail")
    assert f"applied queue.yaml to {PARENT}; set: mail, work\n" in log.read_text()

    file.write_text("# as before\n" + QUEUES.replace("rate: 5/s", 'rate:   "5/s"'))
    with log.open("w") as stderr, served(*HERE, directory=tmp_path, stderr=stderr) as address, client(address) as tasks:
        assert queue_states(tasks) == {"mail": "PAUSED", "own": "RUNNING"}
        assert queue(address, "mail").rate_limits.max_dispatches_per_second == 3
    assert (
        f"queue.yaml is what was last applied to {PARENT}: the queues are left as they are ('tidegate queues apply"
        " queue.yaml' applies it again)\n" in log.read_text()
    )

    file.write_text(QUEUES.replace("5/s", "6/s"))
    with log.open("w") as stderr, served(*HERE, directory=tmp_path, stderr=stderr) as address, client(address) as tasks:
        assert queue_states(tasks) == {"mail": "RUNNING", "own": "DISABLED"}
        assert queue(address, "mail").rate_limits.max_dispatches_per_second == 6
    assert f"applied queue.yaml to {PARENT}; set: mail; disabled: own\n" in log.read_text()


def test_a_queue_yaml_that_was_uploaded_since_is_not_applied_again_at_a_start(tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text(QUEUES)
    changed = QUEUES.replace("5/s", "6/s")
    with served(*HERE, directory=tmp_path) as address, client(address) as tasks:
        httpx.post(f"http://{address}/api/queue/update?appId=demo", content=changed).raise_for_status()
        tasks.pause_queue(name=f"{PARENT}/queues/mail")
    (tmp_path / "queue.yaml").write_text(changed)
    with served(*HERE, directory=tmp_path) as address, client(address) as tasks:
        assert queue_states(tasks) == {"mail": "PAUSED"}


def test_a_queue_yaml_that_cannot_be_is_refused_in_one_line_that_names_file_and_rule(tmp_path: Path) -> None:
    assert refused(*HERE, directory=tmp_path) == (
        "cannot read queue.yaml: No such file or directory; check the path after --queues\n"
    )
    (tmp_path / "queue.yaml").write_text("queue: [{name: mail, rate: 5/s}]")
    says = refused(*HERE, directory=tmp_path)
    assert says == "queue.yaml names no application; say with --project whose its queues are\n"
    (tmp_path / "queue.yaml").write_text(QUEUES + "- name: slow\n  rate: 900/s\n")
    says = refused(*HERE, directory=tmp_path)
    assert says == "queue.yaml: Invalid queue configuration. rate of queue 'slow' must be at most 500/s, line 9.\n"
    (tmp_path / "queue.yaml").write_text("queue:\n- [\n")
    assert refused(*HERE, directory=tmp_path).count("\n") == 1


def test_a_token_source_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    source = ("--store", "sqlite://:memory:", "--token-source", "key.json")
    says = refused(*source, directory=tmp_path)
    assert says == "cannot read the token source key.json: No such file or directory\n"
    (tmp_path / "key.json").write_text("{}")
    says = refused(*source, directory=tmp_path)
    assert says.startswith("key.json is not the key file of a service account")
    assert says.count("\n") == 1


def test_id_tokens_of_a_source_need_one(tmp_path: Path) -> None:
    says = refused("--store", "sqlite://:memory:", "--id-tokens", "source", directory=tmp_path)
    assert says == "--id-tokens source needs a source: name one with --token-source\n"


def test_uploads_of_a_queue_yaml_go_to_the_location_of_the_settings(tmp_path: Path) -> None:
    row = v2beta2.CloudTasks.upload_queue_yaml
    request = row.request_pb(app_id="s~demo", http_body={"data": QUEUES.encode()})
    with served("--store", "sqlite://:memory:", "--location", "here", directory=tmp_path) as address:
        with grpc.insecure_channel(address) as channel:
            upload: Any = channel.unary_unary(
                row.grpc_path, lambda message: message.SerializeToString(), row.response_pb.FromString
            )
            upload(request, timeout=30)
        assert queue(address, "mail").rate_limits.max_burst_size == 5


def test_why_an_attempt_brought_no_answer_is_in_the_log(tmp_path: Path) -> None:
    log, closed = tmp_path / "log", socket.socket()
    closed.bind(("127.0.0.1", 0))  # and does not listen
    url = f"http://127.0.0.1:{closed.getsockname()[1]}/work?key=secret"
    memory = ("--store", "sqlite://:memory:", "--queue", f"{PARENT}/queues/mail")
    with closed, log.open("w") as stderr, served(*memory, directory=tmp_path, stderr=stderr) as address:
        body = {"task": {"httpRequest": {"url": url, "body": "c2VjcmV0"}}}
        http = httpx.Client(base_url=f"http://{address}/v2/{PARENT}/queues/mail")
        with http:
            name = http.post("/tasks", json=body).raise_for_status().json()["name"].rpartition("/")[2]
            eventually("two attempts", lambda: http.get(f"/tasks/{name}").json().get("dispatchCount", 0) > 1)
    said = [line for line in log.read_text().splitlines() if "failed" in line]
    assert len(said) == 1
    host = url.split("/")[2]
    assert f"an attempt to {host} of a task in {PARENT}/queues/mail failed: connection refused" in said[0]
    assert "secret" not in log.read_text()
