"""Secrets are taken out of what is kept."""

from __future__ import annotations

import pytest

from tidegate.core.masking import is_secret, masked_headers, masked_url


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "X-Serverless-Authorization",
        "Cookie",
        "Set-Cookie",
        "Proxy-Authorization",
        "X-Api-Key",
        "apikey",
        "X-CSRF-Token",
        "X-Amz-Security-Token",
        "client_secret",
        "X-Hub-Signature",
        "key",
        "sig",
        "X-Auth",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["Content-Type", "X-CloudTasks-TaskName", "Keyboard", "X-Design", "Author", "Etag"])
def test_other_names_are_none(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://h/a?b=c", "http://h/a?b=c"),
        ("http://h/a?b=c&token=t1&x=y", "http://h/a?b=c&token=***&x=y"),
        ("https://user:pass@h/a?key=k", "https://***@h/a?key=***"),
        ("https://h/a?X-Goog-Signature=abc#access_token=def", "https://h/a?X-Goog-Signature=***#access_token=***"),
        ("https://h/?mail=a@b.test", "https://h/?mail=a@b.test"),
        ("http://h/plain", "http://h/plain"),
    ],
)
def test_urls_keep_all_but_their_secrets(url: str, masked: str) -> None:
    assert masked_url(url) == masked


def test_headers_are_bounded_in_number_and_size_and_masked() -> None:
    headers = (("Cookie", "a=b"), ("Location", "http://h/?token=t"), ("A", "x"), ("B", "y" * 100), ("C", "z"))
    assert masked_headers(headers, 10, 60) == (("Cookie", "***"), ("Location", "http://h/?token=***"), ("A", "x"))
    assert len(masked_headers(headers, 2, 1000)) == 2


def test_headers_that_look_harmless_are_masked_by_their_names() -> None:
    headers = (("Accept", "text/plain"), ("X-Door-Key", "abc"), ("X-Session", "canary"), ("X-Api-Key", "canary"))
    masked = (("Accept", "text/plain"), ("X-Door-Key", "abc"), ("X-Session", "***"), ("X-Api-Key", "***"))
    assert masked_headers(headers, 10, 100) == masked
    assert masked_headers(headers, 10, 100) == masked  # now that the names are known


def test_headers_without_secrets_are_bounded_too() -> None:
    headers = tuple((f"A{number}", "x" * 10) for number in range(9))
    assert masked_headers(headers, 9, 9 * 12) == headers
    assert masked_headers(headers, 8, 1000) == headers[:8]
    assert masked_headers(headers, 9, 9 * 12 - 1) == headers[:8]


def test_a_long_url_of_an_attacker_takes_no_long() -> None:
    text = "http://h/?" + "a@" * 50_000 + "&=" * 50_000
    assert len(masked_url(text)) <= len(text) + 3
