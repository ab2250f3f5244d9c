"""What a queue keeps, changed on its page: only what was changed, so that the rest goes on following the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.cli.serving import served
from tests.console.test_login import post

QUEUE = "projects/demo/locations/here/queues/mail"
FIELDS = {
    "dead_letters.keep_for": "7 d",
    "dead_letters.max_tasks": "10000",
    "dead_letters.max_bytes": "64",
    "attempts.keep": "FAILED",
    "attempts.per_task": "20",
    "attempts.keep_for": "1 d",
    "attempts.bodies": "yes",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("options")
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, directory=directory) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as client:
        yield client
        assert post(client, f"{QUEUE}/configuration", f"{QUEUE}/options", do="follow").status_code == 303


def options(address: str) -> Any:
    return httpx.get(f"http://{address}/operator/v1/{QUEUE}/options").json()


def save(client: httpx.Client, **fields: str) -> httpx.Response:
    return post(client, f"{QUEUE}/configuration", f"{QUEUE}/options", do="keep", **fields)


def test_the_page_shows_what_is_in_force(client: httpx.Client) -> None:
    page = client.get(f"{QUEUE}/configuration").text
    assert 'name="dead_letters.keep_for" value="7 d"' in page
    assert 'name="dead_letters.max_bytes" value="64"' in page
    assert '<option value="FAILED" selected>' in page
    assert 'name="attempts.bodies" value="yes" checked' in page


def test_what_was_changed_is_saved_and_can_be_given_back(client: httpx.Client, address: str) -> None:
    changed = {"dead_letters.keep_for": "36 h", "dead_letters.max_bytes": "0.5", "attempts.keep": "ALL"}
    assert save(client, **FIELDS | changed).status_code == 303
    found = options(address)
    assert found["deadLetters"] == {"keepFor": "129600s", "maxTasks": 10000, "maxBytes": "524288"}
    assert found["attempts"]["keep"] == "ALL"
    assert post(client, f"{QUEUE}/configuration", f"{QUEUE}/options", do="follow").status_code == 303
    assert options(address)["deadLetters"]["keepFor"] == "604800s"


def test_nothing_is_kept_of_responses_where_the_box_is_empty(client: httpx.Client, address: str) -> None:
    assert save(client, **{key: value for key, value in FIELDS.items() if key != "attempts.bodies"}).status_code == 303
    assert options(address)["attempts"].get("bodies", False) is False


def test_what_stays_as_it_is_sets_nothing(client: httpx.Client, address: str) -> None:
    before = options(address)
    assert save(client, **FIELDS).status_code == 303
    assert options(address) == before


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("dead_letters.keep_for", "soon", "is no time span"),
        ("dead_letters.keep_for", "9" * 400, "is longer than any"),
        ("dead_letters.keep_for", "400 d", "keepFor"),
        ("dead_letters.max_tasks", "many", "is no number"),
        ("dead_letters.max_tasks", "9" * 30, "is no number"),
        ("dead_letters.max_bytes", "1e999", "is no number"),
        ("dead_letters.max_bytes", "nan", "is no number"),
        ("attempts.keep", "SOME", "is none of"),
        ("attempts.per_task", "101", "perTask"),
    ],
)
def test_what_cannot_be_is_answered_with_the_reason(
    client: httpx.Client, address: str, field: str, value: str, said: str
) -> None:
    before = options(address)
    answer = save(client, **FIELDS | {field: value})
    assert answer.status_code == 400
    assert said in answer.text
    assert options(address) == before


def test_options_that_another_has_changed_meanwhile_stay(client: httpx.Client, address: str) -> None:
    answer = save(client, **FIELDS | {"attempts.per_task": "5", "etag": "of before"})
    assert answer.status_code == 400
    assert "changed meanwhile" in answer.text
    assert options(address)["attempts"]["perTask"] == 20
