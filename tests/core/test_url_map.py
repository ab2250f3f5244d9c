"""Production's URLs go to the machine of a developer."""

from __future__ import annotations

import pytest

from tidegate.core.url_map import Mapped, UrlMap

API = UrlMap(
    {
        "https://api.example.com": "http://localhost:3000",
        "https://api.example.com/v2": "http://localhost:4000/new/",
        "http://Web.example.com:8080/": "http://localhost:5000",
    }
)
APP = UrlMap({"*": "http://localhost:3000/base", "https://api.example.com": "http://localhost:4000"})


@pytest.mark.parametrize(
    ("url", "called", "host"),
    [
        ("https://api.example.com/v1/work?a=b", "http://localhost:3000/v1/work?a=b", "api.example.com"),
        ("https://API.example.com/V1", "http://localhost:3000/V1", "api.example.com"),
        ("https://api.example.com", "http://localhost:3000", "api.example.com"),
        ("https://api.example.com/", "http://localhost:3000", "api.example.com"),
        ("https://api.example.com?a", "http://localhost:3000/?a", "api.example.com"),
        ("https://user:secret@api.example.com/x#part", "http://localhost:3000/x", "api.example.com"),
        ("https://api.example.com/v2/work", "http://localhost:4000/new/work", "api.example.com"),
        ("https://api.example.com/v20", "http://localhost:3000/v20", "api.example.com"),
        ("http://web.example.com:8080/a", "http://localhost:5000/a", "web.example.com:8080"),
    ],
)
def test_the_longest_prefix_is_replaced(url: str, called: str, host: str) -> None:
    assert API.mapped(url) == Mapped(called, host)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/",  # another scheme
        "https://api.example.com.evil.com/",
        "https://api.example.com:8443/",
        "http://localhost:3000/",
        "https://other.example.com/",
    ],
)
def test_what_has_no_prefix_is_called_as_it_is(url: str) -> None:
    assert API.mapped(url) is None


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://anything.example.com/a?b", "http://localhost:3000/base/a?b"),
        ("https://p.appspot.com", "http://localhost:3000/base"),
        ("http://10.0.0.1:8080/a", "http://localhost:3000/base/a"),
        ("https://api.example.com/a", "http://localhost:4000/a"),
    ],
)
def test_a_star_is_every_url_without_another_prefix(url: str, called: str) -> None:
    mapped = APP.mapped(url)
    assert mapped is not None
    assert mapped.url == called


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80", "127.8.8.8", "0.0.0.0"])
def test_a_star_leaves_this_machine_alone(host: str) -> None:
    assert APP.mapped(f"http://{host}/a") is None


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://api.example.com/a?b", "http://localhost:4000/a?b"),
        ("https://other.example.com:8443/a?b", "http://localhost:3000/tls/other.example.com:8443/a?b"),
        ("HTTPS://user@localhost", "http://localhost:3000/tls/localhost"),
        ("http://127.0.0.1:80?q", "http://localhost:3000/127.0.0.1:80?q"),
    ],
)
def test_a_scheme_takes_all_its_urls_with_their_hosts(url: str, called: str) -> None:
    every = UrlMap(
        {
            "http://": "http://localhost:3000",
            "https://": "http://localhost:3000/tls/",
            "https://api.example.com": "http://localhost:4000",
        }
    )
    mapped = every.mapped(url)
    assert mapped is not None
    assert mapped.url == called
