"""Which requests of browsers are answered, from their headers alone."""

from __future__ import annotations

import pytest

from tidegate.core.errors import PermissionDenied
from tidegate.servers.origins import Origins

OURS = "localhost:8123"
APP = "http://localhost:3000"
QUEUES = "/v2/projects/p/locations/l/queues"
BUFFER = f"{QUEUES}/q/tasks:buffer"
CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0"

RULE = Origins(["0.0.0.0", "Gate.Example.com.", "tidegate", "*.internal"], [APP, "https://app.example.com"])


def allow(*headers: tuple[str, str], method: str = "POST", path: str = QUEUES, rule: Origins = RULE) -> str | None:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    origin = rule.allow(method, path, raw)
    return None if origin is None else origin.decode()


def refusal(*headers: tuple[str, str], method: str = "POST", path: str = QUEUES) -> str:
    with pytest.raises(PermissionDenied) as caught:
        allow(*headers, method=method, path=path)
    assert "\n" not in caught.value.message
    return caught.value.message


# Whose page it is


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new", "", "none, cross-site"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_a_request_of_another_sites_page_is_refused(site: str, method: str) -> None:
    says = refusal(("Host", OURS), ("Sec-Fetch-Site", site), method=method)
    assert says == (
        "The request comes from a page of another site; only pages whose http or https origin is in --allow-origins may"
        " call this server."
    )


def test_the_refusal_says_which_setting_would_allow_it() -> None:
    says = refusal(("Host", OURS), ("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost:5173"))
    assert says == (
        "Origin 'http://localhost:5173' is another site: if its pages may call this server, start it with"
        " --allow-origins http://localhost:5173."
    )


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_and_what_the_user_typed_are_answered(site: str) -> None:
    assert allow(("Host", OURS), ("Sec-Fetch-Site", site)) is None
    assert allow(("Host", OURS), ("Sec-Fetch-Site", site), ("Origin", f"http://{OURS}")) is None
    assert allow(("Host", OURS), ("Sec-Fetch-Site", site), method="GET") is None


def test_whoever_sends_no_header_of_browsers_is_answered() -> None:
    assert allow() is None
    assert allow(("Host", OURS), ("User-Agent", "curl/8"), ("Content-Type", "text/plain")) is None
    assert allow(("Host", OURS), ("Sec-Fetch-Mode", "cors")) is None  # Node sends that and nothing more
    assert allow(("Host", OURS), method="GET", path=BUFFER) is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (OURS, "http://localhost:8123"),
        (OURS, "HTTP://LOCALHOST:8123"),
        ("[::1]:8123", "http://[::1]:8123"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("gate.example.com", "https://gate.example.com"),  # a proxy ended TLS
        ("gate.example.com:443", "https://gate.example.com"),
        ("gate.example.com.", "https://gate.example.com."),
    ],
)
def test_without_the_site_an_origin_that_is_ours_is_answered(host: str, origin: str) -> None:
    assert allow(("Host", host), ("Origin", origin)) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8124",
        "http://localhost",
        "http://127.0.0.1:8123",
        "http://evil.example",
        "http://localhost:8123.evil.example",
        "http://localhost:8123@evil.example",
        "http://user@localhost:8123",
        "null",
        "",
        "localhost:8123",
        "chrome-extension://localhost:8123",
        "file://",
        "http://",
        f"http://{OURS}, http://evil.example",
    ],
)
def test_without_the_site_any_other_origin_is_refused(origin: str) -> None:
    assert "--allow-origins" in refusal(("Host", OURS), ("Origin", origin))
    assert "--allow-origins" in refusal(("Host", OURS), ("Origin", origin), method="OPTIONS")


def test_two_origins_are_none_of_ours() -> None:
    refusal(("Host", OURS), ("Origin", f"http://{OURS}"), ("Origin", f"http://{OURS}"))
    refusal(("Host", OURS), ("Origin", APP), ("Origin", APP))
    refusal(("Host", OURS), ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site"))


def test_an_origin_without_a_host_is_not_ours() -> None:
    refusal(("Origin", f"http://{OURS}"))


@pytest.mark.parametrize("origin", [APP, "https://app.example.com", "HTTP://localhost:3000"])
def test_pages_of_allowed_origins_are_answered_and_named(origin: str) -> None:
    assert allow(("Host", OURS), ("Sec-Fetch-Site", "cross-site"), ("Origin", origin)) == origin
    assert allow(("Host", OURS), ("Sec-Fetch-Site", "same-site"), ("Origin", origin)) == origin
    assert allow(("Host", OURS), ("Origin", origin)) == origin


@pytest.mark.parametrize(
    "origin", ["http://localhost:30000", "https://localhost:3000", "http://app.example.com", "null"]
)
def test_an_origin_is_allowed_only_as_a_whole(origin: str) -> None:
    refusal(("Host", OURS), ("Sec-Fetch-Site", "cross-site"), ("Origin", origin))


def test_a_request_that_hides_an_allowed_origin_is_refused() -> None:
    refusal(("Host", OURS), ("Sec-Fetch-Site", "same-site"), ("Referer", f"{APP}/"), method="GET")  # such as an image


# Links


def link(path: str, *, method: str = "GET", mode: str = "navigate", dest: str = "document") -> str | None:
    said = (("Host", OURS), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest))
    return allow(*said, method=method, path=path)


