"""The URL that is called, and what a queue replaces of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.calls import called, http, routed, unsent

from tidegate.core.queue import EnforceMode, Scheme, UriOverride
from tidegate.core.target import HttpCall, compose


@pytest.mark.parametrize(
    ("override", "url", "sent"),
    [
        (UriOverride(scheme=Scheme.HTTP), "https://a/b", "http://a/b"),
        (UriOverride(scheme=Scheme.HTTPS), "http://a:8080/b", "https://a:8080/b"),
        (UriOverride(scheme=Scheme.UNSPECIFIED), "http://a/b", "https://a/b"),
        (UriOverride(host="other.example"), "http://a:8080/b?c=d", "http://other.example:8080/b?c=d"),
        (UriOverride(port=9000), "http://a/b", "http://a:9000/b"),
        (UriOverride(port=0), "http://a:8080/b", "http://a/b"),
        (UriOverride(path="/x"), "http://a/b?c=d", "http://a/x?c=d"),
        (UriOverride(path="x y"), "http://a/b", "http://a/x%20y"),
        (UriOverride(path="/x?y#z"), "http://a/b", "http://a/x%3Fy%23z"),
        (UriOverride(query="x=1&y=ü"), "http://a/b?c=d", "http://a/b?x=1&y=%C3%BC"),
        (UriOverride(query="?a=1"), "http://a/b", "http://a/b??a=1"),
        (UriOverride(path="", query=""), "http://a/b?c=d", "http://a/b?c=d"),
        (UriOverride(host="h", enforce_mode=EnforceMode.ALWAYS), "http://a/b", "http://h/b"),
        (UriOverride(host="h", enforce_mode=EnforceMode.IF_NOT_EXISTS), "http://a/b?c=d", "http://a/b?c=d"),
        (UriOverride(1, "h", 1, "/p", "q"), "https://a:2/b?c=d#e", "http://h:1/p?q"),
        (UriOverride(host="[::1]"), "http://a:80/b", "http://[::1]:80/b"),
    ],
)
def test_the_queue_replaces_parts_of_the_url(override: UriOverride, url: str, sent: str) -> None:
    assert called(http(url), routed(override)).url == sent


def test_a_url_is_encoded_and_its_fragment_stays_here() -> None:
    assert called(http("http://example.com/hello/a b?ü#x")).url == "http://example.com/hello/a%20b?%C3%BC"


@pytest.mark.parametrize("url", ["http://", "http://a/%zz", "http://a/?%", "http://a b/", "http://a:99999/"])
def test_a_url_that_cannot_be_called_is_not(url: str) -> None:
    assert unsent(http(url)) == "the URL cannot be called"


def test_a_port_that_cannot_be_is_not_called() -> None:
    assert unsent(http(), routed(UriOverride(port=65536))) == "the URL cannot be called"
    assert unsent(http(), routed(UriOverride(path="%"))) == "the URL cannot be called"


URLS = st.text(max_size=15).map("http://{}".format)
OVERRIDES = st.none() | st.builds(
    UriOverride,
    st.none() | st.integers(0, 2),
    st.none() | st.sampled_from(["h", "h.example", "[::1]"]),
    st.none() | st.integers(0, 10**6),
    st.none() | st.text(max_size=9),
    st.none() | st.text(max_size=9),
    st.integers(0, 2),
)


@given(URLS, OVERRIDES)
def test_what_is_called_is_always_a_url(url: str, override: UriOverride | None) -> None:
    call = compose(http(url), routed(override), {})
    if isinstance(call, HttpCall):
        assert re.fullmatch(
            r"https?://[A-Za-z0-9._:\[\]-]+/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*", call.url
        )
