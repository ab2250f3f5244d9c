"""What pages of other sites can do to a server on the user's machine, in a real browser: nothing, unless allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Page
from tests.browser.site import site
from tests.cli.serving import served

QUEUE = "projects/demo/locations/here/queues/mail"
TASKS = f"v2/{QUEUE}/tasks"
TASK = '{"task": {"httpRequest": {"url": "http://127.0.0.1:9/", "httpMethod": "DELETE"}}}'


class World(NamedTuple):
    """A server, and the ports of both."""

    gate: str
    other: int

    @property
    def port(self) -> str:
        return self.gate.rpartition(":")[2]

    @property
    def allowed(self) -> str:
        """The site whose pages may call the server."""
        return f"http://127.0.0.1:{self.other}"

    @property
    def others(self) -> list[str]:
        """The same pages as other sites: one of another port, one of another name."""
        return [f"http://localhost:{self.other}", f"http://evil.example:{self.other}"]

    def tasks(self) -> list[Any]:
        tasks: list[Any] = httpx.get(f"http://{self.gate}/{TASKS}").json().get("tasks", [])
        return tasks

    def state(self) -> str:
        state: str = httpx.get(f"http://{self.gate}/v2/{QUEUE}").json()["state"]
        return state


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with site() as other:
        allowed = ("--allow-origins", f"http://127.0.0.1:{other}", "--allow-hosts", "gate.example")
        memory = ("--store", "sqlite://:memory:", "--queue", QUEUE)
        with served(*memory, *allowed, directory=tmp_path_factory.mktemp("gate")) as gate:
            httpx.post(f"http://{gate}/v2/{QUEUE}:pause").raise_for_status()
            target = {"httpTarget": {"uriOverride": {"scheme": "HTTP", "host": "127.0.0.1", "port": "9"}}}
            httpx.patch(f"http://{gate}/v2/{QUEUE}?updateMask=httpTarget", json=target).raise_for_status()
            yield World(gate, other)


@pytest.fixture(params=[0, 1], ids=["another port", "another name"])
def stranger(request: pytest.FixtureRequest, world: World, page: Page) -> Page:
    """An open page of another site."""
    page.goto(f"{world.others[request.param]}/")
    return page


FETCH = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return [answer.type, answer.status, await answer.text()];
    } catch (error) {
        return [error.name, 0, ""];
    }
}"""


def fetch(page: Page, url: str, **options: Any) -> tuple[str, int, str]:
    """Type, status and text of what a script of the page gets; a TypeError when the browser shows it nothing."""
    kind, status, text = page.evaluate(FETCH, [url, options])
    return kind, status, text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_cannot_post_what_needs_no_leave(stranger: Page, world: World, host: str) -> None:
    url = f"http://{host}:{world.port}"
    simple = {"method": "POST", "mode": "no-cors", "headers": {"Content-Type": "text/plain"}}
    assert fetch(stranger, f"{url}/{TASKS}", body=TASK, **simple)[0] == "opaque"
    for path in (f"v2/{QUEUE}:resume", f"v2/{QUEUE}:purge", "emulator:reset"):
        assert fetch(stranger, f"{url}/{path}", body="{}", **simple)[0] == "opaque"
    assert (world.tasks(), world.state()) == ([], "PAUSED")


def test_a_page_is_given_no_leave_for_the_rest(stranger: Page, world: World) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        headers = {"Content-Type": "application/json"}
        answer = fetch(stranger, f"http://{world.gate}/v2/{QUEUE}", method=method, headers=headers)
        assert answer == ("TypeError", 0, "")
    assert world.state() == "PAUSED"


def test_a_page_cannot_read(stranger: Page, world: World) -> None:
    for path in (TASKS, "metrics", "$discovery/rest"):
        assert fetch(stranger, f"http://{world.gate}/{path}") == ("TypeError", 0, "")


def test_a_page_cannot_post_a_form(stranger: Page, world: World) -> None:
    form = """([url, text]) => {
        const form = document.createElement("form");
        Object.assign(form, {action: url, method: "POST", enctype: "text/plain"});
        const field = document.createElement("input");
        [field.name, field.value] = text.split("=");
        form.append(field);
        document.body.append(form);
        form.submit();
    }"""
    with stranger.expect_navigation() as navigation:
        stranger.evaluate(form, [f"http://{world.gate}/{TASKS}", TASK.replace("9/", "9/?a=b")])
    assert navigation.value.status == 403
    assert "--allow-origins" in stranger.inner_text("body")
    assert world.tasks() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "gate.example"])
