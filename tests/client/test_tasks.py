"""Tasks made in one line are the tasks one would write out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidegate
from tidegate import tasks_v2, tasks_v2beta2, tasks_v2beta3

QUEUE = "projects/p/locations/l/queues/q"
ID = re.compile("[A-Za-z0-9_-]{1,500}")  # what Cloud Tasks allows
URL = "https://example.com/send"


@dataclass
class Letter:
    to: str
    at: datetime
    key: UUID


def test_a_body_in_json_has_its_content_type() -> None:
    made = tasks_v2.Task(tidegate.http_task(URL, json={"to": "you", "ä": [1, None]}))
    assert made.http_request.url == URL
    assert made.http_request.body == '{"to":"you","ä":[1,null]}'.encode()
    assert dict(made.http_request.headers) == {"Content-Type": "application/json"}
    assert tidegate.http_task(URL, json=None)["http_request"]["body"] == b"null"


def test_json_takes_what_programs_have() -> None:
    letter = Letter("you", datetime(2031, 1, 2, tzinfo=UTC), UUID(int=7))
    assert tidegate.http_task(URL, json=letter)["http_request"]["body"] == (
        b'{"to":"you","at":"2031-01-02T00:00:00Z","key":"00000000-0000-0000-0000-000000000007"}'
    )


def test_a_content_type_of_ones_own_stays() -> None:
    headers = {"content-type": "application/cloudevents+json"}
    assert tidegate.http_task(URL, json={}, headers=headers)["http_request"]["headers"] == headers
    assert headers == {"content-type": "application/cloudevents+json"}


def test_a_delay_is_counted_from_now() -> None:
    before = datetime.now(UTC)
    times = [tidegate.http_task(URL, delay=delay)["schedule_time"] for delay in (90, 90.0, timedelta(seconds=90))]
    after = datetime.now(UTC)
    assert all(before <= time - timedelta(seconds=90) <= after for time in times)


def test_everything_else_goes_where_it_belongs() -> None:
    moment = datetime(2031, 1, 2, tzinfo=UTC)
    options: dict[str, Any] = {"body": "grüße", "method": "PUT", "headers": {"X-A": "b"}, "at": moment}
    made = tasks_v2.Task(
        tidegate.http_task(
            URL, **options, name=f"{QUEUE}/tasks/t", deadline=60, service_account="me@p.example", audience="them"
        )
    )
    assert made == tasks_v2.Task(
        name=f"{QUEUE}/tasks/t",
        schedule_time=moment,
        dispatch_deadline=timedelta(seconds=60),
        http_request=tasks_v2.HttpRequest(
            url=URL,
            http_method=tasks_v2.HttpMethod.PUT,
            headers={"X-A": "b"},
            body="grüße".encode(),
            oidc_token=tasks_v2.OidcToken(service_account_email="me@p.example", audience="them"),
        ),
    )


def test_pull_tasks_too() -> None:
    made = tasks_v2beta2.Task(tidegate.pull_task(json=[1], tag="letters", name="t"))
    assert made == tasks_v2beta2.Task(name="t", pull_message={"payload": b"[1]", "tag": "letters"})
    assert tidegate.pull_task(payload="x") == {"pull_message": {"payload": b"x"}}


@pytest.mark.parametrize("face", [tasks_v2, tasks_v2beta2, tasks_v2beta3])
def test_every_version_takes_them(face: Any) -> None:
    assert face.Task(tidegate.http_task(URL, json=1, delay=5)).http_request.url == URL


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"json": 1, "body": b""}, "one body"),
        ({"delay": 1, "at": datetime(2031, 1, 1, tzinfo=UTC)}, "not both"),
        ({"audience": "a"}, "service_account"),
    ],
)
def test_what_contradicts_itself_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        tidegate.http_task(URL, **wrong)
    with pytest.raises(ValueError, match="one payload"):
        tidegate.pull_task(json=1, payload=b"")


keys = st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=4)


@given(keys, keys)
def test_the_same_key_makes_the_same_name_and_another_key_another(one: list[Any], other: list[Any]) -> None:
    name = tidegate.task_name(QUEUE, *one)
    assert name == tidegate.task_name(QUEUE, *one)
    assert ID.fullmatch(name.removeprefix(f"{QUEUE}/tasks/"))
    if list(map(str, one)) != list(map(str, other)):
        assert name != tidegate.task_name(QUEUE, *other)


def test_a_name_needs_a_key_and_a_queue_and_stays_what_it_was() -> None:
    with pytest.raises(ValueError, match="key"):
        tidegate.task_name(QUEUE)
    for queue in ("bad", "projects/p/locations/l", f"{QUEUE}/tasks/t", f"/{QUEUE}", ""):
        with pytest.raises(ValueError, match="projects/P/locations/L/queues/Q, not '"):
            tidegate.task_name(queue, "invoice")
    assert tidegate.task_name(QUEUE, "invoice", 17) == f"{QUEUE}/tasks/a4156857e80bc0d2548e030ff1c818a3"
