"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.console import words

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (22140, "22,140"),
        (3.8, "3.8"),
        (0.2, "0.2"),
        (500.0, "500"),
        (1 / 3, "0.33"),
        (float("inf"), words.NOTHING),
    ],
)
def test_a_number(value: float, shown: str) -> None:
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.061, "61 ms"),
        (1, "1.0 s"),
        (3.14, "3.1 s"),
        (41.2, "41 s"),
        (60, "1 m"),
        (660, "11 m"),
        (3 * 3600, "3 h"),
        (6 * 86400, "6 d"),
    ],
)
def test_a_span_has_one_unit(seconds: float, shown: str) -> None:
    assert words.span(seconds) == shown


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=0.1), "0.1 s"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=1, minutes=30, seconds=5), "1 h 30 m 5 s"),
        (timedelta(days=31), "31 d"),
    ],
)
def test_a_setting_is_shown_exactly(span: timedelta, shown: str) -> None:
    assert words.exact_span(span) == shown


def test_times_are_told_from_now() -> None:
    assert words.due(NOON + timedelta(seconds=41), NOON) == "in 41 s"
    assert words.due(NOON - timedelta(minutes=11), NOON) == "11 m late"
    assert words.due(NOON, NOON) == "now"
    assert words.ago(NOON - timedelta(hours=4), NOON) == "4 h ago"
    assert words.ago(NOON + timedelta(days=2), NOON) == "in 2 d"


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (812, "812 B"), (1218, "1.2 kB"), (96_000, "96 kB"), (999_900, "1.0 MB")]
)
def test_a_size(count: int, shown: str) -> None:
    assert words.size(count) == shown


def test_what_turns_the_direction_of_text_is_shown_by_its_number() -> None:
    assert words.plain("invoice\u202efdp.exe") == "invoice[U+202E]fdp.exe"
    assert words.plain("a\u2066b\u200bc\0d") == "a[U+2066]b[U+200B]c[U+0000]d"
    assert words.plain("żółć 漢字 עברית\n\t") == "żółć 漢字 עברית\n\t"


def test_a_reason_of_the_api_has_its_times_as_people_read_them() -> None:
    text = "The next attempt of job-5s starts at 2026-11-30T20:12:13.529897Z, in 566.034267s. Attempts left: 9."
    assert words.reason(text) == (
        "The next attempt of job-5s starts at 2026-11-30 20:12:13 UTC, in 9 m. Attempts left: 9."
    )


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("UNAVAILABLE(14): HTTP status code 503", "503 Service Unavailable"),
        ("UNKNOWN(2): HTTP status code 0", "no answer"),
        ("UNKNOWN(2): HTTP status code 799", "799"),
        ("DEADLINE_EXCEEDED(4): no answer in 30 s", "DEADLINE_EXCEEDED(4): no answer in 30 s"),
    ],
)
def test_a_reason_of_the_api_has_the_status_as_people_know_it(status: str, shown: str) -> None:
    assert (
        words.reason(f"Attempt 2 failed with {status}; that was all.")
        == f"Attempt 2 failed with {shown}; that was all."
    )
