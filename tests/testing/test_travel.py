"""Tests that freeze time: the server keeps to real time, and takes their clocks along when the test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import freezegun
import pytest
import time_machine

from tidegate.testing.local import UnpatchedClock
from tidegate.testing.spans import span_of
from tidegate.testing.travel import Travel

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def test_time_machine_does_not_move_the_server_but_is_moved_by_it() -> None:
    with time_machine.travel(PAST, tick=False):
        assert UnpatchedClock().now().year > 2020
        Travel().move(timedelta(hours=1))
        assert datetime.now(UTC) == PAST + timedelta(hours=1)


def test_freezegun_does_not_move_the_server_but_is_moved_by_it() -> None:
    with freezegun.freeze_time(PAST):
        assert UnpatchedClock().now().year > 2020
        Travel().move(timedelta(hours=1))
        assert datetime.now(UTC) == PAST + timedelta(hours=1)


def test_without_them_nothing_is_moved() -> None:
    before = datetime.now(UTC)
    Travel().move(timedelta(hours=1))
    assert datetime.now(UTC) - before < timedelta(hours=1)


def test_a_span_is_text_seconds_or_a_timedelta() -> None:
    assert [span_of("1h30m"), span_of(90), span_of(timedelta(days=1))] == [
        timedelta(minutes=90),
        timedelta(seconds=90),
        timedelta(days=1),
    ]
    with pytest.raises(ValueError, match="no span of time"):
        span_of("soon")
