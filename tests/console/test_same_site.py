"""Which requests may change something."""

from __future__ import annotations

import pytest

from tidegate.console.same_site import TOKEN_FOR, FormTokens, check_same_site
from tidegate.core.errors import PermissionDenied

HOST = {b"host": b"127.0.0.1:8123"}


@pytest.mark.parametrize(
    "headers",
    [
        {b"sec-fetch-site": b"same-origin"},
        {b"sec-fetch-site": b"same-origin", b"origin": b"http://127.0.0.1:8123"},
        {b"origin": b"http://127.0.0.1:8123"},
    ],
)
def test_a_form_of_our_own_page_may(headers: dict[bytes, bytes]) -> None:
    check_same_site(HOST | headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"sec-fetch-site": b"none"},
        {b"sec-fetch-site": b"same-site", b"origin": b"http://127.0.0.1:8123"},
        {b"sec-fetch-site": b"cross-site"},
        {b"origin": b"http://127.0.0.1:9000"},
        {b"origin": b"null"},
        {b"origin": b"http://evil.example"},
    ],
)
def test_any_other_may_not(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(PermissionDenied):
        check_same_site(HOST | headers)


def test_a_token_holds_for_a_day_and_for_one_person() -> None:
    tokens = FormTokens(b"secret")
    token = tokens.make(1000.0, "ana")
    tokens.check(token, 1000.0 + TOKEN_FOR.total_seconds(), "ana")
    with pytest.raises(PermissionDenied, match="Load it again"):
        tokens.check(token, 1001.0 + TOKEN_FOR.total_seconds(), "ana")
    with pytest.raises(PermissionDenied):
        tokens.check(token, 1000.0, "eve")


@pytest.mark.parametrize("token", ["", "1000", "1000.", "1000.x", ".", "é.é", "x" * 10_000])
def test_a_token_that_was_not_made_here_is_refused(token: str) -> None:
    with pytest.raises(PermissionDenied):
        FormTokens(b"secret").check(token, 1000.0)


def test_a_token_of_an_earlier_life_is_refused() -> None:
    with pytest.raises(PermissionDenied):
        FormTokens(b"new").check(FormTokens(b"old").make(1.0), 1.0)
