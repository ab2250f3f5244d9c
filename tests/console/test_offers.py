"""Pages offer what the visitor may do, and the server refuses the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.cli.serving import served
from tests.console.test_login import line, post

SHOP = "projects/shop/locations/here"
QUEUE, OTHER = f"{SHOP}/queues/mail", "projects/other/locations/there/queues/far"
ADMIN = "user:ana@example.com"
VIEWER, EDITOR, RUNNER, ONE = (f"user:{name}@example.com" for name in ("viewer", "editor", "runner", "one"))
POLICY = "v1/projects/shop:setIamPolicy"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("offers")
    tokens = folder / "tokens"
    tokens.write_text("".join(line(member, member) for member in (ADMIN, VIEWER, EDITOR, RUNNER, ONE)))
    tokens.chmod(0o600)
    flags = ("--store", "sqlite://:memory:", "--queue", QUEUE, "--queue", OTHER, "--access", "--admin", ADMIN)
    with served(*flags, "--tokens", str(tokens), directory=folder) as address:
        admin = httpx.Client(base_url=f"http://{address}/", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=60)
        with admin:
            bindings = [
                {"role": "roles/viewer", "members": [VIEWER, RUNNER]},
                {"role": "roles/cloudtasks.admin", "members": [EDITOR]},
                {"role": "roles/cloudtasks.taskRunner", "members": [RUNNER]},
            ]
            admin.post(POLICY, json={"policy": {"bindings": bindings}}).raise_for_status()
            own = [{"role": "roles/cloudtasks.viewer", "members": [ONE]}]
            admin.post(f"v2/{OTHER}:setIamPolicy", json={"policy": {"bindings": own}}).raise_for_status()
            admin.post(f"v2/{QUEUE}:pause").raise_for_status()
            task = {"name": f"{QUEUE}/tasks/t", "httpRequest": {"url": "http://127.0.0.1:9/"}}
            admin.post(f"v2/{QUEUE}/tasks", json={"task": task}).raise_for_status()
        yield address


@contextmanager
def logged_in(address: str, member: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as client:
        assert post(client, "login", "login", credential=member).status_code == 303
        yield client


def offered(client: httpx.Client, path: str) -> set[str]:
    """The last words of the addresses of forms and of links to forms, without those of every page."""
    text = client.get(path).text.partition("<main")[2]
    actions = re.findall(r'<form method="(?:post|get)" action="([^"]+)"', text)
    links = [link for link in re.findall(r'href="([^"]+)"', text) if link.endswith(("create-task", "new", "apply"))]
    return {address.rpartition("/")[2] for address in (*actions, *links)}


def test_each_sees_the_buttons_of_their_roles(address: str) -> None:
    task = f"{QUEUE}/tasks/t"
    for member, of_the_queue, of_the_task, of_the_list in (
        (VIEWER, set(), set(), set()),
        (RUNNER, {"bulk"}, {"run"}, set()),
        (
            EDITOR,
            {"bulk", "resume", "purge", "delete", "create-task"},
            {"run", "delete", "replay"},
            {"resume", "new", "apply"},
        ),
        (
            ADMIN,
            {"bulk", "resume", "purge", "delete", "create-task"},
            {"run", "delete", "replay"},
            {"resume", "pause", "new", "apply"},
        ),
    ):
        with logged_in(address, member) as client:
            assert offered(client, QUEUE) == of_the_queue, member
            assert offered(client, task) == of_the_task, member
            assert offered(client, "queues") == of_the_list, member


def test_lists_have_what_one_may_see(address: str) -> None:
    for member, seen, hidden in ((VIEWER, QUEUE, OTHER), (ONE, OTHER, QUEUE)):
        with logged_in(address, member) as client:
            page = client.get("queues")
            assert page.status_code == 200
            assert seen in page.text
            assert hidden not in page.text
            assert client.get(seen).status_code == 200
            assert client.get(hidden).status_code == 403
            for path in ("failures", "operations"):
                assert client.get(path).status_code == 200, path


def test_ways_to_what_one_may_not_see_are_not_there(address: str) -> None:
    with logged_in(address, VIEWER) as client:
        page = client.get(QUEUE).text
        for name, there in (("Permissions", False), ("Logs", True), ("Audit", False), ("Server", False)):
            assert (f">{name}</a>" in page) is there, name
    with logged_in(address, ADMIN) as client:
        page = client.get(QUEUE).text
        for name in ("Permissions", "Logs", "Audit", "Server", "Activity"):
            assert f">{name}</a>" in page, name


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (f"{QUEUE}/resume", {}),
        (f"{QUEUE}/purge", {"typed": "mail"}),
        (f"{QUEUE}/delete", {"typed": "mail"}),
        (f"{QUEUE}/create-task", {"url": "http://127.0.0.1:9/"}),
        (f"{QUEUE}/configuration", {"do": "save", "retry_config.max_attempts": "3"}),
        (f"{QUEUE}/bulk", {"do": "delete", "filter": "name:*"}),
        (f"{QUEUE}/bulk", {"do": "run", "name": f"{QUEUE}/tasks/t"}),
        (f"{QUEUE}/dead-letters", {"do": "delete", "all": "yes"}),
        (f"{QUEUE}/dead-letters", {"do": "redrive", "all": "yes"}),
        (f"{QUEUE}/tasks/t/run", {}),
        (f"{QUEUE}/tasks/t/delete", {}),
        (f"{QUEUE}/tasks/t/replay", {}),
        ("queues/new", {"project": "shop", "location": "here", "queue": "x"}),
        ("queues/apply", {"project": "shop", "text": "queue:\n- name: x\n  rate: 1/s\n"}),
        ("server/drain", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_server_refuses_what_is_not_offered(address: str, path: str, fields: dict[str, str]) -> None:
    with logged_in(address, VIEWER) as client:
        answer = post(client, QUEUE, path, **fields)
    assert answer.status_code == 403, answer.text
    with logged_in(address, ADMIN) as client:
        assert "Paused" in client.get(QUEUE).text
        assert client.get(f"{QUEUE}/tasks/t").status_code == 200


@pytest.mark.parametrize("path", ["purge", "delete", "create-task", "bulk", "permissions"])
def test_a_page_that_is_nothing_but_a_form_is_refused(address: str, path: str) -> None:
    with logged_in(address, VIEWER) as client:
        answer = client.get(f"{QUEUE}/{path}")
    assert answer.status_code == 403
    assert "lacks IAM permission" in answer.text


def test_what_is_allowed_counts_from_the_next_page_on(address: str) -> None:
    admin = httpx.Client(base_url=f"http://{address}/", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=60)
    with admin, logged_in(address, ONE) as client:
        assert "pause" not in offered(client, OTHER)
        for role, there in (("roles/cloudtasks.admin", True), ("roles/cloudtasks.viewer", False)):
            bindings = [{"role": role, "members": [ONE]}]
            answer = admin.post(f"v2/{OTHER}:setIamPolicy", content=json.dumps({"policy": {"bindings": bindings}}))
            answer.raise_for_status()
            assert ("pause" in offered(client, OTHER)) is there
