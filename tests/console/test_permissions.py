"""The policy of a queue, changed on its page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.cli.serving import served
from tests.console.test_login import post

QUEUE = "projects/demo/locations/here/queues/mail"
PAGE = f"{QUEUE}/permissions"
ANA, BOB = "user:ana@example.com", "serviceAccount:bob@demo.iam.gserviceaccount.com"
VIEWER = "roles/cloudtasks.viewer"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("policies")
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, directory=directory) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as client:
        yield client
    httpx.post(f"http://{address}/v2/{QUEUE}:setIamPolicy", json={"policy": {}}).raise_for_status()


def bindings(address: str) -> Any:
    return httpx.post(f"http://{address}/v2/{QUEUE}:getIamPolicy", json={}).json().get("bindings", [])


def change(client: httpx.Client, **fields: str) -> httpx.Response:
    page = client.get(PAGE).text
    return post(client, PAGE, PAGE, **{"etag": page.partition('name="etag" value="')[2].partition('"')[0]} | fields)


def test_roles_are_given_and_taken_away(client: httpx.Client, address: str) -> None:
    assert change(client, member=ANA, role=VIEWER).status_code == 303
    assert change(client, member=BOB, role=VIEWER).status_code == 303
    assert change(client, member=ANA, role="roles/cloudtasks.admin").status_code == 303
    assert change(client, member=ANA, role=VIEWER).status_code == 303  # has it
    assert {each["role"]: sorted(each["members"]) for each in bindings(address)} == {
        VIEWER: [BOB, ANA],
        "roles/cloudtasks.admin": [ANA],
    }
    page = client.get(PAGE).text
    assert f'value="{VIEWER} {BOB}"' in page
    assert change(client, remove=f"{VIEWER} {BOB}").status_code == 303
    assert change(client, remove=f"roles/cloudtasks.admin {ANA}").status_code == 303
    assert bindings(address) == [{"role": VIEWER, "members": [ANA]}]


@pytest.mark.parametrize(
    ("member", "role"),
    [("", VIEWER), (ANA, ""), ("ana", VIEWER), (ANA, "viewer"), ("<script>", VIEWER)],
)
def test_what_is_no_member_or_no_role_is_answered_with_the_reason(
    client: httpx.Client, address: str, member: str, role: str
) -> None:
    answer = change(client, member=member, role=role)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text.partition("<main")[2]
    assert bindings(address) == []


def test_what_another_has_changed_meanwhile_stays(client: httpx.Client, address: str) -> None:
    shown = client.get(PAGE).text.partition('name="etag" value="')[2].partition('"')[0]
    assert change(client, member=BOB, role=VIEWER).status_code == 303
    answer = change(client, member=ANA, role=VIEWER, etag=shown)
    assert answer.status_code == 400
    assert bindings(address) == [{"role": VIEWER, "members": [BOB]}]
