"""The console behind a proxy's path, and pages of other sites that try to use it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.browser.pages import Watched
from tests.browser.site import site
from tests.cli.serving import served
from tests.endtoend.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
SNIPPETS = {"docs/console.md nginx 1": "nginx runs with it, in front of a server"}

QUEUE = "projects/demo/locations/here/queues/mail"
NGINX = shutil.which("nginx")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    memory = ("--store", "sqlite://:memory:", "--queue", QUEUE)
    with served(
        *memory, "--allow-origins", "http://evil.example", directory=tmp_path_factory.mktemp("gate")
    ) as address:
        yield address


def state(server: str) -> str:
    answer: str = httpx.get(f"http://{server}/v2/{QUEUE}").json()["state"]
    return answer


@pytest.fixture
def proxy(server: str, tmp_path: Path) -> Iterator[str]:
    """nginx as the page of the console has it; where the console is behind it."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    found = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/console.md").read_text(), re.DOTALL)
    assert found is not None
    location = found[1].replace("127.0.0.1:8123", server)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; pid {tmp_path}/nginx.pid; error_log stderr; worker_processes 1; events {{}}"
        f" http {{ access_log off; {places} server {{ listen 127.0.0.1:{port}; {location} }} }}"
    )
    with subprocess.Popen([NGINX, "-c", config, "-p", tmp_path, "-e", "stderr"], stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}/tasks/console/"
            eventually("the proxy answers", lambda: _answers(url))
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}queues").status_code == 200
    except httpx.TransportError:
        return False


def test_behind_a_path_everything_works_without_a_setting(chrome: Browser, proxy: str, server: str) -> None:
    watched = Watched(chrome, proxy)
    with watched.context:
        page = watched.context.new_page()
        page.goto(proxy)
        page.get_by_role("link", name="mail", exact=True).click()
        expect(page).to_have_url(f"{proxy}{QUEUE}")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("status").filter(has_text="The queue is paused")).to_be_visible()
        httpx.post(f"http://{server}/v2/{QUEUE}:resume").raise_for_status()
        expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=PATIENCE * 1000)  # it heard
        page.get_by_role("navigation", name="Console").get_by_role("link", name="Server").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Server")
    assert watched.wrong == []


FORM = """([url, token]) => {
    const form = Object.assign(document.createElement("form"), {action: url, method: "POST"});
    form.append(Object.assign(document.createElement("input"), {name: "token", value: token}));
    document.body.append(form);
    form.submit();
}"""


@pytest.mark.parametrize("name", ["localhost", "evil.example"])
def test_a_page_of_another_site_presses_no_button_even_with_a_token(chrome: Browser, server: str, name: str) -> None:
    text = httpx.get(f"http://{server}/console/{QUEUE}").text
    token = text.partition('name="token" value="')[2].partition('"')[0]
    with site() as other, chrome.new_context() as context:
        page = context.new_page()
        page.goto(f"http://{name}:{other}/")
        with page.expect_navigation() as navigation:
            page.evaluate(FORM, [f"http://{server}/console/{QUEUE}/pause", token])
        assert navigation.value.status == 403
    assert state(server) == "RUNNING"


def test_a_link_of_another_site_leads_to_a_page_but_no_frame_shows_one(chrome: Browser, server: str) -> None:
    url = f"http://{server}/console/queues"
    with site() as other, chrome.new_context() as context:
        page = context.new_page()
        page.goto(f"http://evil.example:{other}/")
        page.evaluate(
            "(url) => { document.body.append(Object.assign(document.createElement('iframe'), {src: url})) }", url
        )
        page.wait_for_function("() => frames.length === 1")
        frame = page.frames[1]
        frame.wait_for_load_state()
        assert "Queues" not in (frame.text_content("body") or "")
        read = "(url) => fetch(url, {credentials: 'include'}).then((answer) => answer.text(), () => 'nothing')"
        assert page.evaluate(read, url) == "nothing"
        with page.expect_navigation() as navigation:
            page.evaluate("(url) => { location.href = url }", url)
        assert navigation.value.status == 200
