from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.delivery.retry_after import retry_after

NOW = datetime(1994, 11, 6, 8, 49, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0), ("120", 120), (" 7 ", 7), ("007", 7), ("0" * 100 + "5", 5), ("0" * 100, 0)]
)
def test_seconds_are_taken_as_they_are(value: str, seconds: int) -> None:
    assert retry_after(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_each_form_of_an_http_date_is_read(value: str) -> None:
    assert retry_after(value, NOW) == timedelta(seconds=37)


def test_a_date_gone_by_asks_for_no_wait() -> None:
    assert retry_after("Sun, 06 Nov 1994 08:48:00 GMT", NOW) == timedelta()


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1.5", "1e3", "\u0663", "Sun, 99 Nov 1994 08:49:37 GMT", "a" * 10_000]
)
def test_anything_else_asks_for_nothing(value: str) -> None:
    assert retry_after(value, NOW) is None


def test_absurd_numbers_are_long_waits() -> None:
    wait = retry_after("9" * 100_000, NOW)
    assert wait is not None
    assert wait > timedelta(days=10_000)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [A-Z+\-0-9]{1,6}", fullmatch=True))
def test_no_value_is_too_much(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or wait >= timedelta()