def test_an_image_makes_no_task(stranger: Page, world: World, host: str) -> None:
    """Not by a name either, to which over plain HTTP the browser does not say whose page asks."""
    image = """(url) => new Promise((done) => {
        const image = new Image();
        image.referrerPolicy = "no-referrer";
        image.onload = image.onerror = done;
        image.src = url;
    })"""
    buffer = f"http://{host}:{world.port}/{TASKS}:buffer"
    stranger.evaluate(image, buffer)
    assert world.tasks() == []
    assert httpx.get(f"http://{world.gate}/{TASKS}:buffer").status_code == 200  # any other client makes one so
    (task,) = world.tasks()
    httpx.delete(f"http://{world.gate}/v2/{task['name']}").raise_for_status()


def test_a_beacon_makes_no_task(stranger: Page, world: World) -> None:
    beacon = """([url, text]) => navigator.sendBeacon(url, new Blob([text], {type: "text/plain"}))"""
    with stranger.context.expect_event("requestfinished"):
        stranger.evaluate(beacon, [f"http://{world.gate}/{TASKS}", TASK])
    assert world.tasks() == []


def test_a_link_leads_to_nothing_but_the_health_of_the_server(stranger: Page, world: World) -> None:
    for path, status in ((f"{TASKS}:buffer", 403), ("healthz", 200)):
        start = stranger.url
        with stranger.expect_navigation() as navigation:
            stranger.evaluate("(url) => { location.href = url }", f"http://{world.gate}/{path}")
        assert navigation.value.status == status
        stranger.goto(start)
    assert world.tasks() == []


def test_a_site_that_the_user_opens_leads_to_no_call_that_changes_something(page: Page, world: World) -> None:
    for other in world.others:
        led = page.goto(f"{other}/to?http://{world.gate}/{TASKS}:buffer")
        assert led is not None
        assert led.status == 403
    assert world.tasks() == []


def test_a_name_that_was_made_to_lead_here_opens_nothing(page: Page, world: World) -> None:
    """DNS rebinding: for the browser the page and the server are one site."""
    rebound = f"http://evil.example:{world.port}"
    first = page.goto(f"{rebound}/v2/{QUEUE}")
    assert first is not None
    assert first.status == 403
    assert "--allow-hosts evil.example" in page.inner_text("body")
    kind, status, text = fetch(page, f"{rebound}/{TASKS}", method="POST", body=TASK)
    assert (kind, status) == ("basic", 403)
    assert "--allow-hosts evil.example" in text
    grpc = {"method": "POST", "headers": {"Content-Type": "application/grpc"}, "body": "\0\0\0\0\0"}
    for method in ("google.cloud.tasks.v2.CloudTasks/CreateTask", "grpc.health.v1.Health/Check"):
        assert fetch(page, f"{rebound}/{method}", **grpc)[:2] == ("basic", 403)
    assert world.tasks() == []


def test_what_the_user_types_is_answered_and_so_are_the_servers_own_pages(page: Page, world: World) -> None:
    for host in ("127.0.0.1", "localhost", "gate.example"):
        typed = page.goto(f"http://{host}:{world.port}/v2/{QUEUE}")
        assert typed is not None
        assert typed.status == 200
        kind, status, _ = fetch(page, f"/v2/{QUEUE}:pause", method="POST", body="{}")
        assert (kind, status) == ("basic", 200)


def test_a_page_of_an_allowed_origin_calls_and_reads(page: Page, world: World) -> None:
    page.goto(world.allowed)
    url = f"http://{world.gate}/{TASKS}"
    json = {"Content-Type": "application/json", "Authorization": "Bearer x", "X-Goog-Api-Client": "x"}
    kind, status, text = fetch(page, url, method="POST", body=TASK, headers=json)  # with a preflight
    assert (kind, status) == ("cors", 200)
    (task,) = world.tasks()
    assert task["name"] in text
    assert task["name"] in fetch(page, url)[2]
    assert fetch(page, f"{url}/nothing")[:2] == ("cors", 404)  # errors can be read too
    assert fetch(page, f"http://{world.gate}/v2/{task['name']}", method="DELETE")[:2] == ("cors", 200)
    assert world.tasks() == []
