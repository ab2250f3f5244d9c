"""The console as an application: what is refused, what is answered, and with which headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from tests.cli.serving import served
from tests.console.listening import Source, stream_of

QUEUE = "projects/demo/locations/here/queues/mail"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    flags = ("--store", "sqlite://:memory:", "--queue", QUEUE, "--allow-origins", "http://app.example")
    hosts = ("--console-hosts", "tasks.example", "--allow-hosts", "api.example")
    with served(*flags, *hosts, directory=tmp_path_factory.mktemp("console")) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as client:
        yield client


def token(client: httpx.Client) -> str:
    page = client.get(QUEUE).text
    return page.partition('name="token" value="')[2].partition('"')[0]


def state(address: str) -> str:
    answer: str = httpx.get(f"http://{address}/v2/{QUEUE}").json()["state"]
    return answer


def posted(client: httpx.Client, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.post(path, content=urlencode(fields), headers={**form, **headers})


@pytest.mark.parametrize("path", ["queues", QUEUE, "static/console.css", "nowhere", "static/nothing.js"])
def test_every_answer_lets_nothing_in_and_is_shown_in_no_other_page(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_pages_are_not_kept_and_files_with_their_version_are(client: httpx.Client) -> None:
    page = client.get("queues")
    assert page.headers["cache-control"] == "no-store"
    style = page.text.partition('rel="stylesheet" href="./')[2].partition('"')[0]
    assert "immutable" in client.get(style).headers["cache-control"]
    assert client.get("static/console.css").headers["cache-control"] == "no-cache"


def test_nothing_but_our_files_is_served(client: httpx.Client) -> None:
    for path in ("static/../application.py", "static/%2e%2e/application.py", "static/vendor/", "static/__init__.py"):
        assert client.get(path).status_code == 404, path


def test_a_write_needs_our_own_page_and_its_token(client: httpx.Client, address: str) -> None:
    good = token(client)
    for fields, headers in (
        ({"token": good}, {}),
        ({"token": good}, {"Sec-Fetch-Site": "none"}),
        ({"token": good}, {"Sec-Fetch-Site": "cross-site"}),
        ({"token": good}, {"Origin": "http://app.example"}),
        ({"token": good}, {"Origin": f"http://{address}", "Sec-Fetch-Site": "same-site"}),
        ({}, OURS),
        ({"token": "1.x"}, OURS),
        ({"token": good + "0"}, OURS),
    ):
        assert posted(client, f"{QUEUE}/pause", fields, **headers).status_code == 403, (fields, headers)
    assert client.get(f"{QUEUE}/pause").status_code == 404
    assert state(address) == "RUNNING"
    assert posted(client, f"{QUEUE}/pause", {"token": good}, **OURS).status_code == 303
    assert state(address) == "PAUSED"
    assert posted(client, f"{QUEUE}/resume", {"token": good}, Origin=f"http://{address}").status_code == 303
    assert state(address) == "RUNNING"


def test_only_forms_are_taken(client: httpx.Client, address: str) -> None:
    good = token(client)
    for method, kind in (("PUT", "application/x-www-form-urlencoded"), ("POST", "application/json"), ("DELETE", "")):
        answer = client.request(
            method, f"{QUEUE}/pause", content=f"token={good}", headers={"Content-Type": kind, **OURS}
        )
        assert answer.status_code == 400
    assert state(address) == "RUNNING"


def test_a_form_that_is_too_large_is_refused(client: httpx.Client) -> None:
    assert posted(client, f"{QUEUE}/create-task", {"body": "x" * (4 * 2**20)}, **OURS).status_code == 429
    many = "&".join(f"a{number}=1" for number in range(3000))
    answer = client.post(QUEUE, content=many, headers={"Content-Type": "application/x-www-form-urlencoded", **OURS})
    assert answer.status_code == 400


def test_a_link_elsewhere_leads_here_but_no_page_elsewhere_reads(client: httpx.Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("queues", headers=link).status_code == 200
    for headers in (
        {**link, "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "http://app.example"},
        {"Origin": "http://app.example"},
    ):
        answer = client.get("queues", headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_the_console_answers_under_the_names_that_were_said(client: httpx.Client, address: str) -> None:
    for host in ("localhost", "tasks.localhost:80", "127.0.0.1", "[::1]:8123", "tasks.example", "api.example"):
        assert client.get("queues", headers={"Host": host}).status_code == 200, host
    answer = client.get("queues", headers={"Host": "evil.example"})
    assert (answer.status_code, "--console-hosts evil.example" in answer.text) == (403, True)
    assert httpx.get(f"http://{address}/v2/{QUEUE}", headers={"Host": "tasks.example"}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "projects/p/locations/l/queues/none",
        "projects/p/locations/l/queues/none/tasks/t",
        "projects/p/locations/l/queues/none/metrics",
        f"{QUEUE}/tasks/never",
        f"{QUEUE}/tasks/never/body",
        f"{QUEUE}/nothing",
        "projects/-/locations/-/queues/-",
        "queues/",
        "%00",
        "projects/a%2Fb/locations/l/queues/q",
    ],
)
def test_what_is_not_there_is_404_with_a_page(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<h1" in answer.text


@pytest.mark.parametrize(
    "query",
    ["q=%00", "state=nothing&sort=nothing", "after=%F0%9F%92%A9&before=x", "q=project:&q=location:", "a" * 5000],
)
def test_strange_queries_lead_to_a_page(client: httpx.Client, query: str) -> None:
    assert client.get(f"queues?{query}").status_code == 200


def test_a_search_that_cannot_be_read_is_answered_with_its_reason(client: httpx.Client) -> None:
    for path in ("?q=%22", "?after=nonsense", "/logs?filter=((", "/dead-letters?group=(("):
        assert client.get(QUEUE + path).status_code in {200, 400}, path


def test_head_has_the_headers_and_no_body(client: httpx.Client) -> None:
    answer = client.head("queues")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def test_the_way_in_leads_to_the_queues_also_behind_a_path(address: str) -> None:
    for path, where in (("/console", "console/queues"), ("/console/", "queues")):
        answer = httpx.get(f"http://{address}{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, where)


@pytest.mark.parametrize("path", ["queues", QUEUE, f"{QUEUE}/configuration", "queues/new", "server", "nowhere/at/all"])
def test_all_links_are_relative(client: httpx.Client, path: str) -> None:
    page = client.get(path).text
    for attribute in ('href="', 'action="', 'src="'):
        targets = [rest.partition('"')[0] for rest in page.split(attribute)[1:]]
        assert not [target for target in targets if target.startswith(("/", "http"))], attribute


def test_read_only_pages_have_no_buttons_and_the_server_refuses(tmp_path: Path) -> None:
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, "--console", "read-only", directory=tmp_path) as here:
        with httpx.Client(base_url=f"http://{here}/console/", timeout=60) as client:
            for path in ("queues", QUEUE, f"{QUEUE}/configuration", "server"):
                assert 'method="post"' not in client.get(path).text.replace('id="configuration"', "")
            answer = posted(client, f"{QUEUE}/pause", {}, **OURS)
            assert answer.status_code == 403
            assert "read-only" in answer.text
        assert state(here) == "RUNNING"


@pytest.mark.parametrize(("flags", "there"), [(("--console", "off"), False), (("--host", "0.0.0.0"), False)])
def test_there_is_no_console_where_it_is_off(flags: tuple[str, ...], there: bool, tmp_path: Path) -> None:
    with served("--store", "sqlite://:memory:", *flags, directory=tmp_path) as address:
        port = address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/console/queues").status_code == 404


async def test_a_stream_says_what_changed_and_listens_only_while_somebody_looks() -> None:
    source = Source()
    async with stream_of(source) as (nudges, sent):
        assert source.listeners == [nudges]
        source.tell("projects/p/locations/l/queues/a", "projects/p/locations/l/queues/b")
        await sent.until(b"event: changed\ndata: projects/p/locations/l/queues/a projects/p/locations/l/queues/b\n\n")
        source.tell(*(f"projects/p/locations/l/queues/{number}" for number in range(100)))
        await sent.until(b"event: changed\ndata: *\n\n")
    assert source.listeners == []
