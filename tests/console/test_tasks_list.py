"""The tasks of a queue on its page: by schedule time both ways, by state, by the beginning of an ID."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from socket import socket

import httpx
import pytest
from tests.cli.serving import served
from tests.endtoend.waiting import eventually

SHOP = "projects/demo/locations/here/queues"
QUEUE, MANY, BUSY = f"{SHOP}/mail", f"{SHOP}/many", f"{SHOP}/busy"
HOURS = {"c": 5, "a": 2, "d": 9, "b": 7}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    queues = [flag for queue in (QUEUE, MANY, BUSY) for flag in ("--queue", queue)]
    directory = tmp_path_factory.mktemp("tasks")
    with served("--store", "sqlite://:memory:", *queues, directory=directory) as address, socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes connections and says nothing
        for queue in (QUEUE, MANY):
            httpx.post(f"http://{address}/v2/{queue}:pause").raise_for_status()
        now = datetime.now(UTC)
        for name, hours in HOURS.items():
            create(address, QUEUE, f"later-{name}", (now + timedelta(hours=hours)).isoformat())
        for number in range(60):
            create(address, MANY, f"due-{number:02}")
        create(address, MANY, "later", (now + timedelta(hours=1)).isoformat())
        for number in range(2):
            create(address, BUSY, f"hangs-{number}", url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        create(address, BUSY, "waits", (now + timedelta(hours=1)).isoformat())
        yield address


def create(address: str, queue: str, name: str, when: str | None = None, url: str = "http://127.0.0.1:9/") -> None:
    task = {"name": f"{queue}/tasks/{name}", "httpRequest": {"url": url}}
    task |= {} if when is None else {"scheduleTime": when}
    httpx.post(f"http://{address}/v2/{queue}/tasks", json={"task": task}).raise_for_status()


def page(address: str, path: str) -> str:
    answer = httpx.get(f"http://{address}/console/{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text


def ids(text: str) -> list[str]:
    return re.findall(r'<tr id="task-([^"]+)"', text)


def following(text: str, name: str = "next") -> str:
    found = re.search(rf'href="([^"]+)" rel="{name}"', text)
    assert found is not None
    return f"{SHOP}/{unescape(found[1])}"


def test_the_next_ones_come_first_or_the_latest(address: str) -> None:
    text = page(address, QUEUE)
    assert ids(text) == ["later-a", "later-c", "later-b", "later-d"]
    assert 'aria-sort="ascending"><a href="mail?sort=latest">Schedule time' in text
    text = page(address, f"{QUEUE}?sort=latest")
    assert ids(text) == ["later-d", "later-b", "later-c", "later-a"]
    assert 'aria-sort="descending"><a href="mail">Schedule time' in text


def test_a_state_has_its_tasks_by_pages_that_lead_on_and_back(address: str) -> None:
    first = page(address, f"{MANY}?state=due")
    second = page(address, following(first))
    assert sorted(ids(first) + ids(second)) == [f"due-{number:02}" for number in range(60)]
    assert 'rel="next"' not in second
    assert ids(page(address, following(second, "prev"))) == ids(first)
    assert ids(page(address, f"{MANY}?state=scheduled")) == ["later"]
    assert ids(page(address, f"{MANY}?state=retrying")) == []


def test_the_beginning_of_an_id_is_looked_up_by_id(address: str) -> None:
    text = page(address, f"{MANY}?q=due-1")
    assert ids(text) == [f"due-1{digit}" for digit in range(10)]
    assert '<span class="end">by ID</span>' in text
    assert ids(page(address, f"{MANY}?q=ue-1")) == []


def test_what_the_last_answer_was_is_found(address: str) -> None:
    assert ids(page(address, f"{MANY}?q=status:503")) == []
    with httpx.Client(base_url=f"http://{address}/v2/", timeout=60) as client:
        client.post(f"{MANY}/tasks/due-07:run").raise_for_status()  # nobody listens there
        eventually("the attempt has ended", lambda: "lastAttempt" in client.get(f"{MANY}/tasks/due-07").json())
    assert ids(page(address, f"{MANY}?q=attempts:1")) == ["due-07"]
    assert ids(page(address, f"{MANY}?q=url:127.0.0.1+due-07")) == ["due-07"]


def test_those_in_flight_are_found(address: str) -> None:
    def shown() -> list[str]:
        return sorted(ids(page(address, f"{BUSY}?state=in-flight")))

    eventually("both attempts are under way", lambda: shown() == ["hangs-0", "hangs-1"])
    assert ids(page(address, f"{QUEUE}?state=in-flight")) == []


@pytest.mark.parametrize("query", ["state=nothing&sort=nothing", "at=nonsense&way=,,-,", "at=9999-99-99", "q=%22%22"])
def test_strange_addresses_lead_to_a_page(address: str, query: str) -> None:
    page(address, f"{QUEUE}?{query}")
