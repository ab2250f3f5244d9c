import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.urls import encoded_length, is_host, is_intact, is_ready, split


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://example.com/hook?a=1&b=2", "https://example.com/hook?a=1&b=2"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com?a=1", "http://example.com/?a=1"),
        ("http://example.com/?", "http://example.com/?"),
        ("http://example.com/a#fragment?x", "http://example.com/a"),
        ("http://example.com#x", "http://example.com/"),
        ("http://example.com/hello/a b", "http://example.com/hello/a%20b"),
        ("http://example.com/ü?ß=é", "http://example.com/%C3%BC?%C3%9F=%C3%A9"),
        ("http://example.com/a%20b%C3%BC", "http://example.com/a%20b%C3%BC"),
        ("http://example.com/%zz", "http://example.com/%zz"),
        ('http://example.com/a?b=[1]"<>\\^`{|}', "http://example.com/a?b=%5B1%5D%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("http://example.com/a\r\nHost: evil", "http://example.com/a%0D%0AHost:%20evil"),
        ("http://example.com/a?b?c/d", "http://example.com/a?b?c/d"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("http://localhost:80/a", "http://localhost:80/a"),
        ("http://localhost:/a", "http://localhost/a"),
        ("http://my_service:65535/a", "http://my_service:65535/a"),
        ("http://bücher.example/a", "http://xn--bcher-kva.example/a"),
        ("http://user:pass@example.com/a", "http://example.com/a"),
        ("https://user@evil@example.com/a", "https://example.com/a"),
    ],
)
def test_a_url_is_encoded_where_it_needs_it(url: str, sent: str) -> None:
    parts = split(url)
    assert parts is not None
    assert str(parts) == sent


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///a",
        "http://:80/a",
        "http://exa mple.com/",
        "http://good.example\\@evil.example/",
        "http://example.com\\.googleapis.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:-1/",
        "http://example.com:99999999999999999999/",
        "http://example.com:8o/",
        "http://[::1/",
        "http://[zz]/",
        "http://a%41.example/",
        "http://℀.example/",
        f"http://{'ü' * 80}.example/",
        "ftp://example.com/",
        "HTTP://example.com/",
        "example.com",
        "",
    ],
)
def test_a_url_without_a_host_to_call_has_no_parts(url: str) -> None:
    assert split(url) is None


@given(st.sampled_from(["http://", "https://"]), st.text())
def test_whatever_follows_the_scheme_what_is_sent_is_a_url(scheme: str, rest: str) -> None:
    parts = split(scheme + rest)
    if parts is not None:
        sent = str(parts)
        assert re.fullmatch(r"https?://[A-Za-z0-9._:\[\]-]+/[A-Za-z0-9\-._~!$&'()*+,;=:@/%?]*", sent)
        assert str(split(sent)) == sent


@given(st.sampled_from(["http://", "https://"]), st.text(alphabet="ab.:/?&=%#@[] ü"))
def test_what_is_ready_is_what_would_be_sent(scheme: str, rest: str) -> None:
    url = scheme + rest
    if is_ready(url):
        assert str(split(url)) == url


@pytest.mark.parametrize("url", ["http://a/", "https://a.b-c_d:8080/x;y=1,(2)/~z?q=1&r=a/b?c"])
def test_plain_urls_are_ready(url: str) -> None:
    assert is_ready(url)


@pytest.mark.parametrize("url", ["http://a", "http://a/%41", "http://a/#b", "http://u@a/", "http://a/ ", "http://a/\n"])
def test_other_urls_are_looked_at(url: str) -> None:
    assert not is_ready(url)


@pytest.mark.parametrize("text", ["example.com", "localhost", "10.0.0.1", "[::1]", "my_service", "a-b.c."])
def test_names_and_addresses_are_bare_hosts(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text", ["", " ", "http://a", "a:80", "a/b", "a?b", "a#b", "u@a", "::1", "ü.example", "a b", "a\n", "[a", "%41"]
)
def test_anything_else_is_no_bare_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    ("text", "intact"), [("%20%aF", True), ("", True), ("%", False), ("%2", False), ("%2g", False)]
)
def test_an_escape_has_two_hex_digits(text: str, intact: bool) -> None:
    assert is_intact(text) is intact


def test_the_length_of_a_url_counts_its_escapes() -> None:
    assert encoded_length("http://a/b?c=d#e") == 16
    assert encoded_length("http://a/ü ") == 9 + 6 + 3
    assert encoded_length("http://a/%20") == 12