def test_a_link_on_another_site_leads_to_the_health_of_the_server() -> None:
    assert link("/healthz") is None
    assert link("/readyz") is None


@pytest.mark.parametrize("path", [QUEUES, BUFFER, "/metrics", "/emulator:reset", "/healthz/", "/"])
def test_a_link_leads_nowhere_else(path: str) -> None:
    with pytest.raises(PermissionDenied):
        link(path)


@pytest.mark.parametrize(
    "how",
    [{"method": "POST"}, {"mode": "no-cors", "dest": "image"}, {"mode": "cors", "dest": "empty"}, {"dest": "iframe"}],
)
def test_only_a_link_is_a_link(how: dict[str, str]) -> None:
    with pytest.raises(PermissionDenied):
        link("/healthz", **how)


# BufferTask, which makes a task by GET


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_makes_no_task_by_reading_unless_for_a_page_of_ours(method: str) -> None:
    there, browser = ("Host", "10.0.0.7:8123"), ("User-Agent", CHROMIUM)
    assert "use POST" in refusal(there, browser, method=method, path=BUFFER)  # an image of any page, for all we know
    assert "use POST" in refusal(there, ("Sec-Fetch-Site", "none"), method=method, path=BUFFER)  # or a redirect
    assert allow(there, browser, ("Sec-Fetch-Site", "same-origin"), method=method, path=BUFFER) is None
    assert allow(there, browser, ("Origin", "http://10.0.0.7:8123"), method=method, path=BUFFER) is None
    assert allow(there, browser, ("Origin", APP), method=method, path=BUFFER) == APP
    assert allow(there, browser, method=method) is None
    assert allow(there, browser, method="POST", path=BUFFER) is None


# Names of this server


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8123",
        "LOCALHOST.:8123",
        "tasks.localhost",
        "127.0.0.1:8123",
        "0.0.0.0:8123",
        "10.0.0.7",
        "[::1]",
        "[::1]:8123",
        "[fe80::1%25eth0]:8123",
        "[::ffff:127.0.0.1]:8123",
        "gate.example.com",
        "GATE.example.COM.:443",
        "tidegate:8123",
        "a.internal",
        "a.b.internal:80",
        "localhost:",
    ],
)
def test_an_address_a_local_name_and_the_names_of_the_settings_are_ours(host: str) -> None:
    assert allow(("Host", host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8123",
        "localhost.evil.example",
        "notlocalhost",
        "xtidegate",
        "tidegate.evil.example",
        "internal",
        "evilinternal",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "0x7f000001",
        "2130706433",
        "127.1",
        "my-server",
    ],
)
def test_any_other_name_is_refused_with_the_cure(host: str) -> None:
    name = host.partition(":")[0]
    cure = f"Host {host!r} is no name of this server: if it is, start the server with --allow-hosts {name}."
    assert refusal(("Host", host)) == cure
    # Behind such a name a page counts as ours.
    assert refusal(("Host", host), ("Sec-Fetch-Site", "same-origin"), ("Origin", f"http://{host}")) == cure
    assert refusal(("Host", host), ("Origin", APP)) == cure


@pytest.mark.parametrize(
    "host",
    [
        "localhost, evil.example",
        "localhost@evil.example",
        "evil.example/localhost",
        "localhost:8123:1",
        "localhost:http",
        "[::1",
        "[localhost]",
        "::1",
        "local\xe9",
        "localhost..",
        "..",
        "a" * 300,
        " ",
    ],
)
def test_what_is_no_name_is_refused(host: str) -> None:
    says = refusal(("Host", host))
    assert "is no name of this server" in says
    assert len(says) < 300


def test_two_hosts_are_refused() -> None:
    refusal(("Host", OURS), ("Host", OURS))
    refusal(("Host", OURS), ("Host", "evil.example"))


def test_a_request_without_a_host_is_no_browsers() -> None:
    assert allow(("Sec-Fetch-Site", "none")) is None
    assert allow(("Host", "")) is None


def test_a_long_origin_is_cut_in_the_refusal() -> None:
    assert len(refusal(("Host", OURS), ("Origin", "http://" + "a" * 5000))) < 400
